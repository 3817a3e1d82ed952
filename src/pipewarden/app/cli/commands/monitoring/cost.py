"""``pipewarden cost``: what runs and healings took, what that costs, and where to spare."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def cost(
    days: Annotated[float, typer.Option(min=0.01, help="The period: so many days to now.")] = 30.0,
    pipeline: Annotated[str, typer.Option(help="Only of this pipeline.")] = "",
    model: Annotated[
        str, typer.Option(help="Only of this model, with the runs of its pipeline.")
    ] = "",
    volume: Annotated[
        float | None,
        typer.Option(min=0.01, help="Forecast the period with so many times the items."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Models and healings at most.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with all of them.")] = False,
) -> None:
    """Say what runs and healings took, what skipping saved, and what costs most for least.

    Processors, memory, time and storage by pipeline, model and healing, in money where the
    settings have prices (`costs`). Nothing is changed.
    """
    from pipewarden.app.cli.output.monitoring.costs import as_json, say_account
    from pipewarden.app.cli.output.terminal import say_json
    from pipewarden.jobs.costs.summing import account
    from pipewarden.jobs.workspace import Workspace

    told = account(Workspace(), days=days, pipeline=pipeline, model=model, volume=volume)
    if json:
        say_json(as_json(told))
    else:
        say_account(told, limit=limit)
