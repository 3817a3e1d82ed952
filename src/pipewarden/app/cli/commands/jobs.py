"""``pipewarden jobs``: look at runs, and pause, resume or cancel them from any terminal."""

from __future__ import annotations

import inspect
from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipewarden.app.cli.commands.run import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipewarden.core.items import ItemResult
    from pipewarden.core.jobs import Job
    from pipewarden.jobs.workspace import Workspace

app = typer.Typer(
    help="Look at runs, and pause, resume or cancel them from any terminal.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Status(StrEnum):
    """Where a job is in its life."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Items(StrEnum):
    """Which items of a job to list."""

    ALL = "all"
    #: Both kinds of quarantined items.
    FAILED = "failed"
    REJECTED = "rejected"
    ERRORED = "errored"
    PUBLISHED = "published"
    DEFERRED = "deferred"


_RunId = Annotated[
    str, typer.Argument(metavar="RUN_ID", help="The run's id; see 'pipewarden jobs list'.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
_Offset = Annotated[int, typer.Option(min=0, help="Leave out so many first.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept in the history and the ledger.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Follow the job, and end as it does.")]


def _submit(
    pipeline: str, source: str, *, run_name: str, wait: bool, json: bool, **asked: Any
) -> None:
    """Leave a run to a runner service ('pipewarden serve'), with the options of 'run'."""
    from pipewarden.app.cli import asking
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.jobs.queue.submission import submit

    settings = asking.pipeline_settings(asked.pop("settings") or [], asked.pop("metadata"))
    executor = asked.pop("executor")
    asked |= {"settings": settings, "executor": None if executor is None else str(executor)}
    workspace, options = asking.asked_for(pipeline, source, asked)
    found = load_pipeline(options.pipeline, workspace.settings, options.settings)
    _say_submitted(
        workspace, submit(found, options, workspace, run_name=run_name), wait=wait, json=json
    )


def _as_run(command: Any) -> Any:
    """Give a command the parameters of 'run', but for those that run nothing, and ``--wait``."""
    own = inspect.signature(run, eval_str=True).parameters
    kept = [p for name, p in own.items() if name not in ("inspect_quarantine", "dry_run", "quiet")]
    wait = inspect.Parameter(
        "wait", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Wait
    )
    command.__signature__ = inspect.Signature([*kept, wait], return_annotation=None)
    return command


app.command("submit")(_as_run(_submit))


@app.command("list")
def list_(
    status: Annotated[
        Status | None, typer.Option(case_sensitive=False, help="Only jobs of this status.")
    ] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only of this pipeline.")] = None,
    source: Annotated[str | None, typer.Option(help="Only of this folder or file.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only those made since: a time (2026-03-01T12:00Z), or an age (7d, 12h)."
        ),
    ] = None,
    limit: _Limit = 20,
    offset: _Offset = 0,
    json: _Json = False,
) -> None:
    """List runs, newest first."""
    from pathlib import Path

    from pipewarden.app.cli import asking
    from pipewarden.app.cli.output.jobs import as_json, say_jobs
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.core.jobs import JobStatus
    from pipewarden.jobs.requests import list_jobs

    page = list_jobs(
        _looked_after(),
        status=None if status is None else JobStatus(status.value),
        pipeline=pipeline,
        source=None if source is None else str(Path(source).absolute()),
        since=None if since is None else asking.since(since),
        limit=limit,
        offset=offset,
    )
    if json:
        jobs = [as_json(job) for job in page.jobs]
        say_json({"jobs": jobs, "total": page.total, "limit": limit, "offset": offset})
    else:
        say_jobs(page.jobs, page.total, offset)


@app.command()
def status(
    run_id: _RunId,
    items: Annotated[Items | None, typer.Option(help="List these items of the run.")] = None,
    limit: _Limit = 50,
    offset: _Offset = 0,
    json: _Json = False,
) -> None:
    """Show one run: its status, progress, history; with --items what became of its items."""
    from dataclasses import asdict

    from pipewarden.app.cli.output.jobs import as_json, say_items, say_job
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs import requests
    from pipewarden.jobs.queue.pace import pace

    workspace = _looked_after()
    job = requests.find(workspace, run_id)
    speed, stages = pace(workspace, job), requests.stages_of(workspace, run_id)
    history = requests.history(workspace, run_id)
    found, total = _items(workspace, run_id, items, limit, offset) if items else ([], 0)
    if json:
        facts = {"job": as_json(job), "history": [asdict(event) for event in history]}
        facts |= {"pace": asdict(speed), "stages": stages}
        facts |= {"sinks": requests.sinks_of(workspace, job)}
        if items:
            page = {"items": [asdict(item) for item in found], "total": total, "offset": offset}
            facts |= {"items": page}
        say_json(facts)
        return
    if not items:
        say_job(job, history, speed, stages)
        return
    say(f"{job.id}: {job.status}")
    say_items(found, total, offset)


@app.command()
def watch(run_id: _RunId, json: _Json = False) -> None:
    """Follow a run until it ends, and end as it does (Ctrl-C stops watching, not the run)."""
    _follow(_looked_after(), run_id, json=json)


def _follow(workspace: Workspace, run_id: str, *, json: bool) -> None:
    from pipewarden.app.cli.output.jobs import TONES, as_json, exit_code, progress_words
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.app.cli.output.watching import follow

    try:
        job = follow(workspace, run_id, json=json)
    except KeyboardInterrupt:
        say(f"no longer watching; run {run_id} goes on", error=True)
        raise typer.Exit(130) from None
    if json:
        say_json(as_json(job), line=True)
    else:
        say(f"{job.id}: {job.status}: {progress_words(job)}", tone=TONES.get(job.status, ""))
    raise typer.Exit(exit_code(job))


@app.command()
def pause(run_id: _RunId, reason: _Reason = "", json: _Json = False) -> None:
    """Ask a run to pause after the items in work; 'jobs resume' goes on with it."""
    from pipewarden.jobs import requests

    _ask(requests.pause, run_id, reason, "pause", json=json)


@app.command()
def cancel(run_id: _RunId, reason: _Reason = "", json: _Json = False) -> None:
    """Ask a run to end; what it finished stays finished, and it can be resumed."""
    from pipewarden.jobs import requests

    _ask(requests.cancel, run_id, reason, "cancel", json=json)


@app.command()
def resume(
    run_id: _RunId,
    json: _Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only problems.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave it to a runner service instead.")
    ] = False,
) -> None:
    """Go on with a paused, cancelled or failed run, or one whose process died, here and now."""
    from pipewarden.app.cli.commands.run import conclude
    from pipewarden.app.cli.output.progress import listener
    from pipewarden.jobs.requests import find
    from pipewarden.jobs.run import resume as carry_out
    from pipewarden.jobs.workspace import Workspace

    if queue:
        from pipewarden.jobs.requests import requeue

        workspace = _looked_after()
        _say_submitted(workspace, requeue(workspace, run_id), wait=False, json=json)
        return
    workspace = Workspace()
    find(workspace, run_id)
    with closing(listener(json=json, quiet=quiet)) as tell:
        report = carry_out(run_id, workspace, tell)
    conclude(report, json=json, quiet=quiet)


@app.command()
def retry(run_id: _RunId, wait: _Wait = False, json: _Json = False) -> None:
    """Leave to a runner service what a run quarantined, as a new run of the same options."""
    from pipewarden.jobs.queue.submission import retry as again

    workspace = _looked_after()
    _say_submitted(workspace, again(workspace, run_id), wait=wait, json=json)


@app.command()
def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Age since completion: 90d, 12h, 30m.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: _Json = False,
) -> None:
    """Remove the item records of runs that completed long ago; the runs themselves stay.

    Documents that were uploaded for them go, too. What can still be resumed keeps its records, and
    with what lies in quarantine its upload. Each pruned run has an entry in the ledger.
    """
    from dataclasses import asdict

    from pipewarden.app.cli import asking
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.queue.retention import prune as remove
    from pipewarden.report.wording import count

    pruned = remove(_looked_after(), asking.age(older_than), dry_run=dry_run)
    if json:
        say_json({**asdict(pruned), "dry_run": dry_run})
        return
    verb = "would be removed" if dry_run else "removed"
    said = f"{count(pruned.items, 'item record')} of {count(pruned.jobs, 'run')}"
    say(
        f"{said} and {count(pruned.uploads, 'upload')} {verb}"
        if pruned.uploads
        else f"{said} {verb}"
    )


def _say_submitted(workspace: Workspace, job: Job, *, wait: bool, json: bool) -> None:
    from pipewarden.app.cli.output.jobs import as_json
    from pipewarden.app.cli.output.terminal import say, say_json, say_next
    from pipewarden.jobs.queue.services import living

    if json:
        say_json(as_json(job), line=wait)
    else:
        say(f"{job.id} is QUEUED")
    if not living(workspace):
        say("note: no runner service is running here; start one: pipewarden serve", error=True)
    if wait:
        _follow(workspace, job.id, json=json)
    elif not json:
        say_next({f"pipewarden jobs watch {job.id}": "follow it until it ends"})


def _looked_after() -> Workspace:
    """Return the workspace, with the runs of dead processes marked, and counted to their end."""
    from pipewarden.jobs.claiming import catch_up_known, reap
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    if reap(workspace):
        catch_up_known(workspace)
    return workspace


def _items(
    workspace: Workspace, run_id: str, which: Items, limit: int, offset: int
) -> tuple[list[ItemResult], int]:
    from pipewarden.core.items import Outcome
    from pipewarden.jobs.requests import item_page

    chosen: tuple[Outcome, ...] = ()
    if which is Items.FAILED:
        chosen = (Outcome.REJECTED, Outcome.ERRORED)
    elif which is not Items.ALL:
        chosen = (Outcome(which.value),)
    page = item_page(workspace, run_id, outcomes=chosen, limit=limit, offset=offset)
    return list(page.items), page.total


def _ask(
    request: Callable[[Workspace, str, str], Job],
    run_id: str,
    reason: str,
    verb: str,
    *,
    json: bool,
) -> None:
    from pipewarden.app.cli.output.jobs import as_json
    from pipewarden.app.cli.output.terminal import say, say_json, say_next
    from pipewarden.core.jobs import JobStatus

    job = request(_looked_after(), run_id, reason)
    if json:
        say_json(as_json(job))
    elif job.status is JobStatus.RUNNING:
        say(f"{job.id} was asked to {verb}; it will when the items in work are done")
        say_next({f"pipewarden jobs watch {job.id}": "wait for it"})
    else:
        say(f"{job.id} is {job.status}")
        say_next({f"pipewarden jobs resume {job.id}": "go on where it stopped"})
