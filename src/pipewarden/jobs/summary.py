"""The facts of a finished run, gathered from the state database for its report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.core.findings import Status
from pipewarden.core.gate import Gate
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job
from pipewarden.engine.publication.quarantine import FAILED, REPORT
from pipewarden.report.facts import (
    SCHEMA_VERSION,
    CheckFacts,
    ItemFacts,
    ItemList,
    ReportFacts,
    RunFacts,
    StageFacts,
    Totals,
)
from pipewarden.report.untrusted import shell_line
from pipewarden.report.wording import threshold_in_words
from pipewarden.store.state import items, ledger
from pipewarden.store.state.service import timings

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: How many rows a list of a report holds at most.
LIST_MAX = 1_000
_SLOWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the runner knows about the end of a run before the job's row learns of it."""

    status: str
    finished_at: str
    seconds: float
    plan: Mapping[str, int]
    gate: Gate
    notices: Sequence[str]
    config: Mapping[str, Any]
    output_dir: str
    quarantine_dir: str


def gather(conn: Connection, job: Job, ending: Ending) -> ReportFacts:
    """Return everything that a report says about a run; nothing is measured here.

    Parameters
    ----------
    ending
        How the run ends; the job's row learns it only after the report is written.
    """
    misses, rejected = _misses(conn, job.id)
    head = ledger.head(conn)
    return ReportFacts(
        schema_version=SCHEMA_VERSION,
        run=_run(job, ending),
        totals=_totals(job, rejected),
        plan=dict(ending.plan),
        checks=_checks(ending.gate, misses),
        reasons=items.reasons(conn, job.id),
        published=_list(conn, job, Outcome.PUBLISHED),
        quarantined=_quarantined(conn, job),
        deferred=_list(conn, job, Outcome.DEFERRED),
        slowest=ItemList(
            items=[_item(job.source, r) for r in items.slowest(conn, job.id, _SLOWEST)], omitted=0
        ),
        stages=stages_of(conn, job.id),
        notices=list(ending.notices),
        ledger={"count": head.count, "hash": head.hash},
        config=dict(ending.config),
        reproduce=_reproduce(job),
    )


def stages_of(conn: Connection, job_id: str) -> list[StageFacts]:
    """Return how long the items of a job took, and each of their stages."""
    return [
        StageFacts(stage=stage, items=timing.number, seconds=round(timing.seconds, 6))
        for stage, timing in timings.of_job(conn, job_id).items()
    ]


def _run(job: Job, ending: Ending) -> RunFacts:
    return RunFacts(
        id=job.id,
        parent_id=job.parent_id,
        pipeline=job.pipeline,
        source=job.source,
        status=ending.status,
        error=job.error,
        actor=job.created_by,
        started_at=(job.started_at or job.created_at).isoformat(),
        finished_at=ending.finished_at,
        seconds=ending.seconds,
        executor=str(job.options.get("executor", "")),
        workers=int(job.options.get("workers", 1)),
        validated=bool(job.options.get("validate", True)),
        output_dir=ending.output_dir,
        quarantine_dir=ending.quarantine_dir,
    )


def _totals(job: Job, rejected: int) -> Totals:
    held = job.progress
    return Totals(
        seen=held.seen,
        skipped=held.skipped,
        published=held.published,
        quarantined=held.quarantined,
        deferred=held.deferred,
        warned=held.warned,
        rejected=rejected,
        errored=held.quarantined - rejected,
    )


def _misses(conn: Connection, job_id: str) -> tuple[Counter[tuple[str, str]], int]:
    """Return how often each check was missed with each status, and how many items were rejected."""
    counted: Counter[tuple[str, str]] = Counter()
    rejected = 0
    for result in items.iterate(conn, job_id):
        rejected += result.outcome is Outcome.REJECTED
        counted.update(result.misses.items())
    return counted, rejected


def _checks(gate: Gate, misses: Counter[tuple[str, str]]) -> list[CheckFacts]:
    every = [(c.name, c.category, c.thresholds) for c in gate.checks]
    if gate.unique is not None:
        every.append((gate.unique.name, gate.unique.category, gate.unique.thresholds))
    return [
        CheckFacts(
            check=name,
            category=category,
            blocking=any(t.blocking for t in thresholds),
            threshold="; ".join(threshold_in_words(t) for t in thresholds),
            warn=misses[name, Status.WARN],
            fail=misses[name, Status.FAIL],
            not_computable=misses[name, Status.NOT_COMPUTABLE],
        )
        for name, category, thresholds in every
    ]


def _list(conn: Connection, job: Job, outcome: Outcome) -> ItemList:
    page = items.page(conn, job.id, outcome=outcome, limit=LIST_MAX)
    rows = [_item(job.source, result) for result in page.items]
    return ItemList(items=rows, omitted=page.total - len(rows))


def _quarantined(conn: Connection, job: Job) -> ItemList:
    lists = [_list(conn, job, outcome) for outcome in (Outcome.REJECTED, Outcome.ERRORED)]
    rows = sorted((row for part in lists for row in part["items"]), key=lambda row: row["key"])
    return ItemList(items=rows, omitted=sum(part["omitted"] for part in lists))


def _item(source: str, result: ItemResult) -> ItemFacts:
    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    row = ItemFacts(key=result.key, input_path=_shown(folder / result.key))
    if result.outcome is not Outcome.DEFERRED:
        row |= ItemFacts(
            verdict=result.verdict, seconds=round(result.seconds, 6), attempt=result.attempt
        )
    if result.reason or result.message:
        row |= ItemFacts(reason=result.reason, message=result.message)
    if result.output_path:
        row["output_path"] = _shown(Path(result.output_path))
    if result.quarantine_path:
        kept = result.quarantine_path
        row["quarantine_path"] = _shown(Path(kept))
        row["failure_report_path"] = _shown(Path(kept.removesuffix(FAILED) + REPORT))
    if result.facts:
        row["facts"] = dict(result.facts)
    return row


def _shown(path: Path) -> str:
    """Return a path relative to the working directory where it lies below it."""
    text, here = str(path), f"{Path.cwd()}{os.sep}"
    return text.removeprefix(here)


def _reproduce(job: Job) -> list[str]:
    commands = [f"pipewarden jobs status {job.id}", f"pipewarden rerun {job.id}"]
    if job.options.get("pipeline"):
        words = ["pipewarden", "status", str(job.options["pipeline"]), job.source, "--explain"]
        commands.append(shell_line(words))
    return commands
