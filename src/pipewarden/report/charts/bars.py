"""Bars: labelled values, one distribution, or two of them beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipewarden.report.charts.canvas import (
    COLOURS,
    LETTER,
    SMALL,
    WARNING,
    Canvas,
    Swatch,
    at,
    clipped_name,
    element,
    label,
)
from pipewarden.report.charts.scale import Scale, Tick, as_number, drawable, number, span, ticks
from pipewarden.report.charts.values import Bar, Mark

_ROW = 22.0
_MARK_ROOM = 10.0
_LABEL_LETTERS = 24
#: Letters up to which a label fits beside its bar in any usual font.
_FREE_LETTERS = 12
_LABELS_SHOWN = 6


def bars(
    values: Sequence[Bar],
    *,
    marks: Sequence[Mark] = (),
    title: str,
    x_label: str = "",
    description: str = "",
) -> str:
    """Return labelled bars, one a row, as an SVG element.

    Parameters
    ----------
    values
        The bars, from top to bottom. One that is not a finite number is named as such.
    marks
        Values to compare with, drawn across all bars.
    """
    names = [clipped_name(bar.label, _LABEL_LETTERS) for bar in values]
    told = "; ".join(f"{bar.label}: {number(bar.value)}" for bar in values)
    canvas = Canvas(
        title=title,
        description=description or told or "Nothing to draw.",
        x_label=x_label,
        plot_height=_ROW * max(len(values), 1) + 4,
        left=14.0 + LETTER * max(map(len, names), default=1),
    )
    canvas.top += _MARK_ROOM if marks else 0.0
    ends = [end for bar in values for end in (bar.value, bar.low, bar.high) if end is not None]
    low, high = span([*ends, *(as_number(mark.at) for mark in marks)], zero=True)
    # Room at the end of the longest bar for the number that is written there.
    x = Scale(low, high, canvas.left, canvas.right - LETTER * 8)
    for row, (bar, name) in enumerate(zip(values, names, strict=True)):
        middle = canvas.top + _ROW * (row + 0.5)
        canvas.parts.append(_name(bar, name, canvas.left - 5, middle + 4))
        canvas.parts.extend(_bar(bar, middle, x))
    if not values:
        canvas.empty()
    canvas.x_axis(x, ticks(low, high, 4))
    for mark in marks:
        canvas.parts.append(_upright(mark, canvas, x))
    return canvas.svg()


def _name(bar: Bar, name: str, x: float, y: float) -> str:
    """Return the label of a bar; a long one takes its room and no more, whatever the font."""
    fit: dict[str, object] = {}
    if len(name) > _FREE_LETTERS:
        fit = {"textLength": LETTER * len(name), "lengthAdjust": "spacingAndGlyphs"}
    return label(name, x, y, whole=bar.label, font_size=SMALL, text_anchor="end", **fit)


def _bar(bar: Bar, middle: float, x: Scale) -> Iterator[str]:
    zero = x(min(max(0.0, x.low), x.high))
    if not drawable(bar.value):
        yield label("no value", zero + 4, middle + 4, font_size=SMALL, opacity="0.8")
        return
    end = x(bar.value)
    yield element(
        "rect",
        x=min(zero, end),
        y=middle - 7,
        width=max(abs(end - zero), 0.5),
        height=14.0,
        fill=COLOURS[0],
    )
    right = max(end, zero)
    if bar.low is not None and bar.high is not None and drawable(bar.low) and drawable(bar.high):
        way = f"M{at(x(bar.low))} {at(middle)}H{at(x(bar.high))}"
        caps = "".join(f"M{at(x(v))} {at(middle - 4)}v8" for v in (bar.low, bar.high))
        yield element("path", d=way + caps, stroke="currentColor", stroke_width="1.25")
        right = max(right, x(bar.high))
    yield label(number(bar.value), right + 4, middle + 4, font_size=SMALL)


def _upright(mark: Mark, canvas: Canvas, x: Scale) -> str:
    place = x(as_number(mark.at))
    style = {"stroke": WARNING, "stroke_width": "1.25", "stroke_dasharray": "5 3"}
    drawn = element("path", d=f"M{at(place)} {at(canvas.top)}V{at(canvas.bottom)}", **style)
    text = clipped_name(mark.text)
    before = place + LETTER * len(text) > canvas.right
    anchor, shift = ("end", -4) if before else ("start", 4)
    return drawn + label(text, place + shift, canvas.top - 1, font_size=SMALL, text_anchor=anchor)


def histogram(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    marks: Sequence[Mark] = (),
    title: str,
    x_label: str = "",
    y_label: str = "",
    description: str = "",
) -> str:
    """Return one distribution as an SVG element, on a true axis of numbers.

    Parameters
    ----------
    edges
        One more than ``counts``, rising and finite.
    """
    low, high = span(edges)
    top = span(counts, zero=True)[1]
    ticks_of_y = ticks(0.0, top, 4)
    canvas = Canvas(
        title=title,
        description=description or _told("values", edges, counts),
        x_label=x_label,
        y_label=y_label,
        left=14.0 + LETTER * max(len(text) for _, text in ticks_of_y),
    )
    x, y = (
        Scale(low, high, canvas.left, canvas.right),
        Scale(0.0, top, canvas.bottom, canvas.top + 12),
    )
    canvas.y_axis(y, ticks_of_y)
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        if drawable(count) and count > 0:
            wide = max(x(right) - x(left) - 1, 0.5)
            canvas.parts.append(
                element(
                    "rect",
                    x=x(left),
                    y=y(count),
                    width=wide,
                    height=canvas.bottom - y(count),
                    fill=COLOURS[0],
                )
            )
    if not any(counts):
        canvas.empty()
    canvas.x_axis(x, ticks(low, high, 6))
    canvas.parts.extend(_upright(mark, canvas, x) for mark in marks)
    return canvas.svg()


def histogram_pair(
    bins: Sequence[float] | Sequence[str],
    reference: Sequence[float],
    current: Sequence[float],
    *,
    names: tuple[str, str] = ("reference", "current"),
    title: str,
    x_label: str = "",
    y_label: str = "share",
    description: str = "",
) -> str:
    """Return two distributions over the same bins, side by side, as an SVG element.

    Each is drawn as shares of its own sum, so that a long reference and a short window compare.

    Parameters
    ----------
    bins
        The names of the bins, or their edges (one more than counts; the ends may be infinite).
        Bins are drawn equally wide: quantile bins and categories both stay readable.
    reference, current
        Counts or shares of each bin; a value that is not a finite number counts as none.
    """
    labels = _bin_labels(bins, len(reference))
    shares = [_shares(reference), _shares(current)]
    top = span([*shares[0], *shares[1]], zero=True)[1]
    ticks_of_y = ticks(0.0, top, 4)
    legend: list[tuple[str, Swatch, str, str]] = [
        (names[0], "outline", "currentColor", ""),
        (names[1], "area", COLOURS[0], ""),
    ]
    told = " ".join(_told(name, labels, held) for name, held in zip(names, shares, strict=True))
    canvas = Canvas(
        title=title,
        description=description or told,
        x_label=x_label,
        y_label=y_label,
        legend=legend,
        left=14.0 + LETTER * max(len(text) for _, text in ticks_of_y),
    )
    y = Scale(0.0, top, canvas.bottom, canvas.top)
    x = Scale(0.0, float(max(len(labels), 1)), canvas.left, canvas.right)
    canvas.y_axis(y, ticks_of_y)
    for index, (was, now) in enumerate(zip(*shares, strict=True)):
        half = (x(1.0) - x(0.0)) * 0.42
        left = x(index + 0.5) - half
        canvas.parts.append(_pair_bar(left, half - 0.5, y, was, fill="none", stroke="currentColor"))
        canvas.parts.append(_pair_bar(left + half, half, y, now, fill=COLOURS[0]))
    if not any(shares[0]) and not any(shares[1]):
        canvas.empty()
    canvas.x_axis(x, _bin_ticks(labels, x))
    return canvas.svg()


def _pair_bar(left: float, wide: float, y: Scale, share: float, **style: str) -> str:
    return element("rect", x=left, y=y(share), width=wide, height=y(0.0) - y(share), **style)


def _shares(counts: Sequence[float]) -> list[float]:
    held = [count if drawable(count) and count > 0 else 0.0 for count in counts]
    total = sum(held)
    return [count / total if total else 0.0 for count in held]


def _bin_labels(bins: Sequence[float] | Sequence[str], count: int) -> list[str]:
    if len(bins) == count:
        return [str(name) if isinstance(name, str) else number(name) for name in bins]
    edges = [float(edge) for edge in bins]
    return [_between(low, high) for low, high in pairwise(edges)]


def _between(low: float, high: float) -> str:
    if low == -math.inf:
        return f"≤ {number(high)}"
    return f"> {number(low)}" if high == math.inf else f"{number(low)}-{number(high)}"


def _bin_ticks(labels: Sequence[str], x: Scale) -> list[Tick]:
    """Return the labels that fit: the first, the last, and evenly between them."""
    letters = max(8, int((x.stop - x.start) / LETTER / _LABELS_SHOWN))
    step = max(1, math.ceil(len(labels) / _LABELS_SHOWN))
    return [(i + 0.5, clipped_name(labels[i], letters)) for i in range(0, len(labels), step)]


def _told(name: str, bins: Sequence[object], counts: Sequence[float]) -> str:
    if not any(counts):
        return f"{name}: no data."
    most = max(range(len(counts)), key=lambda index: counts[index])
    bound = bins[most]
    text = bound if isinstance(bound, str) else number(float(str(bound)))
    return f"{name}: {len(counts)} bins, the fullest at {text} ({number(counts[most])})."
