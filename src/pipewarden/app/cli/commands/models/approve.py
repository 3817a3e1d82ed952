"""``pipewarden approve``: an electronic signature, and the deployment that waited for it."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def approve(
    *,
    meaning: Annotated[str, typer.Option(help="What the signature means; the ledger keeps it.")],
    version: Annotated[int | None, typer.Option(help="The version to sign for.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The model; the only one if there is but one.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Or every version of a family that waits.")
    ] = False,
    family: Annotated[
        str | None, typer.Option(help="With --all; the only one if there is but one.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN_ID", help="Or all that wait of a run.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(help="Where it may serve; where it waits, else production.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Sign for a version, or once for many; deployments that wait for it begin at once.

    The signer proves anew who it is, with an API key of the scope approver: in the variable
    PIPEWARDEN_KEY, or at a prompt that shows nothing.
    """
    from pipewarden.app.cli.commands.models.answering import answering_first
    from pipewarden.app.cli.commands.models.naming import (
        family_or_only,
        model_or_only,
        proven_key,
        waiting_in,
    )
    from pipewarden.app.cli.output.models.deployed import say_approved, say_approved_together
    from pipewarden.errors import UsageError
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import approving

    if sum((version is not None, everything, run is not None)) != 1:
        raise UsageError("give one of --version, --all and --run")
    if model is not None and version is None:
        raise UsageError("--model goes with --version: --all and --run are for many models")
    workspace = Workspace()
    with answering_first(workspace, json=json) as context:
        if version is None:
            of_family = family_or_only(context, family) if everything else family
            key = proven_key(workspace, needed=True)
            assert key is not None
            together = approving.approve_waiting(
                context, environment or "production",
                family=of_family, run_id=run, meaning=meaning, key=key,
            )  # fmt: skip
            say_approved_together(together, json=json)
            ended = [
                one.deployed.outcome.bad for one in together.approved if one.deployed is not None
            ]
            return int(any(ended) or bool(together.left))
        name = model_or_only(context, model)
        key = proven_key(workspace, needed=True)
        assert key is not None
        where = environment or waiting_in(context, name, version)
        done = approving.approve(context, name, version, where, meaning=meaning, key=key)
        say_approved(done, json=json)
        return int(done.deployed is not None and done.deployed.outcome.bad)
