"""What a run report says, in order, before it is Markdown or HTML.

Both reports lay out these same values, so that they can never say different things.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipewarden.report import account, wording
from pipewarden.report.facts import ReportFacts
from pipewarden.report.models.measured import measured
from pipewarden.report.untrusted import Links, clipped, visible_lines
from pipewarden.report.view import listings
from pipewarden.report.view.values import Cell, Count, RunView, Section

_NOTICE_LENGTH = 800
_COMMIT_LENGTH = 12

_PLAN_STATES = {
    "new": "not seen before",
    "changed": "their bytes changed",
    "stale": "the pipeline, its settings or the gate changed",
    "output-missing": "their output is gone or was altered",
    "failed": "they errored before",
    "rejected": "in quarantine until something changes",
    "moved": "renamed, same bytes",
    "deleted": "no longer in the source",
    "elsewhere": "produced on another machine",
    "unchanged": "nothing to do",
    "forced": "asked for",
}


def view_of(facts: ReportFacts, folder: Path, manifest: Mapping[str, Any] | None = None) -> RunView:
    """Return what the report of ``facts`` says.

    Parameters
    ----------
    facts
        The stored facts of the run.
    folder
        Where the report will lie: links are relative to it.
    manifest
        ``{total, success, failed}`` of the whole source, if it is to be told.
    """
    links = Links(folder)
    run = facts["run"]
    return RunView(
        run_id=run["id"],
        pipeline=run["pipeline"],
        ending=account.ending(facts),
        summary=account.summary(facts),
        error=tuple(visible_lines(run["error"].strip())) if run["error"].strip() else (),
        proof=account.proof(facts["totals"]),
        totals=_totals(facts),
        header=tuple((name, cell) for name, cell in _header(facts, links) if cell.text),
        sections=tuple(_sections(facts, links, manifest)),
    )


def _totals(facts: ReportFacts) -> tuple[Count, ...]:
    totals = facts["totals"]
    warned = wording.count(totals["warned"], "with a warning", "with warnings")
    kinds = [f"{totals[name]:,} {name}" for name in ("rejected", "errored") if totals[name]]
    return (
        Count("seen", totals["seen"]),
        Count("skipped", totals["skipped"]),
        Count("published", totals["published"], warned if totals["warned"] else "", "good"),
        Count("quarantined", totals["quarantined"], ", ".join(kinds), "bad"),
        Count("deferred", totals["deferred"], "", "warn"),
    )


def _header(facts: ReportFacts, links: Links) -> Iterator[tuple[str, Cell]]:
    run, config = facts["run"], facts["config"]
    yield "Run", Cell(run["id"])
    yield "Repeats", Cell(run["parent_id"] or "")
    yield "Pipeline", Cell(run["pipeline"])
    yield "Source", Cell(run["source"])
    yield "Started", Cell(wording.moment(run["started_at"]))
    yield "Finished", Cell(wording.moment(run["finished_at"]))
    yield "Took", Cell(wording.duration(run["seconds"]))
    yield "Started by", Cell(run["actor"])
    yield "Commit", _commit(config)
    workers = wording.count(run["workers"], "worker")
    yield "Executor", Cell(f"{run['executor']}, {workers}")
    off = Cell("switched off: outputs are marked unvalidated", tone="warn")
    yield "Gate", Cell("on") if run["validated"] else off
    yield "Outputs", Cell(run["output_dir"], links.to(run["output_dir"]))
    yield "Quarantine", Cell(run["quarantine_dir"], links.to(run["quarantine_dir"]))


def _commit(config: Mapping[str, Any]) -> Cell:
    commit = config.get("git_sha")
    if not commit:
        return Cell("none: not started in a git checkout", tone="idle")
    text = str(commit)[:_COMMIT_LENGTH]
    if branch := config.get("git_branch"):
        text += f" on {branch}"
    if config.get("git_dirty"):
        return Cell(f"{text}, with uncommitted changes", tone="warn")
    return Cell(text)


def _sections(
    facts: ReportFacts, links: Links, manifest: Mapping[str, Any] | None
) -> Iterator[Section]:
    yield from _notices(facts)
    yield from _plan(facts)
    yield from _verdicts(facts)
    yield listings.quarantined(facts, links)
    yield from listings.reasons(facts)
    yield from listings.checks(facts)
    yield from measured(facts)
    yield from listings.published(facts, links)
    yield from listings.stages(facts)
    yield from listings.slowest(facts, links)
    yield from listings.deferred(facts, links)
    yield from _folder(manifest)
    yield from _ledger(facts)
    yield from _config(facts)
    yield from _reproduce(facts)


def _notices(facts: ReportFacts) -> Iterator[Section]:
    if facts["notices"]:
        points = tuple(clipped(notice, _NOTICE_LENGTH) for notice in facts["notices"])
        yield Section("notices", "Please note", points=points)


def _plan(facts: ReportFacts) -> Iterator[Section]:
    counts = tuple(
        Count(state, number, _PLAN_STATES.get(state, ""))
        for state, number in facts["plan"].items()
        if number
    )
    if counts:
        yield Section("plan", "What the plan found", counts=counts)


def _verdicts(facts: ReportFacts) -> Iterator[Section]:
    totals = facts["totals"]
    if not totals["published"] and not totals["quarantined"]:
        return
    passed = totals["published"] - totals["warned"]
    if facts["run"]["validated"]:
        counts = [
            Count("PASS", passed, "published", "good"),
            Count("WARN", totals["warned"], "published, with warnings", "warn"),
        ]
    else:
        counts = [Count("UNVALIDATED", totals["published"], "published unseen", "warn")]
    counts.append(Count("FAIL", totals["rejected"], "rejected, in quarantine", "bad"))
    counts.append(Count("no verdict", totals["errored"], "errored, in quarantine", "bad"))
    shown = tuple(c for c in counts if c.number or c.name.isupper())
    yield Section("verdicts", "Pass, warn, fail", counts=shown)


def _folder(manifest: Mapping[str, Any] | None) -> Iterator[Section]:
    if manifest is not None:
        counts = tuple(
            Count(name, int(manifest.get(name, 0)), meaning, tone)
            for name, meaning, tone in (
                ("total", "items known", ""),
                ("success", "published, now or before", "good"),
                ("failed", "in quarantine, now or before", "bad"),
            )
        )
        yield Section("folder", "The folder as a whole", counts=counts)


def _ledger(facts: ReportFacts) -> Iterator[Section]:
    head = facts["ledger"]
    if not head:
        return
    lead = (
        "Where the ledger ended when this report was written. Keep this report: it is the anchor "
        "outside the ledger by which a tail that was cut off or rewritten shows."
    )
    names = {"count": "Entries", "hash": "Hash of the last entry"}
    points = tuple(
        f"{names.get(name, name)}: {wording.amount(value)}" for name, value in head.items()
    )
    lines = ("pipewarden audit verify",)
    yield Section("ledger", "Ledger", lead, points=points, lines=lines)


def _config(facts: ReportFacts) -> Iterator[Section]:
    if facts["config"]:
        text = json.dumps(facts["config"], ensure_ascii=False, indent=2, default=str)
        lead = "As it was when the run started; secrets are redacted."
        lines = tuple(visible_lines(text))
        yield Section("config", "Configuration", lead, lines=lines, folded=True)


def _reproduce(facts: ReportFacts) -> Iterator[Section]:
    if facts["reproduce"]:
        lines = tuple(line for text in facts["reproduce"] for line in visible_lines(text))
        yield Section("reproduce", "How to reproduce", lines=lines)
