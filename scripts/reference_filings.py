"""The reference page of the filings pipeline, from its settings, its schema and its gate file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

OUTCOMES = {
    "found": "the Item's text is there",
    "partial_update": "a 10-Q adds to the risk factors of the annual report",
    "no_material_changes": "a 10-Q says that there are none",
    "not_applicable": "the filer need not report it (a smaller reporting company)",
    "by_reference": "it is incorporated from another document, or points to one",
    "not_present": "there is positive evidence that the filing has none",
    "ambiguous": "none of these can be shown; the gate quarantines it",
}
INTRODUCTION = """
`pipewarden run filings SOURCE` reads EDGAR filings (10-K, 10-K405, 10-KSB, 10-Q and amendments;
HTML, inline XBRL, full submissions as `.txt`, each also as `.gz`) and publishes one JSON document
for each: who filed what for when, and the risk factors of Item 1A (Part II, Item 1A of a 10-Q) one
by one.

From Python, `from pipewarden.pipelines.filings import` `SECPreprocessingPipeline` and
`HealthCheckValidator`. `SECPreprocessingPipeline(settings).process_and_validate(path)` returns
`(result | None, status, report)`; `HealthCheckValidator().check_single(result)` returns a
`Verdict`.
"""
SETTINGS = """
## Settings

Under `pipelines.filings` in `pipewarden.yaml`, as `PIPEWARDEN_PIPELINES__FILINGS__<NAME>` in the
environment, or with `--set name=value`.

"""
DOCUMENT = """
## The document

The JSON Schema is `src/pipewarden/pipelines/filings/schema.json`. The engine adds `source` (`path`,
`sha256` of the bytes) and `verdict` (`status`, `findings`).
"""
GATE = """
## The gate

Defaults; [how to tune a gate](../how-to/tune-a-gate.md) changes them.

"""


def page() -> str:
    """Return the page, without the line that says who wrote it."""
    from pipewarden.pipelines.filings.model import Filing
    from pipewarden.pipelines.filings.settings import FilingsSettings

    parts = ["# The filings pipeline\n", INTRODUCTION]
    parts.append(SETTINGS)
    parts += [_row("setting", "default", "meaning"), _row("---", "---", "---")]
    for name, field in FilingsSettings.model_fields.items():
        parts.append(_row(f"`{name}`", f"`{field.default}`", field.description or ""))
    parts.append("\n## Outcomes\n\nAn outcome is never a guess presented as a fact.\n\n")
    parts += [_row("outcome", "meaning"), _row("---", "---")]
    parts += [_row(f"`{name}`", meaning) for name, meaning in OUTCOMES.items()]
    parts.append(DOCUMENT)
    schema = Filing.model_json_schema(mode="serialization")
    parts += list(_objects(schema))
    parts.append(GATE)
    parts += list(_checks())
    return "".join(parts)


def _objects(schema: Mapping[str, Any]) -> Iterator[str]:
    named = {"Filing": schema, **schema.get("$defs", {})}
    for name, held in named.items():
        yield f"\n### {name}\n\n{held.get('description', '').splitlines()[0]}\n\n"
        yield _row("field", "type", "meaning")
        yield _row("---", "---", "---")
        for field, about in held.get("properties", {}).items():
            yield _row(f"`{field}`", _type(about), about.get("description", ""))


def _type(about: Mapping[str, Any]) -> str:
    if "$ref" in about:
        return str(about["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in about:
        return " or ".join(_type(option) for option in about["anyOf"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    return str(about.get("type", "any"))


def _checks() -> Iterator[str]:
    from importlib.resources import files

    text = (files("pipewarden.pipelines.filings") / "gate.yaml").read_text(encoding="utf-8")
    yield _row("check", "category", "passes when", "warns unless", "a miss")
    yield _row("---", "---", "---", "---", "---")
    for name, rule in yaml.safe_load(text)["checks"].items():
        for threshold in rule.get("thresholds", [rule]):
            wanted = f"{threshold['operator']} {threshold['target']} {threshold.get('unit', '')}"
            condition = threshold.get("applies_when")
            if condition:
                wanted += f" (asked when {condition})"
            strict = threshold.get("warn_threshold", "")
            miss = "quarantines" if threshold.get("blocking") else "warns"
            yield _row(f"`{name}`", rule["category"], wanted.strip(), str(strict), miss)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
