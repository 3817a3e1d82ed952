"""A line the size of a word, to stand in a table."""

from __future__ import annotations

from collections.abc import Sequence

from pipewarden.report.charts.canvas import COLOURS, at, element, framed
from pipewarden.report.charts.scale import Scale, drawable, finite, number, span


def sparkline(
    values: Sequence[float], *, title: str, width: float = 120.0, height: float = 24.0
) -> str:
    """Return equally spaced values as a small SVG element; the last is marked by a dot.

    A value that is not a finite number leaves a gap.
    """
    held = finite(values)
    told = f"{len(held):,} values, last {number(held[-1])}." if held else "No values."
    x = Scale(0.0, float(max(len(values) - 1, 1)), 3.0, width - 3.0)
    y = Scale(*span(held), height - 3.0, 3.0)
    way, pen = "", "M"
    for index, value in enumerate(values):
        if not drawable(value):
            pen = "M"
            continue
        # A point alone between gaps is drawn as a stroke of no length with a round end.
        way += f"{pen}{at(x(index))} {at(y(value))}" + ("h0" if pen == "M" else "")
        pen = "L"
    inner = (
        element(
            "path",
            d=way,
            stroke=COLOURS[0],
            stroke_width="1.5",
            stroke_linecap="round",
            stroke_linejoin="round",
        )
        if way
        else ""
    )
    if values and drawable(values[-1]):
        inner += element("circle", cx=x(len(values) - 1), cy=y(values[-1]), r=2.0, fill=COLOURS[0])
    return framed(title, told, inner, width, height)
