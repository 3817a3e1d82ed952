"""``pipewarden forecast``: series continued by their models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipewarden.jobs.serving.forecasts import Forecast
    from pipewarden.jobs.workspace import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def forecast(
    *,
    isbn: Annotated[
        str, typer.Option(help="The series: an ISBN, with or without hyphens, or its name.")
    ] = "",
    model: Annotated[str, typer.Option(help="Or the model, such as sales/9780140449136.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Or every series.")] = False,
    horizon: Annotated[
        int, typer.Option(min=1, max=520, help="Steps after the end of the series.")
    ] = 12,
    level: Annotated[
        float,
        typer.Option(
            min=1,
            max=99.99,
            help="Of the interval, in percent; a family may take less (sales: 1 to 99.5).",
        ),
    ] = 95,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV, JSON lines or Parquet, instead of a table."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", help="Also draw it, with history and backtest; one only."),
    ] = None,
    environment: Annotated[
        str, typer.Option(help="Where the versions are deployed.")
    ] = "production",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Continue one series, or all of them.

    The deployed version answers, else the latest deployable one; the column model_version names it.
    With --all a series that cannot be continued is named, and the exit code is 1.
    """
    from pipewarden.errors import UsageError
    from pipewarden.jobs.workspace import Workspace

    if sum(map(bool, (isbn, model, everything))) != 1:
        raise UsageError(
            "name one series, one model, or --all",
            next_step="pipewarden forecast --isbn ISBN --horizon 12 --level 95",
        )
    workspace = Workspace()
    if plot is not None:
        from pipewarden.jobs.models.picturing import plot_forecast, svg_only

        svg_only(plot)
        if everything:
            raise UsageError("--plot draws one series; --all is for tables")
    if everything:
        return _all(workspace, environment, horizon, level, output, json=json)
    from pipewarden.jobs.serving import choosing, forecasts

    name = model or choosing.model_of_series(workspace, isbn)
    chosen = choosing.choose(workspace, name, environment)
    made = forecasts.forecast(workspace, chosen, horizon, level)
    if plot is not None:
        plot_forecast(workspace, chosen.version, made.rows, level, plot)
    _told([made], level, output, json=json)
    if plot is not None and not json:
        from pipewarden.app.cli.output.terminal import say
        from pipewarden.report.untrusted import visible

        say(f"drawn: {visible(str(plot))}")
    return 0


def _all(
    workspace: Workspace,
    environment: str,
    horizon: int,
    level: float,
    output: Path | None,
    *,
    json: bool,
) -> int:
    from pipewarden.errors import UnknownName
    from pipewarden.jobs.serving import forecasts

    made = list(forecasts.forecast_all(workspace, environment, horizon, level))
    if not made:
        raise UnknownName("no series has a model", next_step="pipewarden run sales FILE")
    _told(made, level, output, json=json)
    return int(any(one.problem for one in made))


def _told(made: list[Forecast], level: float, output: Path | None, *, json: bool) -> None:
    from pipewarden.app.cli.output.terminal import say, say_json
    from pipewarden.jobs.serving import forecasts, tables
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import count

    rows = [row for one in made for row in one.rows]
    good = [one for one in made if not one.problem]
    problems = {one.chosen.name: one.problem for one in made if one.problem}
    if output is not None:
        with tables.written(output, forecasts.columns(level)) as writer:
            writer.write(rows)
    if json:
        where = {} if output is None else {"output": str(output)}
        held = {"series": len(good), "rows": len(rows), "problems": problems, **where}
        say_json(held if output is not None else {**held, "forecasts": rows})
        return
    if output is None:
        _say_rows(rows, level)
    for one in good if len(good) == 1 else ():
        say(f"{visible(one.chosen.name)}, {visible(one.chosen.why)}")
    if output is not None:
        deployed = sum(one.chosen.deployment > 0 for one in good)
        say(f"{count(len(good), 'series', 'series')} continued, {deployed:,} by deployed versions: "
            f"{visible(str(output))}")  # fmt: skip
    for name, problem in problems.items():
        say(f"{visible(name)}: {visible(problem)}", tone="bad")


def _say_rows(rows: list[Mapping[str, Any]], level: float) -> None:
    from pipewarden.app.cli.output.terminal import say_table
    from pipewarden.jobs.serving.forecasts import columns
    from pipewarden.report.untrusted import visible

    names = columns(level)
    numbers = names[2:-1]
    shown = [
        [f"{value:.2f}" if isinstance(value, float) else visible(str(value))
         for value in (row[name] for name in names)]
        for row in rows
    ]  # fmt: skip
    say_table(names, shown, right=numbers)
