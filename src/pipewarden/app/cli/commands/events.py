"""``pipewarden events``: what is told to the world, as CloudEvents."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.store.state.outbox import OutboxEvent

app = typer.Typer(
    help="Read the events that runs write, as CloudEvents.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PAGE, _LOOK = 1_000, 0.5


@app.callback()
def _group() -> None:
    """Keep ``tail`` a command of its own while it is the only one."""


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
