"""``pipewarden sinks``: where documents go beside the output folder, and what still waits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from pipewarden.delivery.sinks.care import Replayed, SinkStatus
    from pipewarden.delivery.sinks.sink import EnabledSink
    from pipewarden.jobs.workspace import Workspace

app = typer.Typer(
    help="See where documents go beside the output folder, and send what waits.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_DEPENDENCY = 4

_Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Only these sinks.", show_default=False),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def status(
    names: _Names = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also ask each sink whether it answers now.")
    ] = False,
    json: _Json = False,
) -> None:
    """Show how each sink is: its breaker, what waits for it, what it refused, its last error."""
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.delivery.sinks import care

    workspace, sinks, spools = _opened(names)
    try:
        told = care.status(sinks, spools, workspace.clock(), probe=probe)
    finally:
        _close(sinks)
    if json:
        say_json([asdict(sink) for sink in told])
        return
    _say_status(told)


@app.command()
def replay(names: _Names = None, json: _Json = False) -> None:
    """Send each sink what waits for it, in order, now; exit code 4 where something still waits."""
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.delivery.sinks import care

    workspace, sinks, spools = _opened(names)
    told = care.replay(sinks, spools, workspace.clock)
    if json:
        say_json([asdict(done) for done in told])
    else:
        _say_replayed(told)
    if any(done.left for done in told):
        raise typer.Exit(_DEPENDENCY)


@app.command()
def compact(names: _Names = None, json: _Json = False) -> None:
    """Keep only the newest line of each document in the files of sinks of kind jsonl."""
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.delivery.sinks.kinds.jsonl import JsonlSink
    from pipewarden.delivery.sinks.kinds.jsonl_compaction import compact as compacted
    from pipewarden.errors import UsageError
    from pipewarden.report.wording import amount, count

    workspace, sinks, _ = _opened(names)
    done = {}
    for enabled in sinks:
        if isinstance(enabled.sink, JsonlSink):
            done[enabled.name] = compacted(enabled.sink, workspace.settings.lock_timeout)
        elif names:
            raise UsageError(f"the sink {enabled.name!r} is of kind {enabled.kind}: only jsonl")
    if json:
        say_json({name: asdict(told) for name, told in done.items()})
        return
    for name, told in done.items():
        dropped = count(told.dropped, "line")
        say(f"{name}: {dropped} dropped, {told.kept:,} kept, {amount(told.freed, 'bytes')} freed")
    if not done:
        say("no sink of kind jsonl is enabled")


def _opened(names: list[str] | None) -> tuple[Workspace, list[EnabledSink], Path]:
    from pipewarden.delivery.sinks.enabled import enabled, spools_of
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    sinks = enabled(workspace.settings, tuple(names or ()))
    return workspace, sinks, spools_of(workspace.settings)


def _close(sinks: list[EnabledSink]) -> None:
    for enabled in sinks:
        enabled.sink.close()


def _say_status(told: list[SinkStatus]) -> None:
    from pipewarden.app.cli.output.terminal import say, say_next, say_table
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import moment

    if not told:
        say("no sink is enabled: documents go to the output folder only")
        return
    headers = ("sink", "kind", "state", "breaker", "spooled", "bytes", "oldest", "refused")
    rows = [
        (
            *(sink.name, sink.kind, _state(sink), sink.breaker),
            *(f"{sink.spooled:,}", f"{sink.spooled_bytes:,}"),
            *(moment(sink.oldest) if sink.oldest else "", f"{sink.refused:,}"),
        )
        for sink in told
    ]
    say_table(headers, rows, right=("spooled", "bytes", "refused"))
    for sink in told:
        if sink.last_error:
            at = moment(sink.failed_at)
            say(visible(f"{sink.name}: last failed at {at}: {sink.last_error}"))
        if sink.said:
            say(visible(f"{sink.name}: does not answer: {sink.said}"), tone="bad")
        if sink.refused:
            say(visible(f"{sink.name}: refused documents, with reasons: {sink.refused_file}"))
    if any(sink.spooled for sink in told):
        say_next({"pipewarden sinks replay": "send what waits, now"})


def _state(sink: SinkStatus) -> str:
    if sink.answers is None:
        return sink.state
    return f"{sink.state}, answers" if sink.answers else sink.state


def _say_replayed(told: list[Replayed]) -> None:
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import count

    if not told:
        say("no sink is enabled")
    for done in told:
        words = f"{done.name}: {count(done.sent, 'document')} sent, {done.left:,} wait"
        if done.refused:
            words += f", {done.refused:,} refused"
        tone = "bad" if done.left else ""
        say(visible(f"{words}: {done.error}" if done.error else words), tone=tone)
