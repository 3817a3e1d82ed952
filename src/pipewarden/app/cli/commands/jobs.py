"""``pipewarden jobs``: look at runs, and pause, resume or cancel them from any terminal."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

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


@app.command("list")
def list_(
    status: Annotated[
        Status | None, typer.Option(case_sensitive=False, help="Only jobs of this status.")
    ] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only of this pipeline.")] = None,
    source: Annotated[str | None, typer.Option(help="Only of this folder or file.")] = None,
    limit: _Limit = 20,
    offset: _Offset = 0,
    json: _Json = False,
) -> None:
    """List runs, newest first."""
    from pathlib import Path

    from pipewarden.app.cli.output.jobs import as_json, say_jobs
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.core.jobs import JobStatus
    from pipewarden.jobs.requests import list_jobs

    page = list_jobs(
        _looked_after(),
        status=None if status is None else JobStatus(status.value),
        pipeline=pipeline,
        source=None if source is None else str(Path(source).absolute()),
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

    workspace = _looked_after()
    job = requests.find(workspace, run_id)
    history = requests.history(workspace, run_id)
    found, total = _items(workspace, run_id, items, limit, offset) if items else ([], 0)
    if json:
        facts = {"job": as_json(job), "history": [asdict(event) for event in history]}
        if items:
            page = {"items": [asdict(item) for item in found], "total": total, "offset": offset}
            facts |= {"items": page}
        say_json(facts)
        return
    if not items:
        say_job(job, history)
        return
    say(f"{job.id}: {job.status}")
    say_items(found, total, offset)


@app.command()
def watch(run_id: _RunId, json: _Json = False) -> None:
    """Follow a run until it ends, and end as it does (Ctrl-C stops watching, not the run)."""
    from pipewarden.app.cli.output.jobs import TONES, as_json, exit_code, progress_words
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.app.cli.output.watching import follow

    try:
        job = follow(_looked_after(), run_id, json=json)
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
) -> None:
    """Go on with a paused, cancelled or failed run, or one whose process died, here and now."""
    from pipewarden.app.cli.commands.run import conclude
    from pipewarden.app.cli.output.progress import listener
    from pipewarden.jobs.requests import find
    from pipewarden.jobs.run import resume as carry_out
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    find(workspace, run_id)
    with closing(listener(json=json, quiet=quiet)) as tell:
        report = carry_out(run_id, workspace, tell)
    conclude(report, json=json, quiet=quiet)


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

    if which is not Items.FAILED:
        outcome = None if which is Items.ALL else Outcome(which.value)
        page = item_page(workspace, run_id, outcome=outcome, limit=limit, offset=offset)
        return list(page.items), page.total
    found: list[ItemResult] = []
    total = 0
    for outcome in (Outcome.REJECTED, Outcome.ERRORED):
        start = max(0, offset - total)
        page = item_page(
            workspace, run_id, outcome=outcome, limit=max(1, limit - len(found)), offset=start
        )
        if len(found) < limit:
            found += page.items
        total += page.total
    return found, total


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
