"""``pipewarden heal``: decide, retrain, prove, promote, and undo, as the policy lets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipewarden.healing.context import HealingContext

app = typer.Typer(
    help="Heal models that went wrong, as far as the policy file lets it.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Model = Annotated[
    str | None, typer.Option("--model", help="The model; the only one if there is but one.")
]
_Some = Annotated[str, typer.Option("--model", help="The model; all if none is named.")]
_Environment = Annotated[str, typer.Option(help="Where it serves.")]
_Reason = Annotated[str, typer.Option(help="Why; the ledger keeps it.")]


def _context(*, person: bool = False) -> HealingContext:
    from pipewarden.healing.context import AUTOMATON, healing_context
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    return healing_context(workspace, workspace.actor if person else AUTOMATON)


def _named(context: HealingContext, model: str | None) -> str:
    from pipewarden.app.cli.commands.models.naming import model_or_only

    return model_or_only(context.models, model)


@app.command()
def once(json: _Json = False) -> int:
    """Go on with what goes on, look at every model, and begin what the policy asks for.

    To be called again and again: by 'heal run', by cron, or by a timer of systemd. Exit code 1: a
    healing ended in this round without having helped.
    """
    from pipewarden.app.cli.output.healing import say_round
    from pipewarden.healing.looping import once as one_round

    done = one_round(_context())
    say_round(done, json=json)
    return int(bool(done.lost))


@app.command()
def run(
    interval: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds between two rounds; healing.interval_seconds if none."),
    ] = None,
    json: _Json = False,
) -> None:
    """Heal round by round until it is told to stop; a round in work is ended first."""
    import signal
    import threading

    from pipewarden.app.cli.output.healing import say_round
    from pipewarden.healing.looping import run as rounds

    context = _context()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    seconds = interval or context.workspace.settings.healing.interval_seconds
    rounds(context, stop, lambda done: say_round(done, json=json, quiet=True), interval=seconds)


@app.command()
def start(
    *,
    model: _Model = None,
    environment: _Environment = "production",
    reason: _Reason,
    json: _Json = False,
) -> int:
    """Ask for a healing now: no hour and no cooldown is waited for, the gates stay as they are.

    Exit code 1: the policy does not let it.
    """
    from pipewarden.app.cli.output.healing import say_round
    from pipewarden.healing.deciding.signals import Asked
    from pipewarden.healing.looping import ask

    context = _context(person=True)
    asked = Asked(actor=context.actor, reason=reason)
    done = ask(context, _named(context, model), environment, asked)
    say_round(done, json=json)
    return int(not done.advanced)


@app.command()
def status(model: _Some = "", json: _Json = False) -> None:
    """List what goes on, what was decided lately, and what is paused."""
    from pipewarden.app.cli.output.healing import say_status
    from pipewarden.store.state.healing import healings, holds

    context = _context()
    with context.database.read() as conn:
        held = healings.history(conn, model=model or None, limit=50)
        paused = holds.paused(conn)
    say_status(held, paused, json=json)


@app.command()
def explain(
    model: _Model = None, environment: _Environment = "production", json: _Json = False
) -> None:
    """Say in plain words why a model is healed or is not, with the figures; nothing is changed."""
    from pipewarden.app.cli.output.healing import say_explanation
    from pipewarden.healing.explaining import explain as explained

    context = _context()
    say_explanation(explained(context, _named(context, model), environment), json=json)


@app.command()
def pause(
    *,
    model: _Some = "",
    environment: _Environment = "production",
    reason: _Reason,
    json: _Json = False,
) -> None:
    """Let nothing be healed: nothing is decided, and what goes on stands still."""
    from pipewarden.app.cli.output.healing import say_held
    from pipewarden.healing import controlling

    held = controlling.pause(_context(person=True), model, environment, reason=reason)
    say_held(held, "paused", json=json)


@app.command()
def resume(
    model: _Some = "",
    environment: _Environment = "production",
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Let it be healed again: a pause ends, and an open breaker is closed."""
    from pipewarden.app.cli.output.healing import say_held
    from pipewarden.healing import controlling

    held = controlling.resume(_context(person=True), model, environment, reason=reason)
    say_held(held, "going on", json=json)


@app.command()
def step(
    model: _Model = None, environment: _Environment = "production", json: _Json = False
) -> None:
    """Go on with the healing of a model by one state, also where it is paused."""
    from pipewarden.app.cli.output.healing import say_advanced
    from pipewarden.healing import controlling

    context = _context(person=True)
    done = controlling.step(context, _named(context, model), environment)
    say_advanced(done, json=json)


@app.command()
def veto(
    *,
    model: _Model = None,
    environment: _Environment = "production",
    reason: _Reason,
    json: _Json = False,
) -> None:
    """Stop the healing of a model for good; a version that it has deployed is rolled back."""
    from pipewarden.app.cli.output.healing import say_vetoed
    from pipewarden.healing import controlling

    context = _context(person=True)
    held = controlling.veto(context, _named(context, model), environment, reason=reason)
    say_vetoed(held, json=json)
