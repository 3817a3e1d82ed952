"""Points in a plane: two measures of many things, or what was said beside what came true."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipewarden.report.charts.canvas import COLOURS, LETTER, Canvas, at, element
from pipewarden.report.charts.scale import Scale, drawable, number, span, ticks
from pipewarden.report.charts.values import Dot

_LARGEST = 7.0
_SMALLEST = 2.5


def scatter(
    dots: Sequence[Dot],
    *,
    diagonal: bool = False,
    joined: bool = False,
    title: str,
    x_label: str = "",
    y_label: str = "",
    description: str = "",
) -> str:
    """Return points as an SVG element; a point that is not finite is left out and counted.

    Parameters
    ----------
    diagonal
        Draw the line where both measures are equal, with one scale for both axes.
    joined
        Join the points in their order.
    """
    held = [dot for dot in dots if drawable(dot.x) and drawable(dot.y)]
    xs, ys = span(dot.x for dot in held), span(dot.y for dot in held)
    if diagonal:
        xs = ys = (min(xs[0], ys[0]), max(xs[1], ys[1])) if held else (0.0, 1.0)
    ticks_of_y = ticks(*ys)
    left_out = f" {len(dots) - len(held):,} without a value." if len(held) < len(dots) else ""
    canvas = Canvas(
        title=title,
        description=(description or f"{len(held):,} points.") + left_out,
        x_label=x_label,
        y_label=y_label,
        plot_height=260.0 if diagonal else 190.0,
        left=14.0 + LETTER * max((len(text) for _, text in ticks_of_y), default=1),
    )
    x, y = Scale(*xs, canvas.left + 6, canvas.right), Scale(*ys, canvas.bottom - 6, canvas.top)
    canvas.y_axis(y, ticks_of_y)
    if diagonal:
        canvas.parts.append(_way([(xs[0], xs[0]), (xs[1], xs[1])], x, y, "currentColor", "3 3"))
    if joined and len(held) > 1:
        canvas.parts.append(_way([(dot.x, dot.y) for dot in held], x, y, COLOURS[0], ""))
    canvas.parts.extend(_dots(held, x, y))
    if not held:
        canvas.empty()
    canvas.x_axis(x, ticks(*xs))
    return canvas.svg()


def calibration(
    bins: Sequence[Dot],
    *,
    title: str,
    x_label: str = "predicted probability",
    y_label: str = "share that came true",
) -> str:
    """Return a calibration curve: each bin's mean prediction beside what came true in it.

    Parameters
    ----------
    bins
        ``x`` the mean predicted probability, ``y`` the observed share, ``weight`` the rows.
        On the dashed line what was predicted is what came true.
    """
    told = "; ".join(f"{number(b.x)} predicted, {number(b.y)} came true" for b in bins)
    return scatter(
        bins,
        diagonal=True,
        joined=True,
        title=title,
        x_label=x_label,
        y_label=y_label,
        description=f"By bins: {told}." if told else "Nothing to draw.",
    )


def _way(points: Sequence[tuple[float, float]], x: Scale, y: Scale, colour: str, dash: str) -> str:
    way = "L".join(f"{at(x(a))} {at(y(b))}" for a, b in points)
    return element("path", d=f"M{way}", stroke=colour, stroke_width="1.5", stroke_dasharray=dash)


def _dots(dots: Sequence[Dot], x: Scale, y: Scale) -> list[str]:
    weights = [dot.weight if drawable(dot.weight) and dot.weight > 0 else 0.0 for dot in dots]
    most = max(weights, default=0.0)
    even = all(weight == most for weight in weights)
    return [
        element(
            "circle",
            cx=x(dot.x),
            cy=y(dot.y),
            r=3.0 if even else _radius(weight / most),
            fill=COLOURS[0],
            fill_opacity="0.75",
        )
        for dot, weight in zip(dots, weights, strict=True)
    ]


def _radius(share: float) -> float:
    return max(_SMALLEST, _LARGEST * math.sqrt(share))
