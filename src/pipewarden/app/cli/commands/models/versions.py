"""``pipewarden models``: which there are, what they are worth, and who served when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipewarden.app.cli.commands.models import care

app = typer.Typer(
    help="Look at models, their versions, and who served when; keep them in order.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Model = Annotated[str, typer.Argument(metavar="MODEL", help="The model, as 'list' shows it.")]


@app.command("list")
def list_(
    family: Annotated[str | None, typer.Option(help="Only of this pipeline.")] = None,
    json: _Json = False,
) -> None:
    """List every model: its latest version, and what serves where."""
    from pipewarden.app.cli.output.models.listed import say_models
    from pipewarden.jobs.models.looking import models
    from pipewarden.jobs.workspace import Workspace

    say_models(models(Workspace(), family), json=json)


@app.command()
def versions(
    model: _Model,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    json: _Json = False,
) -> None:
    """List the versions of a model, the newest first."""
    from pipewarden.app.cli.output.models.listed import say_versions
    from pipewarden.jobs.models.looking import versions_of
    from pipewarden.jobs.workspace import Workspace

    say_versions(versions_of(Workspace(), model, limit), json=json)


@app.command()
def show(
    version: Annotated[
        str, typer.Argument(metavar="MODEL[@VERSION]", help="The latest version if none is given.")
    ],
    json: _Json = False,
) -> None:
    """Show all that is known of a version: metrics, verdict, data, run, deployments, signatures."""
    from pipewarden.app.cli.output.models.listed import say_version
    from pipewarden.jobs.models.looking import shown
    from pipewarden.jobs.workspace import Workspace

    say_version(shown(Workspace(), version), json=json)


@app.command()
def plot(
    version: Annotated[
        str, typer.Argument(metavar="MODEL[@VERSION]", help="The latest version if none is given.")
    ],
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the SVG files go; made if missing.")
    ] = Path("plots"),
    registry: Annotated[
        bool, typer.Option("--registry", help="Also show them with the version in MLflow.")
    ] = False,
    json: _Json = False,
) -> None:
    """Draw a version: what its family has to show, such as calibration, ROC or the forecast."""
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.models import picturing
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.untrusted import visible

    workspace = Workspace()
    held, charts = picturing.drawn(workspace, version)
    paths = picturing.written(output, held, charts)
    run = picturing.show_in_registry(workspace, held, charts) if registry else ""
    if json:
        files = dict(zip(charts, map(str, paths), strict=True))
        say_json({"model": held.model, "version": held.version, "files": files, "mlflow_run": run})
        return
    for path in paths:
        say(visible(str(path)))
    if run:
        say(f"shown in MLflow with run {run}, under plots/")


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="The one, as champion.")],
    second: Annotated[
        str, typer.Argument(metavar="VERSION", help="The other, as challenger: MODEL@N, or N.")
    ],
    json: _Json = False,
) -> None:
    """Compare two versions: metrics side by side, and what the promotion gate would be told."""
    from pipewarden.app.cli.output.models.listed import say_comparison
    from pipewarden.jobs.models.looking import compared
    from pipewarden.jobs.workspace import Workspace

    say_comparison(compared(Workspace(), first, second), json=json)


@app.command()
def history(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Only of this model.")
    ] = None,
    environment: Annotated[str | None, typer.Option(help="Only of this environment.")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only what served then: a time, or an age such as 7d."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    json: _Json = False,
) -> None:
    """Tell who served when, by whom and why, the newest first."""
    from pipewarden.app.cli.asking import since
    from pipewarden.app.cli.output.models.listed import say_history
    from pipewarden.jobs.models.looking import history as told
    from pipewarden.jobs.workspace import Workspace

    when = None if at is None else since(at)
    say_history(told(Workspace(), model, environment, limit, when), json=json)


app.command()(care.release)
app.command()(care.prune)
app.command()(care.reconcile)
