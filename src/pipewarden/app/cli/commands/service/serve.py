"""``pipewarden serve``: queued jobs, the HTTP API, and the relay of events, until it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipewarden.jobs.workspace import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen at; loopback unless there are API keys.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")
    ] = None,
    root_path: Annotated[
        str | None, typer.Option(help="Path prefix that a reverse proxy strips.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=0, help="Queued jobs to run at once; 0 runs none.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that answer requests with documents.")
    ] = None,
    http: Annotated[
        bool, typer.Option("--http/--no-http", help="Answer HTTP, or only run jobs.")
    ] = True,
) -> None:
    """Run queued jobs, answer HTTP and relay events, until Ctrl-C or SIGTERM.

    Jobs in work are paused then, and the next service goes on with them.
    """
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.settings import load_settings

    asked: dict[str, Any] = {
        "host": host,
        "port": port,
        "root_path": root_path,
        "jobs": jobs,
        "workers": workers,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    workspace = Workspace(load_settings(service=given or None))
    if http:
        from pipewarden.app.api.serving import serve as answer

        answer(workspace)
    else:
        _run_jobs(workspace)


def _run_jobs(workspace: Workspace) -> None:
    import signal

    from pipewarden.app.background import Background
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.errors import UsageError
    from pipewarden.report.wording import count

    slots = workspace.settings.service.jobs
    if not slots and not workspace.settings.events.targets:
        raise UsageError("there is nothing to do: no jobs, no HTTP, no event targets")
    with workspace.database.read():
        pass  # it opens, and its schema is made, before anything is promised
    background = Background(workspace, slots)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: background.stopping())
    background.start()
    say(f"running queued jobs, {count(slots, 'job')} at once; Ctrl-C ends")
    background.wait()
    background.stop()
