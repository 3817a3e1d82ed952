"""Lines over numbers or time, with their intervals and the limits they are held to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipewarden.report.charts.canvas import (
    COLOURS,
    DASHES,
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
from pipewarden.report.charts.scale import (
    Scale,
    as_number,
    drawable,
    finite,
    is_time,
    number,
    span,
    ticks,
    time_ticks,
)
from pipewarden.report.charts.values import Band, Mark, Place, Series

_QUIET = "currentColor"
_DOTS_UP_TO = 40


def line_chart(
    series: Sequence[Series],
    *,
    bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (),
    title: str,
    x_label: str = "",
    y_label: str = "",
    description: str = "",
) -> str:
    """Return lines as an SVG element.

    Parameters
    ----------
    series
        The lines. Places are numbers, or days and instants, the same kind in one chart.
    bands
        Areas behind the lines, such as the interval of a forecast.
    marks
        Limits and events; a limit is always within the picture.
    description
        What the chart says, for a reader who cannot see it; by default each line's own facts.
    """
    xs, ys = _spans(series, bands, marks)
    ticks_of_y = ticks(*ys)
    canvas = Canvas(
        title=title,
        description=description or " ".join(map(_told, series)) or "Nothing to draw.",
        x_label=x_label,
        y_label=y_label,
        legend=_legend(series, bands),
        left=14.0 + LETTER * max((len(text) for _, text in ticks_of_y), default=1),
    )
    x = Scale(*xs, canvas.left, canvas.right)
    y = Scale(*ys, canvas.bottom, canvas.top)
    canvas.y_axis(y, ticks_of_y)
    for index, band in enumerate(bands):
        canvas.parts.extend(_area(band, x, y, COLOURS[(index + 1) % len(COLOURS)]))
    drawn = [part for index, line in enumerate(series) for part in _line(index, line, x, y)]
    canvas.parts.extend(drawn)
    if not drawn and not bands:
        canvas.empty()
    timed = any(map(is_time, _places(series, bands)))
    canvas.x_axis(x, (time_ticks if timed else ticks)(*xs, 5))
    canvas.parts.extend(_limit(mark, canvas, y) for mark in marks if mark.axis == "y")
    canvas.parts.extend(_events([mark for mark in marks if mark.axis == "x"], canvas, x))
    return canvas.svg()


def _places(series: Sequence[Series], bands: Sequence[Band]) -> Iterator[Place]:
    yield from (place for line in series for place, _ in line.points)
    yield from (place for band in bands for place, _, _ in band.points)


def _spans(
    series: Sequence[Series], bands: Sequence[Band], marks: Sequence[Mark]
) -> tuple[tuple[float, float], tuple[float, float]]:
    xs = [as_number(place) for place in _places(series, bands)]
    ys = [value for line in series for _, value in line.points]
    ys += [value for band in bands for _, low, high in band.points for value in (low, high)]
    xs += [as_number(mark.at) for mark in marks if mark.axis == "x"]
    ys += [as_number(mark.at) for mark in marks if mark.axis == "y"]
    low, high = span(ys)
    room = (high - low) * 0.04
    timed = any(map(is_time, _places(series, bands)))
    return span(xs, room=1.0 if timed else None), (
        low - (room if low < 0 or low > room else low),
        high + room,
    )


def _legend(series: Sequence[Series], bands: Sequence[Band]) -> list[tuple[str, Swatch, str, str]]:
    if len(series) + len(bands) < 2:
        return []
    lines: list[tuple[str, Swatch, str, str]] = [
        (line.name, "line", *_look(index, line)) for index, line in enumerate(series)
    ]
    return lines + [
        (band.name, "area", COLOURS[(index + 1) % len(COLOURS)], "")
        for index, band in enumerate(bands)
    ]


def _look(index: int, line: Series) -> tuple[str, str]:
    if line.quiet:
        return _QUIET, "3 3"
    return COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]


def _told(line: Series) -> str:
    values = finite(value for _, value in line.points)
    if not values:
        return f"{line.name}: no values."
    facts = f"from {number(min(values))} to {number(max(values))}, last {number(values[-1])}"
    return f"{line.name}: {len(values):,} points, {facts}."


def _stretches(
    points: Sequence[tuple[float, ...]],
) -> Iterator[list[tuple[float, ...]]]:
    """Yield the stretches of points without a gap."""
    held: list[tuple[float, ...]] = []
    for point in points:
        if all(map(drawable, point)):
            held.append(point)
        elif held:
            yield held
            held = []
    if held:
        yield held


def _line(index: int, line: Series, x: Scale, y: Scale) -> Iterator[str]:
    colour, dash = _look(index, line)
    points = [(as_number(place), value) for place, value in line.points]
    for stretch in _stretches(points):
        placed = [(x(a), y(b)) for a, b in stretch]
        if len(placed) > 1:
            way = "L".join(f"{at(a)} {at(b)}" for a, b in placed)
            width = "1" if line.quiet else "1.75"
            yield element(
                "path",
                d=f"M{way}",
                stroke=colour,
                stroke_width=width,
                stroke_dasharray=dash,
                stroke_linejoin="round",
            )
        if len(placed) == 1 or (len(points) <= _DOTS_UP_TO and not line.quiet):
            yield from (element("circle", cx=a, cy=b, r=2.2, fill=colour) for a, b in placed)


def _area(band: Band, x: Scale, y: Scale, colour: str) -> Iterator[str]:
    for stretch in _stretches([(as_number(p), low, high) for p, low, high in band.points]):
        upper = [f"{at(x(a))} {at(y(high))}" for a, _, high in stretch]
        lower = [f"{at(x(a))} {at(y(low))}" for a, low, _ in reversed(stretch)]
        yield element(
            "path",
            d=f"M{'L'.join(upper + lower)}Z",
            fill=colour,
            fill_opacity="0.22",
            stroke=colour,
            stroke_opacity="0.4",
        )


_MARKED = {"stroke": WARNING, "stroke_width": "1.25", "stroke_dasharray": "5 3"}


def _limit(mark: Mark, canvas: Canvas, y: Scale) -> str:
    place = y(as_number(mark.at))
    drawn = element("path", d=f"M{at(canvas.left)} {at(place)}H{at(canvas.right)}", **_MARKED)
    above = place - 4 if place - canvas.top > SMALL + 4 else place + SMALL + 2
    text = clipped_name(mark.text)
    return drawn + label(text, canvas.right, above, font_size=SMALL, text_anchor="end")


def _events(marks: Sequence[Mark], canvas: Canvas, x: Scale) -> Iterator[str]:
    """Yield each event with its text in the lowest row where that covers no other."""
    rows: list[list[tuple[float, float]]] = []
    for mark in marks:
        text, place = clipped_name(mark.text), x(as_number(mark.at))
        wide = LETTER * len(text)
        before = place + 4 + wide > canvas.right
        begin = place - 4 - wide if before else place + 4
        free = (
            number
            for number, taken in enumerate(rows)
            if all(begin + wide < left or right < begin for left, right in taken)
        )
        row = next(free, len(rows))
        rows.extend([[]] if row == len(rows) else [])
        rows[row].append((begin, begin + wide))
        yield element("path", d=f"M{at(place)} {at(canvas.top)}V{at(canvas.bottom)}", **_MARKED)
        yield label(
            text,
            place - 4 if before else place + 4,
            canvas.bottom - 6 - row * (SMALL + 3),
            font_size=SMALL,
            text_anchor="end" if before else "start",
        )
