"""The section of a run report about its models: their errors beside those of the simplest model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipewarden.report import charts
from pipewarden.report.facts import ModelFacts, ModelLine, ReportFacts
from pipewarden.report.view.values import Cell, Column, Section, Table


def measured(facts: ReportFacts) -> Iterator[Section]:
    """Yield how the models of a run do, the worst of them, and those that improved most."""
    held = facts.get("models")
    if held is None:
        return
    yield Section(
        "models",
        f"Models beside {held['against']}",
        f"1 is as good as {held['against']}, below 1 is better.",
        points=tuple(_points(held)),
        figure=_figure(held),
    )
    if held["worst"]:
        yield Section("models-worst", "Models with the largest error", table=_table(held["worst"]))
    if held["improved"]:
        lead = "Beside the version before, the largest gain first."
        table = _table(held["improved"])
        yield Section("models-improved", "Models that improved most", lead, table=table)


def _points(held: ModelFacts) -> Iterator[str]:
    number, against = held["measured"], held["against"]
    yield f"{held['better']:,} of {number:,} beat {against} ({held['better'] / number:.1%})"
    if held["equal"]:
        yield f"{held['equal']:,} are exactly as good"
    yield f"the median is {held['median']:.3f}"
    yield f"one in ten lies below {held['low']:.3f}, one in ten above {held['high']:.3f}"
    if held["unmeasured"]:
        yield f"{held['unmeasured']:,} are too new or too short to be measured"


def _figure(held: ModelFacts) -> str:
    last = held["edges"][-1]
    shown = f"{held['name']}; the last bar holds all above {last:g}"
    return charts.histogram(
        held["edges"],
        held["counts"],
        marks=[charts.Mark(at=1.0, text=held["against"])],
        title=f"{held['measured']:,} models",
        x_label=shown if held["counts"][-1] else held["name"],
        y_label="models",
        description=". ".join(_points(held)) + ".",
    )


def _table(lines: Sequence[ModelLine]) -> Table:
    rows = tuple(
        (
            Cell(line["model"]),
            Cell(f"{line['value']:.3f}", numeric=True),
            Cell("" if line["before"] is None else f"{line['before']:.3f}", numeric=True),
        )
        for line in lines
    )
    columns = Column("Model"), Column("Now", numeric=True), Column("Before", numeric=True)
    return Table(columns, rows)
