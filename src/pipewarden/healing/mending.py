"""Pipelines that went wrong: lost jobs go on, errored inputs are tried again, sinks catch up.

Nothing here needs a gate or a proof: it is done again what was to be done anyway, by the functions
behind the commands that a person would type. How often is bounded, and every act is in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipewarden.core.chain import Act
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.delivery.sinks import care
from pipewarden.delivery.sinks.enabled import enabled, spools_of
from pipewarden.errors import PipewardenError
from pipewarden.healing.context import HealingContext
from pipewarden.jobs import quarantine, requests
from pipewarden.jobs.claiming import reap
from pipewarden.jobs.queue.submission import Origin, retry
from pipewarden.jobs.run import Silent, resume
from pipewarden.store.state import jobs, ledger

#: What a job says whose runner is gone, at the beginning of its error.
_LOST = "runner lost"
_ACTION = "healing.mended"
#: Of the latest jobs, so many are looked at.
_NEAR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """One thing that was done again.

    Parameters
    ----------
    subject
        The job, or the sink.
    words
        What was done, and what came of it.
    failed
        Whether it failed again.
    """

    subject: str
    words: str
    failed: bool = False


def mend(context: HealingContext) -> list[Mended]:
    """Do again what may be done again about pipelines; what fails is told, and stops nothing."""
    rules = context.policies.pipelines
    done: list[Mended] = []
    if rules.resume_lost:
        done += _resumed(context)
    if rules.retry_errored:
        done += _retried(context)
    if rules.replay_sinks:
        done += _replayed(context)
    return done


# ── jobs that lost their runner ──────────────────────────────────────────────────────────────────


def _resumed(context: HealingContext) -> Iterator[Mended]:
    workspace = context.workspace
    reap(workspace)
    with context.database.read() as conn:
        failed = jobs.page(conn, status=JobStatus.FAILED, limit=_NEAR).jobs
    for job in failed:
        if job.error.startswith(_LOST) and _may(context, job.id) and job.options.get("pipeline"):
            yield _go_on(context, job)


def _go_on(context: HealingContext, job: Job) -> Mended:
    _note(context, job.id, "its runner was lost")
    try:
        if not context.workspace.settings.healing.run_jobs:
            requests.requeue(context.workspace, job.id, "its runner was lost", context.actor)
            return Mended(subject=job.id, words=f"job {job.id} waits for a runner again")
        report = resume(job.id, context.workspace, Silent())
    except PipewardenError as error:
        return Mended(subject=job.id, words=f"job {job.id}: {error.message}", failed=True)
    words = f"job {job.id}, whose runner was lost, is {report.status}"
    return Mended(subject=job.id, words=words, failed=report.status is JobStatus.FAILED)


# ── inputs that errored ──────────────────────────────────────────────────────────────────────────


def _retried(context: HealingContext) -> Iterator[Mended]:
    """Try again what errored, one job a source; what a gate rejected is no error, and stays.

    The training of a candidate is its healing's own to try again, or to give up: done here, it
    would make a version that nobody asked for.
    """
    own = context.workspace.data_dir.absolute() / "healing"
    limit = context.policies.pipelines.attempts
    runs: dict[str, list[str]] = {}
    with context.database.read() as conn:
        latest = jobs.latest_of_each_source(conn)
    for job in latest:
        if not job.progress.quarantined:  # its manifest need not be read
            continue
        if Path(job.source).absolute().is_relative_to(own):
            continue
        for one in quarantine.listed(context.workspace, source=job.source, pipeline=job.pipeline):
            if one.kind == "errored" and one.attempt_count < limit:
                runs.setdefault(one.run_id, []).append(one.key)
    for run_id, keys in runs.items():
        if _may(context, run_id):
            yield _try_again(context, run_id, keys)


def _try_again(context: HealingContext, run_id: str, keys: list[str]) -> Mended:
    _note(context, run_id, f"{len(keys)} inputs errored")
    workspace = context.workspace
    try:
        job = retry(workspace, run_id, origin=Origin(actor=context.actor))
        if not workspace.settings.healing.run_jobs:
            return Mended(subject=run_id, words=f"job {job.id} waits to try {len(keys)} inputs")
        report = resume(job.id, workspace, Silent())
    except PipewardenError as error:
        return Mended(subject=run_id, words=f"run {run_id}: {error.message}", failed=True)
    left = report.progress.quarantined
    words = f"{len(keys)} inputs of {run_id} were tried again by {job.id}; {left} failed again"
    return Mended(subject=run_id, words=words, failed=bool(left))


# ── sinks ────────────────────────────────────────────────────────────────────────────────────────


def _replayed(context: HealingContext) -> Iterator[Mended]:
    settings = context.workspace.settings
    if not settings.sinks:
        return
    sinks, spools = enabled(settings, ()), spools_of(settings)
    try:
        held = care.status(sinks, spools, context.now())
        behind = [sink for sink, at in zip(sinks, held, strict=True) if at.spooled]
        for one in care.replay(behind, spools, context.workspace.clock):
            if one.sent:
                _note(context, f"sink/{one.name}", f"{one.sent} documents waited")
            words = f"sink {one.name}: {one.sent} documents sent, {one.left} left"
            if one.error:
                words += f": {one.error}"
            yield Mended(subject=one.name, words=words, failed=bool(one.left))
    finally:
        for sink in sinks:
            sink.sink.close()


# ── how often ────────────────────────────────────────────────────────────────────────────────────


def _may(context: HealingContext, subject: str) -> bool:
    with context.database.read() as conn:
        before = sum(1 for one in ledger.entries(conn, action=_ACTION, subject=subject))
    return before < context.policies.pipelines.attempts


def _note(context: HealingContext, subject: str, reason: str) -> None:
    """Write down that something is done again, before it is: what dies in it counts as well."""
    with context.database.write() as conn:
        act = Act(actor=context.actor, action=_ACTION, subject=subject, reason=reason)
        ledger.append(conn, [act], context.now())
