"""``pipewarden events``: what is told to the world, as CloudEvents, and to whom."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from pipewarden.delivery.events.target import Target
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.store.state.outbox import OutboxEvent

app = typer.Typer(
    help="Read the events that runs write, as CloudEvents, and have them sent to event targets.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PAGE, _LOOK = 1_000, 0.5
_DEPENDENCY = 4

dead_app = typer.Typer(
    help="Look at the events that a target will not take, and have them sent again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(dead_app, name="dead")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def tail(
    after: Annotated[int | None, typer.Option(min=0, help="Only events behind this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more; Ctrl-C ends.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print CloudEvents, one a line.")] = False,
) -> None:
    """Print the last events, oldest first; with --after those that come behind a number."""
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    last = _print(_last(workspace, after, limit), after or 0, json=json)
    try:
        while follow:
            new = _page(workspace, last)
            last = _print(new, last, json=json)
            if not new:
                time.sleep(_LOOK)
    except KeyboardInterrupt:
        return


@app.command()
def relay(
    once: Annotated[
        bool, typer.Option("--once", help="Send what there is, then end; 4 where a target failed.")
    ] = False,
    json: _Json = False,
) -> None:
    """Send events to every enabled target, as they come; Ctrl-C ends.

    Any number of relays may run: each target is served by one of them at a time.
    """
    from datetime import timedelta

    from pipewarden.app.cli.output.relaying import say_passes
    from pipewarden.delivery.events.enabled import enabled
    from pipewarden.delivery.events.relay import relay_once
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    targets = enabled(workspace.settings)
    keep = timedelta(days=workspace.settings.events.retention_days)
    if not once:
        _relay_until_stopped(workspace, targets, keep)
        return
    try:
        report = relay_once(workspace.database, targets, workspace.clock, keep=keep)
    finally:
        for target in targets:
            target.publisher.close()
    say_passes(report, json=json)
    if any(done.error for done in report.targets):
        raise typer.Exit(_DEPENDENCY)


@app.command()
def targets(json: _Json = False) -> None:
    """Show where each event target stands: cursor, backlog, breaker, last error."""
    from pipewarden.app.cli.output.relaying import say_statuses
    from pipewarden.delivery.events.status import statuses
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    say_statuses(statuses(workspace.database, workspace.settings, workspace.clock()), json=json)


@app.command()
def replay(
    first: Annotated[
        int | None, typer.Option("--from", min=1, help="From this number on; see 'tail'.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From this time on: ISO 8601, UTC.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Only to this target; repeatable.")
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only types of this pattern; repeatable."),
    ] = None,
    json: _Json = False,
) -> None:
    """Have the relay send events again that targets already have, under the same ids."""
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.delivery.events.replay import replay as mark
    from pipewarden.errors import UsageError
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import count
    from pipewarden.store.state import outbox

    if (first is None) == (since is None):
        raise UsageError("say where to begin: --from NUMBER or --since TIME, and not both")
    workspace = Workspace()
    if since is not None:
        with workspace.database.read() as conn:
            first = outbox.first_since(conn, _time(since)) or outbox.newest(conn) + 1
    marked = mark(
        workspace.database,
        workspace.settings,
        first=first or 1,
        at=workspace.clock(),
        targets=target or (),
        types=type_ or (),
    )
    if json:
        say_json({"marked": marked})
        return
    for name, events in marked.items():
        say(f"{visible(name)}: {count(events, 'event')} will be sent again")


@dead_app.command("list")
def dead_list(
    target: Annotated[str | None, typer.Option(help="Only of this target.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many first.")] = 0,
    json: _Json = False,
) -> None:
    """List the events that were given up for a target, with the reason."""
    from pipewarden.app.cli.output.relaying import say_dead
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.store.state.delivery import undelivered

    with Workspace().database.read() as conn:
        letters = undelivered.dead(conn, target, limit=limit, offset=offset)
    say_dead(letters, json=json)


@dead_app.command("retry")
def dead_retry(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[NUMBER]...", help="The events; all dead ones if none."),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Only for this target.")] = None,
    json: _Json = False,
) -> None:
    """Have the relay send dead events again, as if for the first time."""
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.wording import count
    from pipewarden.store.state.delivery import undelivered

    workspace = Workspace()
    with workspace.database.write() as conn:
        revived = undelivered.revive(conn, workspace.clock(), target=target, seqs=numbers or ())
    if json:
        say_json({"retried": revived})
    else:
        say(f"{count(revived, 'delivery', 'deliveries')} will be tried again")


def _relay_until_stopped(workspace: Workspace, targets: list[Target], keep: Any) -> None:
    """Relay until Ctrl-C or SIGTERM; what is on its way is finished first."""
    import signal
    from threading import Event

    from pipewarden.app.cli.output.terminal import say
    from pipewarden.delivery.events.loop import relay_until
    from pipewarden.report.wording import count

    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say(f"relaying to {count(len(targets), 'event target')}; Ctrl-C ends")
    relay_until(stop, workspace.database, targets, workspace.clock, keep=keep)


def _time(text: str) -> datetime:
    """Return a time that was typed; without an offset it is UTC."""
    from datetime import UTC, datetime

    from pipewarden.errors import UsageError

    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time such as 2026-03-01T12:00:00Z") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _last(workspace: Workspace, after: int | None, limit: int) -> list[tuple[int, OutboxEvent]]:
    """Return the first events behind ``after``, or without it the last of all."""
    if after is not None:
        return _page(workspace, after)[:limit]
    kept: deque[tuple[int, OutboxEvent]] = deque(maxlen=limit)
    while page := _page(workspace, kept[-1][0] if kept else 0):
        kept.extend(page)
    return list(kept)


def _page(workspace: Workspace, after: int) -> list[tuple[int, OutboxEvent]]:
    from pipewarden.store.state import outbox

    with workspace.database.read() as conn:
        return outbox.page(conn, after, _PAGE)


def _print(events: list[tuple[int, OutboxEvent]], last: int, *, json: bool) -> int:
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import moment

    for number, event in events:
        if json:
            say_json({"number": number, "event": event.as_cloud_event()}, line=True)
        else:
            words = f"{number:>6}  {moment(event.at.isoformat())}  {event.type}  {event.subject}"
            say(visible(f"{words}{_facts(event.data)}".strip()))
        last = number
    return last


def _facts(data: Any) -> str:
    shown = {name: data[name] for name in ("status", "reason", "error") if data.get(name)}
    return "".join(f"  {name}={value}" for name, value in shown.items())
