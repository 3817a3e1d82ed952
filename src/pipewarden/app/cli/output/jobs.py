"""Jobs as they are printed: a list, one in full, its items, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.outcome import shown
from pipewarden.app.cli.output.terminal import say, say_facts, say_next, say_table
from pipewarden.core.jobs import JobStatus
from pipewarden.report.untrusted import clipped, visible
from pipewarden.report.wording import count, duration, moment, share

if TYPE_CHECKING:
    from datetime import datetime

    from pipewarden.core.items import ItemResult
    from pipewarden.core.jobs import Intent, Job, JobEvent
    from pipewarden.jobs.queue.pace import Pace
    from pipewarden.report.facts import StageFacts

TONES = {
    JobStatus.COMPLETED: "good",
    JobStatus.FAILED: "bad",
    JobStatus.PAUSED: "warn",
    JobStatus.CANCELLED: "warn",
}


def progress_words(job: Job) -> str:
    """Return what became of the items so far; nothing that is not counted."""
    held = job.progress
    words = [f"{_decided(job):,} of {count(held.seen, 'item')} done"]
    names = ("skipped", "published", "quarantined", "deferred")
    counts = [f"{number:,} {name}" for name in names if (number := getattr(held, name))]
    return ", ".join([*words, *counts])


def _decided(job: Job) -> int:
    """Return how many items have an outcome that stays; a deferred one waits for a resume."""
    return job.progress.accounted - job.progress.deferred


def exit_code(job: Job) -> int:
    """Return what a command that waited for the job ends with, as the run itself would."""
    if job.status in (JobStatus.PAUSED, JobStatus.CANCELLED):
        return 130
    return 1 if job.progress.quarantined or job.status is JobStatus.FAILED else 0


def as_json(job: Job) -> dict[str, Any]:
    """Return a job as plain values."""
    return asdict(job)


def say_jobs(jobs: Sequence[Job], total: int, offset: int) -> None:
    """Print jobs, one a line, and which of how many they are."""
    if not jobs:
        say("No jobs." if not total else f"No jobs from {offset:,} on; there are {total:,}.")
        return
    rows = [
        (
            job.id,
            job.status + _asked(job),
            job.pipeline,
            f"{_decided(job):,}/{job.progress.seen:,}",
            f"{job.progress.quarantined:,}",
            shown(job.source),
        )
        for job in jobs
    ]
    headers = ("run", "status", "pipeline", "done", "quarantined", "source")
    say_table(headers, rows, right=("done", "quarantined"))
    if len(jobs) < total:
        say()
        say(f"{offset + 1:,} to {offset + len(jobs):,} of {total:,} jobs")
        if offset + len(jobs) < total:
            say(f"more: --offset {offset + len(jobs)}")


def _asked(job: Job) -> str:
    if job.status is not JobStatus.RUNNING:
        return ""
    return " (cancel asked)" if job.cancel else " (pause asked)" if job.pause else ""


def say_job(
    job: Job, history: Sequence[JobEvent], pace: Pace, stages: Sequence[StageFacts] = ()
) -> None:
    """Print one job in full, with its speed, its history and what can be done with it."""
    say(f"{job.id}: {job.status}{_asked(job)}", tone=TONES.get(job.status, ""))
    say_facts(
        {
            "items": progress_words(job),
            "speed": _speed(pace),
            "stages": _shares(stages),
            "memory": f"{pace.memory_bytes / 2**20:,.0f} MiB" if pace.memory_bytes else "",
            "error": visible(clipped(job.error, 500)),
            "pipeline": visible(str(job.options.get("pipeline") or job.pipeline)),
            "source": shown(job.source),
            "outputs": shown(str(job.options.get("output_dir", ""))),
            "created": f"{_when(job.created_at)} by {visible(job.created_by)}",
            "started": _when(job.started_at),
            "finished": _finished(job),
            "repeats": job.parent_id or "",
            "run by": _runner(job),
            "pause": _intent(job.pause),
            "cancel": _intent(job.cancel),
        }
    )
    if history:
        say()
        say("History", tone="head")
        rows = [
            (_when(e.at), e.event, visible(e.actor), visible(clipped(e.reason, 200)))
            for e in history
        ]
        say_table(("time", "event", "by", "why"), rows)
    say_next(_next_commands(job))


def _shares(stages: Sequence[StageFacts]) -> str:
    """Return which share of the items' time each stage takes, where the pipeline tells them."""
    told = {one["stage"]: one["seconds"] for one in stages}
    whole = told.pop("work", 0.0)
    return ", ".join(f"{name} {share(seconds, whole)}" for name, seconds in told.items())


def say_items(items: Sequence[ItemResult], total: int, offset: int) -> None:
    """Print items of a run, one a line, and which of how many they are."""
    rows = [
        (
            visible(item.key),
            item.outcome,
            item.verdict,
            visible(item.reason),
            duration(item.seconds) if item.seconds else "",
            visible(clipped(" ".join(item.message.split()), 200)),
        )
        for item in items
    ]
    if rows:
        say_table(("item", "outcome", "verdict", "reason", "time", "message"), rows)
        say()
    where = f"{offset + 1:,} to {offset + len(rows):,} of " if rows and len(rows) < total else ""
    say(f"{where}{count(total, 'item')}")


def _speed(pace: Pace) -> str:
    if pace.items_per_second is None:
        return ""
    left = f", {duration(pace.eta_seconds)} left" if pace.eta_seconds else ""
    return f"{pace.items_per_second:,.1f} items/s{left}"


def _when(at: datetime | None) -> str:
    return moment(at.isoformat()) if at else ""


def _finished(job: Job) -> str:
    if job.finished_at is None:
        return ""
    began = job.started_at or job.created_at
    return f"{_when(job.finished_at)}, {duration((job.finished_at - began).total_seconds())} after"


def _runner(job: Job) -> str:
    if job.status is not JobStatus.RUNNING or job.lease_owner is None:
        return ""
    host, _, rest = job.lease_owner.partition(":")
    seen = f", last heard of {_when(job.heartbeat_at)}" if job.heartbeat_at else ""
    return f"process {rest.partition(':')[0]} on {visible(host)}{seen}"


def _intent(intent: Intent | None) -> str:
    if intent is None:
        return ""
    why = f": {visible(intent.reason)}" if intent.reason else ""
    return f"asked by {visible(intent.actor)} at {_when(intent.at)}{why}"


def _next_commands(job: Job) -> dict[str, str]:
    commands = {}
    if job.status is JobStatus.RUNNING:
        commands[f"pipewarden jobs watch {job.id}"] = "see how far it is, until it ends"
        commands[f"pipewarden jobs pause {job.id}"] = "stop it after the items in work"
    elif job.status is JobStatus.QUEUED:
        commands[f"pipewarden jobs watch {job.id}"] = "see when it begins, until it ends"
        commands[f"pipewarden jobs cancel {job.id}"] = "take it out of the queue"
    elif job.status is not JobStatus.COMPLETED:
        commands[f"pipewarden jobs resume {job.id}"] = "go on where it stopped"
    if job.progress.quarantined:
        commands[f"pipewarden jobs status {job.id} --items failed"] = "what it quarantined, and why"
        if job.status.finished:
            commands[f"pipewarden jobs retry {job.id}"] = "process that again"
    if job.status is JobStatus.COMPLETED:
        commands[f"pipewarden rerun {job.id}"] = "do it again, under a new id"
    return commands
