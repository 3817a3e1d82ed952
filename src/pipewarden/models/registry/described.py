"""What MLflow is told of a version: tags, words, files, metrics and parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipewarden.core.models.deployments import ModelVersion

#: What every tag of ours begins with.
TAG = "pipewarden."
_TEXT_MAX = 5_000
#: More values than this below one name are a table.
_TABLE = 12
#: Our types of columns → MLflow's.
_TYPES = {"number": "double", "integer": "long", "boolean": "boolean"}


def tags_of(version: ModelVersion) -> dict[str, str]:
    """Return the tags of a version, which say whose it is and of what."""
    held = {
        "model": version.model,
        "version": str(version.version),
        "status": str(version.status),
        "verdict": version.verdict,
        "reason": version.reason[:_TEXT_MAX],
        "object": version.object_hash,
        "dataset": version.dataset,
        "run_id": version.run_id,
        "item": version.item_key[:_TEXT_MAX],
        "parent": "" if version.parent is None else str(version.parent),
    }
    return {f"{TAG}{name}": text for name, text in held.items() if text}


def description_of(version: ModelVersion, document: Mapping[str, Any]) -> str:
    """Return a version in words, with what its gate found."""
    findings = (document.get("verdict") or {}).get("findings") or ()
    lines = [f"{version.model}@{version.version}: {version.verdict}, {version.status}"]
    lines += [f"- {f.get('check')}: {f.get('status')} ({f.get('value')})" for f in findings]
    return "\n".join(lines)[:_TEXT_MAX]


def files_of(document: Mapping[str, Any], run_ref: str) -> dict[str, Any]:
    """Return the files of a version: the document, and what is looked at most by itself.

    ``MLmodel`` is where MLflow's own pages look for the signature.
    """
    files: dict[str, Any] = {"model.json": dict(document), "MLmodel": _card(document, run_ref)}
    for part in ("signature", "segments", "verdict"):
        if document.get(part):
            files[f"{part}.json"] = document[part]
    return files


def _card(document: Mapping[str, Any], run_ref: str) -> dict[str, Any]:
    """Return what MLflow reads of a model: YAML by name, of which JSON is a part."""
    signature = document.get("signature") or {}
    columns = {side: _columns(signature.get(side) or ()) for side in ("inputs", "outputs")}
    return {
        "artifact_path": "model",
        "flavors": {"pipewarden": {"data": "model.json", "family": document.get("family", "")}},
        "run_id": run_ref,
        "signature": {side: json.dumps(held) for side, held in columns.items()},
    }


def _columns(held: Sequence[Any]) -> list[dict[str, Any]]:
    named = [each if isinstance(each, Mapping) else {"name": str(each)} for each in held]
    return [
        {
            "name": str(each.get("name", "")),
            "type": _TYPES.get(str(each.get("type", "")), "string"),
            "required": bool(each.get("required", True)),
        }
        for each in named
    ]


def metrics_of(document: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics by name, the bounds of an interval beside its value.

    The level of an interval is no measurement, and stays in the document.
    """
    found: dict[str, float] = {}
    for name, held in document["metrics"].items():
        parts = held if isinstance(held, Mapping) else {"value": held}
        for part, value in parts.items():
            if part == "level":
                continue
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                found[name if part == "value" else f"{name}.{part}"] = float(value)
    return found


def parameters_of(held: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return nested plain values as dotted names and texts.

    A long table, such as the error of every candidate, is a result, and stays in the document.
    """
    found: dict[str, str] = {}
    for name, value in held.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping) and len(value) > _TABLE:
            continue
        if isinstance(value, Mapping):
            found |= parameters_of(value, f"{path}.")
        else:
            found[path] = value if isinstance(value, str) else json.dumps(value)
    return found
