"""Models and versions, as they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipewarden.app.cli.output.terminal import say, say_facts, say_json, say_next, say_table
from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.jobs.models.looking import Compared, ModelLine, plain
from pipewarden.report.untrusted import clipped, shell_line, visible
from pipewarden.report.wording import count, moment, value_in_words

_TEXT = 100


def say_models(held: Sequence[ModelLine], *, json: bool) -> None:
    """Print models, one a line."""
    if json:
        say_json([asdict(line) for line in held])
        return
    if not held:
        say("No model was trained yet.")
        return
    say_table(
        ("model", "family", "versions", "latest", "serves", "awaits approval"),
        [
            (
                visible(line.model),
                line.family,
                str(line.versions),
                "none deployable" if line.latest is None else str(line.latest),
                ", ".join(f"{place} {number}" for place, number in line.serving.items()),
                ", ".join(map(str, line.awaiting)),
            )
            for line in held
        ],
        right=("versions",),
    )


def say_versions(held: Sequence[tuple[ModelVersion, tuple[str, ...]]], *, json: bool) -> None:
    """Print the versions of a model, one a line."""
    if json:
        say_json([asdict(version) | {"serves": list(places)} for version, places in held])
        return
    say_table(
        ("version", "status", "verdict", "serves", "trained", "metrics", "reason"),
        [
            (
                str(version.version),
                version.status,
                version.verdict,
                ", ".join(places),
                _moment(version.created_at),
                _few(version.metrics),
                visible(clipped(version.reason, _TEXT)),
            )
            for version, places in held
        ],
    )


def say_version(facts: Mapping[str, Any], *, json: bool) -> None:
    """Print all that is known of a version."""
    if json:
        say_json(facts)
        return
    name = f"{facts['model']}@{facts['version']}"
    say(visible(name), tone="head")
    parent = facts["parent"]
    say_facts(
        {
            "status": facts["status"],
            "verdict": facts["verdict"],
            "reason": visible(facts["reason"]),
            "family": facts["family"],
            "trained": _moment(facts["created_at"]),
            "run": facts["run_id"],
            "item": visible(facts["item_key"]),
            "data": visible(facts["dataset"]),
            "document": visible(facts["document_missing"]) or facts["object_hash"],
            "parent": "" if parent is None else f"version {parent}",
        }
    )
    _say_mapping("metric", facts["metrics"])
    _say_mapping("parameter", facts["document"].get("parameters") or {})
    if facts["deployments"]:
        say()
        _say_stints(facts["deployments"])
    for one in facts["approvals"]:
        say()
        say(
            f"signed by {visible(one['signer'])} (key {one['key_id']}) for {one['environment']} "
            f"at {_moment(one['at'])}: {visible(one['meaning'])}"
        )
    words = ["pipewarden", "models", "release", facts["model"], "--version"]
    if facts["status"] == "quarantined":
        command = f'{shell_line([*words, str(facts["version"])])} --reason "…"'
        say_next({command: "let it be deployed all the same"})


def say_comparison(held: Compared, *, json: bool) -> None:
    """Print two versions side by side."""
    if json:
        say_json(asdict(held))
        return
    names = tuple(visible(f"{one.model}@{one.version}") for one in (held.first, held.second))
    say_table(
        ("metric", *names, "difference"),
        [
            (visible(name), _number(a), _number(b), _number(None if None in (a, b) else b - a))  # type: ignore[operator]
            for name, (a, b) in held.metrics.items()
        ],
        right=(*names, "difference"),
    )
    same = "the same data" if held.first.dataset == held.second.dataset else "different data"
    say(f"trained on {same}; verdicts {held.first.verdict} and {held.second.verdict}")
    if held.why_not:
        say(f"note: {visible(held.why_not)}")
    _say_mapping("told to the promotion gate", held.evidence)


def say_history(held: Sequence[Deployment], *, json: bool) -> None:
    """Print who served when."""
    if json:
        say_json([plain(one) for one in held])
        return
    if not held:
        say("Nothing was deployed.")
        return
    _say_stints([plain(one) for one in held])
    say(count(len(held), "deployment"))


def _say_stints(rows: Sequence[Mapping[str, Any]]) -> None:
    say_table(
        ("id", "model", "version", "environment", "state", "how", "from", "until", "by", "reason"),
        [
            (
                str(row["id"]),
                visible(row["model"]),
                str(row["version"]),
                row["environment"],
                row["state"],
                row["kind"],
                _moment(row["started_at"]),
                _moment(row["ended_at"]),
                visible(row["actor"]),
                visible(clipped(row["ended_reason"] or row["reason"], _TEXT)),
            )
            for row in rows
        ],
    )


def _say_mapping(what: str, held: Mapping[str, Any]) -> None:
    if held:
        say()
        rows = [
            (visible(name), clipped(value_in_words(value), _TEXT)) for name, value in held.items()
        ]
        say_table((what, "value"), rows)


def _few(metrics: Mapping[str, float]) -> str:
    return visible(", ".join(f"{n} {_number(v)}" for n, v in list(metrics.items())[:3]))


def _number(value: float | None) -> str:
    return value_in_words(value)


def _moment(at: datetime | None) -> str:
    return "" if at is None else moment(at.isoformat())
