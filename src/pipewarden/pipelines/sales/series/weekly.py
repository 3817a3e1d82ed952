"""A weekly series: a regular grid of weeks, in which a gap stays a gap."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipewarden as pw
from pipewarden.pipelines.sales.settings import DAYS

Floats = NDArray[np.float64]
_MOST_WEEKS = 5_200
_MOST_NAMED = 20
#: Robust standard deviations from the local median that make an outlier.
_OUTLIER = 6.0
_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Series:
    """One series on its grid.

    Parameters
    ----------
    name, title
        What it is called.
    first
        The first week: the ordinal of its day, or its whole number.
    step
        Days between two weeks (7), or 1 for whole numbers.
    values
        One value a week; NaN is a gap.
    notes
        What was done to the rows: ``anchor``, ``duplicates``, ``moved``, ``missing``.
    """

    name: str
    title: str
    first: int
    step: int
    values: Floats
    notes: Mapping[str, Any]

    @cached_property
    def observed(self) -> int:
        """The number of weeks that have a value."""
        return int(np.isfinite(self.values).sum())

    def week(self, place: int) -> str | int:
        """Return the name of the week at a place, which may lie beyond the end."""
        return week_name(self.first + place * self.step, self.step)

    def fingerprint(self) -> str:
        """Return the hash of the content, the same in whatever order the rows came."""
        content = [self.name, self.first, self.step, plain(self.values)]
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def gaps(self) -> list[str | int]:
        """Return the weeks without a value."""
        return [self.week(int(at)) for at in np.flatnonzero(~np.isfinite(self.values))]

    def outliers(self) -> list[str | int]:
        """Return the weeks that are far from the median of the 13 weeks around them."""
        return [self.week(at) for at in outlying(self.values)]

    def told(self) -> dict[str, Any]:
        """Return what a document says of the data, long lists cut."""
        gaps, outliers = self.gaps(), self.outliers()
        return {
            "fingerprint": self.fingerprint(),
            "rows": self.observed,
            "columns": ["ds", "y"],
            "first": self.week(0),
            "last": self.week(len(self.values) - 1),
            "weeks": len(self.values),
            "gaps": {"count": len(gaps), "weeks": gaps[:_MOST_NAMED]},
            "outliers": {"count": len(outliers), "weeks": outliers[:_MOST_NAMED]},
            **self.notes,
        }


def week_name(at: int, step: int) -> str | int:
    """Return a week's day as ISO text, or its whole number."""
    return date.fromordinal(at).isoformat() if step == 7 else at


def week_at(name: str | int) -> int:
    """Return the ordinal of a week's day, or its whole number."""
    return name if isinstance(name, int) else date.fromisoformat(name).toordinal()


def plain(values: Floats) -> list[float | None]:
    """Return numbers as JSON has them: NaN is null."""
    return [float(value) if math.isfinite(value) else None for value in values]


def outlying(values: Floats) -> list[int]:
    """Return the places of values far from the median of the 13 weeks around them."""
    if len(values) < 13:
        return []
    around = np.pad(values, 6, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, 13)
    seen = np.isfinite(values)
    off = np.zeros(len(values))
    off[seen] = values[seen] - np.nanmedian(windows[seen], axis=1)
    sigma = _TO_SIGMA * float(np.median(np.abs(off[seen])))
    if sigma <= 0:
        return []
    return [int(at) for at in np.flatnonzero(np.abs(off) > _OUTLIER * sigma)]


def series_of(record: Mapping[str, Any], week_ends_on: str = "") -> Series:
    """Return the series of a record (``unique_id``, ``ds``, ``y``, and a ``title`` perhaps).

    Values of one week are summed; weeks without a row or with an empty value are gaps.

    Raises
    ------
    BadInput
        Rows are wrong, none has a value, or the weeks make no sense.
    """
    name = str(record.get("unique_id") or "").strip()
    if problems := record.get("problems"):
        raise pw.BadInput("bad_rows", f"series {name!r}: {'; '.join(map(str, problems))}")
    weeks, values = _checked(record, name)
    numbers = all(isinstance(week, int) for week in weeks)
    if numbers:
        at, step, notes = [week for week in weeks if isinstance(week, int)], 1, _no_notes()
    else:
        at, notes = _anchored(weeks, week_ends_on, name)
        step = 7
    seen = {place for place, value in zip(at, values, strict=True) if value is not None}
    if not seen:
        raise pw.BadInput("no_values", f"series {name!r} has no week with a value")
    first, last = min(seen), max(seen)
    length = (last - first) // step + 1
    if length > _MOST_WEEKS:
        told = f"{week_name(first, step)} to {week_name(last, step)}"
        raise pw.BadInput("odd_dates", f"series {name!r} spans {length} weeks, {told}")
    grid = np.full(length, np.nan)
    for place, value in zip(at, values, strict=True):
        if value is not None:
            slot = (place - first) // step
            grid[slot] = value if math.isnan(grid[slot]) else grid[slot] + value
    given = sum(value is not None for value in values)
    notes |= {"duplicates": given - len(seen), "missing": len(values) - given}
    return Series(name, str(record.get("title") or ""), first, step, grid, notes)


def _no_notes() -> dict[str, Any]:
    return {"anchor": None, "moved": 0}


def _checked(
    record: Mapping[str, Any], name: str
) -> tuple[Sequence[str | int], Sequence[float | None]]:
    weeks, values = record.get("ds"), record.get("y")
    if not name:
        raise pw.BadInput("no_name", "the record has no unique_id")
    if not isinstance(weeks, list) or not isinstance(values, list) or len(weeks) != len(values):
        raise pw.BadInput("no_lists", f"series {name!r}: ds and y must be lists of one length")
    if not weeks:
        raise pw.BadInput("no_values", f"series {name!r} has no rows")
    for value in values:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (number and math.isfinite(value)):
            raise pw.BadInput("not_a_number", f"series {name!r}: y {value!r} is no finite number")
    kinds = {type(week) for week in weeks}
    if kinds not in ({str}, {int}):
        raise pw.BadInput("mixed_weeks", f"series {name!r}: ds must be dates or whole numbers")
    return weeks, values


def _anchored(
    weeks: Sequence[str | int], week_ends_on: str, name: str
) -> tuple[list[int], dict[str, Any]]:
    """Return each row's week by the weekday that most rows have, or that is set."""
    try:
        days = [date.fromisoformat(str(week)) for week in weeks]
    except ValueError as error:
        raise pw.BadInput("bad_date", f"series {name!r}: {error}") from error
    counts = Counter(day.weekday() for day in days)
    inferred = min(counts, key=lambda weekday: (-counts[weekday], weekday))
    anchor = DAYS.index(week_ends_on) if week_ends_on else inferred
    ends = [day + timedelta(days=(anchor - day.weekday()) % 7) for day in days]
    moved = sum(day != end for day, end in zip(days, ends, strict=True))
    return [day.toordinal() for day in ends], {"anchor": DAYS[anchor], "moved": moved}
