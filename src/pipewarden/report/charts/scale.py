"""From values to places on the drawing, and which values an axis names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from pipewarden.report.charts.values import Place

_START = datetime(1970, 1, 1, tzinfo=UTC)
#: Steps of a time axis below a month, in days.
_DAY_STEPS = (1 / 24, 1 / 8, 1 / 4, 1 / 2, 1, 2, 7, 14)
_MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 240)
_DAYS_A_MONTH = 30.44
_TOO_MANY = 400
#: Beyond these a difference or a quotient of two values stops being a number.
_FAR, _ALIKE = 1e150, 1e-12

#: What an axis names: the value, and its text.
Tick: TypeAlias = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Scale:
    """The straight map of ``low … high`` onto ``start … stop`` of the drawing."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return where ``value`` is drawn."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def finite(values: Iterable[float]) -> list[float]:
    """Return the values that can be drawn."""
    return [value for value in values if drawable(value)]


def drawable(value: float) -> bool:
    """Say whether a value has a place on an axis: finite, and its square still a number."""
    return math.isfinite(value) and abs(value) < _FAR


def span(
    values: Iterable[float], *, zero: bool = False, room: float | None = None
) -> tuple[float, float]:
    """Return the range of ``values``, never empty; with ``zero`` it holds 0 as well.

    Parameters
    ----------
    room
        What is left on both sides of a single value; by default a tenth of it.
    """
    held = finite(values) + ([0.0] if zero else [])
    if not held:
        return 0.0, 1.0
    low, high = min(held), max(held)
    if high - low <= max(abs(low), abs(high), 1 / _FAR) * _ALIKE:
        around = room or (abs(low) * 0.1 if abs(low) > 1 / _FAR else 1.0)
        return low - (0.0 if zero and low == 0 else around), high + around
    return low, high


def as_number(place: Place) -> float:
    """Return a place as a number: a day or an instant as days since 1970, UTC."""
    if isinstance(place, datetime):
        aware = place if place.tzinfo else place.replace(tzinfo=UTC)
        return (aware - _START) / timedelta(days=1)
    if isinstance(place, date):
        return float(place.toordinal() - _START.toordinal())
    return float(place)


def is_time(place: Place) -> bool:
    """Say whether a place is a day or an instant."""
    return isinstance(place, date)


def number(value: float) -> str:
    """Return a number as a person writes it: ``1,250``, ``0.049``, ``3.2M``."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{unit}" if abs(value) < 1e15 else f"{value:.3g}"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def ticks(low: float, high: float, count: int = 5) -> list[Tick]:
    """Return round values within ``low … high``, about ``count`` of them, with their texts."""
    step = _round_step((high - low) / count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > _TOO_MANY:  # numbers so large that the step drowns in them
        return []
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [
        (index * step, _tick_text(index * step, step, digits)) for index in range(first, last + 1)
    ]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if rough <= power * factor * 1.0001)


def _tick_text(value: float, step: float, digits: int) -> str:
    if step >= 1e4 or abs(value) >= 1e6 or digits > 5:
        return number(value)
    return f"{value:,.{digits}f}"


def time_ticks(low: float, high: float, count: int = 5) -> list[Tick]:
    """Return round days or instants within ``low … high`` (days since 1970), with their texts."""
    rough = (high - low) / count
    for step in _DAY_STEPS:
        if rough <= step:
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            form = "%d %b %H:%M" if step < 1 else "%d %b"
            return [_time_tick(index * step, form) for index in range(first, last + 1)]
    months = next((m for m in _MONTH_STEPS if rough <= m * _DAYS_A_MONTH), _MONTH_STEPS[-1])
    form = "%Y" if months >= 12 else "%b %Y"
    return [_time_tick(at, form) for at in _month_starts(low, high, months)]


def _time_tick(at: float, form: str) -> Tick:
    return at, (_START + timedelta(seconds=round(at * 86400))).strftime(form)


def _month_starts(low: float, high: float, months: int) -> Iterator[float]:
    start = _START + timedelta(days=low)
    index = (start.year * 12 + start.month - 1) // months * months
    while True:
        if index // 12 > 9999:
            return
        at = as_number(date(max(index // 12, 1), index % 12 + 1, 1))
        if at > high:
            return
        if at >= low:
            yield at
        index += months
