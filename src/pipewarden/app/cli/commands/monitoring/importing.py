"""``pipewarden monitor import``, ``stats`` and ``prune``: the log of predictions and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Take in predictions that were made elsewhere, and labels of any, from a file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON lines or Parquet.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("labels")
def import_labels(file: _File, json: _Json = False) -> int:
    """Take in what became true of predictions.

    A row has prediction_id and label, and at, the time at which that became true; without one it is
    now. Labels may be late, come again, and contradict each other: of two the newer holds. A bad
    row is refused and named by its line; then the exit code is 1.
    """
    from pipewarden.app.cli.output.monitoring.labels import say_imported
    from pipewarden.jobs.monitoring.labels import importing
    from pipewarden.jobs.workspace import Workspace

    return say_imported(importing.import_labels(Workspace(), file), json=json)


@app.command("predictions")
def import_predictions(
    file: _File,
    model: Annotated[str, typer.Option(help="Of rows that name none.")] = "",
    version: Annotated[int | None, typer.Option(min=1, help="Of rows that name none.")] = None,
    environment: Annotated[str, typer.Option(help="Of rows that name none.")] = "production",
    json: _Json = False,
) -> int:
    """Log predictions that were made elsewhere.

    A row has id, at, model, version, and the inputs and the answer: as objects, or in a column for
    each part, such as input.age and answer.probability. It may have environment, role and entity.
    What is logged already under its id stays as it is. A bad row is refused and named by its line;
    then the exit code is 1.
    """
    from pipewarden.app.cli.output.monitoring.labels import say_imported
    from pipewarden.jobs.monitoring.labels import importing
    from pipewarden.jobs.workspace import Workspace

    done = importing.import_predictions(
        Workspace(), file, model=model, version=version, environment=environment
    )
    return say_imported(done, json=json)


def stats(
    days: Annotated[
        float, typer.Option(min=0, max=36_500, help="Predictions of the last so many days.")
    ] = 7,
    model: Annotated[str | None, typer.Option(help="Only of this one.")] = None,
    environment: Annotated[str | None, typer.Option(help="Only of this one.")] = None,
    json: _Json = False,
) -> None:
    """Count predictions, and how many have a label; by model, environment, version and role."""
    from datetime import timedelta

    from pipewarden.app.cli.output.monitoring.labels import say_statistics
    from pipewarden.jobs.monitoring.labels.counting import statistics
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    until = workspace.clock()
    since = until - timedelta(days=days)
    held = statistics(workspace, since=since, until=until, model=model, environment=environment)
    say_statistics(held, json=json)


def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="Age: 400d, 12h, 30m.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: _Json = False,
) -> None:
    """Remove old predictions, their labels, and labels that waited as long for a prediction.

    It is done in portions, each with its entry in the ledger.
    """
    from dataclasses import asdict

    from pipewarden.app.cli import asking
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.monitoring.labels import retention
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report.wording import count

    gone = retention.prune(Workspace(), asking.age(older_than), dry_run=dry_run)
    if json:
        say_json({**asdict(gone), "dry_run": dry_run})
        return
    verb = "would be removed" if dry_run else "removed"
    labels = count(gone.labels + gone.unknown, "label")
    say(f"{count(gone.predictions, 'prediction')} and {labels} {verb}")
