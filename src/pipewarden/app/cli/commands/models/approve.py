"""``pipewarden approve``: an electronic signature, and the deployment that waited for it."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def approve(
    version: Annotated[int, typer.Option(help="The version to sign for.")],
    meaning: Annotated[str, typer.Option(help="What the signature means; the ledger keeps it.")],
    model: Annotated[
        str | None, typer.Option(help="The model; the only one if there is but one.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(help="Where it may serve; where it waits, else production.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Sign for a version; a deployment that waits for it begins at once.

    The signer proves anew who it is, with an API key of the scope approver: in the variable
    PIPEWARDEN_KEY, or at a prompt that shows nothing.
    """
    from pipewarden.app.cli.commands.models.naming import model_or_only, proven_key, waiting_in
    from pipewarden.app.cli.output.models.deployed import say_approved
    from pipewarden.jobs.models.context import model_context
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models import approving

    workspace = Workspace()
    context = model_context(workspace)
    name = model_or_only(context, model)
    key = proven_key(workspace, needed=True)
    assert key is not None
    where = environment or waiting_in(context, name, version)
    done = approving.approve(context, name, version, where, meaning=meaning, key=key)
    say_approved(done, json=json)
    return int(done.deployed is not None and done.deployed.outcome.bad)
