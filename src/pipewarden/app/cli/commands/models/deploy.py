"""``pipewarden deploy``: through the gates into an environment, tried out, or taken back."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def deploy(
    model: Annotated[
        str | None, typer.Option("--model", help="The model; the only one if there is but one.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every model of the family, instead of one.")
    ] = False,
    family: Annotated[
        str | None,
        typer.Option(help="The pipeline that trained them, with --all; the only one if none."),
    ] = None,
    environment: Annotated[str, typer.Option(help="Where it is to serve.")] = "production",
    version: Annotated[
        str, typer.Option(help="A number, latest (the newest deployable) or champion.")
    ] = "latest",
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Let a version serve: promotion gate, approval if the policy asks, trial.

    A version that does not hold what it promised in its trial is taken back at once, and what
    served before serves again. Exit code 1: the gate refused it, or it was taken back.
    """
    from pipewarden.app.cli.commands.models.answering import answering_first
    from pipewarden.app.cli.commands.models.naming import family_or_only, model_or_only
    from pipewarden.app.cli.output.models.deployed import say_deployed, say_many_deployed
    from pipewarden.errors import UsageError
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import deploying

    if everything and model is not None:
        raise UsageError("--model and --all exclude each other")
    with answering_first(Workspace(), json=json) as context:
        if everything:
            name = family_or_only(context, family)
            many = deploying.deploy_all(context, name, environment, version, reason=reason)
            say_many_deployed(many, json=json)
            return int(any(one.outcome.bad for one in many))
        name = model_or_only(context, model)
        done = deploying.deploy(context, name, environment, version, reason=reason)
        say_deployed(done, json=json)
        return int(done.outcome.bad)
