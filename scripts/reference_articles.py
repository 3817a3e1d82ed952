"""The reference page of the articles pipeline, from its settings, its schema and its gate file."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

INTRODUCTION = """
`pipewarden run articles SOURCE` reads news articles, repairs what is broken in them, damages
nothing that is not, and publishes them with names, dates, language and the log of every edit. A
source is a JSONL file (also `.gz`), one article a line, or a folder of `.html`, `.txt` and `.json`.

From Python, `from pipewarden.pipelines.articles import` `clean`, `ArticleCleaner`, `CleanResult`,
`Article`, `CleanedArticle` and `ArticleSettings`:

```python
from pipewarden.pipelines.articles import ArticleCleaner, clean

result = clean("It cost $100.", rules={"typos": False})
print(result.cleaned_text, result.entities, result.changes)

cleaner = ArticleCleaner({"language": "en"})
for article in cleaner.clean_many(records):  # in order; a BadInput where a record is none
    ...
```

[How to clean news articles](../how-to/clean-news-articles.md) shows the commands.
"""
RULES = """
## Rules

Each is a setting `rules.<name>` and can be switched off. They work in this order; entities are
found after `whitespace`, and their spans go along with every later edit. In the log, several rules
that had a part in one edit are joined by `+`.

"""
SETTINGS = """
## Settings

Under `pipelines.articles` in `pipewarden.yaml`, as `PIPEWARDEN_PIPELINES__ARTICLES__<NAME>` in the
environment (`__` between the parts of a name), or with `--set name=value`. What is given is merged
with the rest, at every depth.

"""
INPUT = """
## The input

Unknown fields are kept in `additional_metadata`. A field of the wrong type is refused by its name.
"""
OUTPUT = """
## The document

The JSON Schema is `src/pipewarden/pipelines/articles/schema.json`. The engine adds `source` and
`verdict` (`status`, `findings`). Lone surrogates, which no file can hold, are replaced by U+FFFD
one for one before anything else, and logged; `original_text` has them replaced.
"""


def page() -> str:
    """Return the page, without the line that says who wrote it."""
    from pipewarden.pipelines.articles.records import Article, CleanedArticle
    from pipewarden.pipelines.articles.settings import ArticleSettings, RuleSettings

    row = _FILINGS._row
    parts = ["# The articles pipeline\n", INTRODUCTION, RULES]
    parts += [row("rule", "what it does"), row("---", "---")]
    for name, field in RuleSettings.model_fields.items():
        parts.append(row(f"`{name}`", field.description or ""))
    parts += [SETTINGS, row("setting", "default", "meaning"), row("---", "---", "---")]
    for name, field in _leaves(ArticleSettings, ""):
        if not name.startswith("rules."):
            parts.append(row(f"`{name}`", f"`{field.default}`", field.description or ""))
    parts.append(INPUT)
    parts += list(_objects(Article.model_json_schema(), "Article"))
    parts.append(OUTPUT)
    schema = CleanedArticle.model_json_schema(mode="serialization")
    parts += list(_objects(schema, "CleanedArticle"))
    parts.append(_FILINGS.GATE)
    parts += list(_checks())
    return "".join(parts)


def _objects(schema: dict[str, Any], name: str) -> Iterator[str]:
    for title, held in {name: schema, **schema.get("$defs", {})}.items():
        yield f"\n### {title}\n\n{held.get('description', '').splitlines()[0]}\n\n"
        yield _FILINGS._row("field", "type", "meaning")
        yield _FILINGS._row("---", "---", "---")
        for field, about in held.get("properties", {}).items():
            kind = _FILINGS._type(about)
            yield _FILINGS._row(f"`{field}`", kind, about.get("description", ""))


def _checks() -> Iterator[str]:
    from pipewarden.pipelines.articles.checks import GATE_FILE

    yield _FILINGS._row("check", "category", "passes when", "warns unless", "a miss")
    yield _FILINGS._row("---", "---", "---", "---", "---")
    for name, rule in yaml.safe_load(GATE_FILE.read_text(encoding="utf-8"))["checks"].items():
        wanted = f"{rule['operator']} {rule['target']} {rule.get('unit', '')}"
        if rule.get("applies_when"):
            wanted += f" (asked when {rule['applies_when']})"
        strict, miss = rule.get("warn_threshold", ""), rule.get("blocking")
        cells = (f"`{name}`", rule["category"], wanted.strip(), str(strict))
        yield _FILINGS._row(*cells, "quarantines" if miss else "warns")


def _leaves(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            yield from _leaves(field.annotation, f"{path}{name}.")
        else:
            yield f"{path}{name}", field


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_FILINGS = _beside("reference_filings")
