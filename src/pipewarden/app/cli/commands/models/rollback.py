"""``pipewarden rollback``: back to a version that served before, for one model or for all."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def rollback(
    *,
    model: Annotated[
        str | None, typer.Option(help="The model; the only one that serves if there is but one.")
    ] = None,
    isbn: Annotated[
        str | None, typer.Option(metavar="ISBN", help="The series: short for --model sales/ISBN.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every model that serves, instead of one.")
    ] = False,
    environment: Annotated[str, typer.Option(help="Where.")] = "production",
    to_version: Annotated[
        str | None,
        typer.Option(
            help="A number that served there before, previous (if none is given) or "
            "last-known-good."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; required but in an emergency, ledgered.")] = "",
    emergency: Annotated[
        bool,
        typer.Option(
            "--emergency", help="No questions, to last-known-good: the model named, or all."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether all.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Go back: in one transaction, backed up before, tried out after; no gate is asked.

    Exit code 1: a model had nothing to go back to, or what serves now was not found good.
    """
    from pipewarden.app.cli.commands.models.answering import answering_first
    from pipewarden.app.cli.commands.models.naming import serving_or_named
    from pipewarden.app.cli.output.models.deployed import say_rolled_back
    from pipewarden.errors import UsageError
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import choosing, rolling_back

    named = model is not None or isbn is not None
    if everything and named:
        raise UsageError("--all and a model exclude each other")
    asked = to_version or (choosing.LAST_KNOWN_GOOD if emergency else choosing.PREVIOUS)
    if emergency:
        reason, everything = reason or "emergency", not named
    with answering_first(Workspace(), json=json) as context:
        models = None if everything else [serving_or_named(context, model, isbn, environment)]
        if models is None and not (emergency or yes or json) and sys.stdin.isatty():
            typer.confirm(
                f"Roll back every model that serves in {environment}?", abort=True, err=True
            )
        done = rolling_back.rollback(context, models, environment, asked, reason=reason)
        say_rolled_back(done, json=json)
        return int(not done.good)
