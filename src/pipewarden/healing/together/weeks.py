"""Whether new weeks of a series are broken: what they are beside the weeks that it knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median, quantiles
from typing import Any

from pipewarden.core.models.families import LabelledRow
from pipewarden.settings.healing_policy import Quality

#: Weeks below which nothing is said, and parts of a hundred that lie outside on either side.
_LEAST, _OUTER = 8, 5


def tail_of(champion: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return the last amounts that a series was trained on; None of any other model."""
    baseline = champion.get("baseline")
    tail = baseline.get("tail") if isinstance(baseline, Mapping) else None
    return tail.get("y") if isinstance(tail, Mapping) else None


def problems_of(tail: Sequence[Any], rows: Sequence[LabelledRow], limits: Quality) -> list[str]:
    """Return in words what is broken about new weeks; nothing where they are as they should be.

    A series may sell twice as much from one week to the next. Amounts that lie beyond all that it
    ever sold by ``label_ratio`` are rather counted in another unit, and weeks that do not come at
    all say nothing of what was sold. The newer half of the weeks is looked at: what is broken now
    may have been whole before.

    Parameters
    ----------
    tail
        The amounts that the champion knows.
    rows
        The oldest first.
    """
    if too_few(tail, rows):
        return []
    known = _known(tail)
    found = []
    cuts = quantiles(known, n=100, method="inclusive")
    low, high, now = (
        cuts[_OUTER - 1],
        cuts[-_OUTER],
        median(float(row["label"]) for row in rows[len(rows) // 2 :]),
    )
    if now < low / limits.label_ratio or now > high * limits.label_ratio:
        found.append(
            f"amounts: {now:g} in the middle of the newest weeks, and {low:g} to {high:g} before: "
            f"more than {limits.label_ratio:g} times beyond, as in another unit"
        )
    absent, before = _absent(rows), 1 - len(known) / len(tail)
    if absent > before + limits.missing_rise:
        found.append(f"weeks: {absent:.0%} of the new ones did not come, and {before:.0%} before")
    return found


def too_few(tail: Sequence[Any], rows: Sequence[LabelledRow]) -> str:
    """Return in words why nothing can be said about new weeks; empty where it can."""
    if not rows:
        return "weeks: no new ones came"
    if (known := len(_known(tail))) < _LEAST:
        return f"weeks: the champion knows {known} of them; {_LEAST} are needed"
    return ""


def _known(tail: Sequence[Any]) -> list[float]:
    return [float(one) for one in tail if isinstance(one, (int, float)) and math.isfinite(one)]


def _absent(rows: Sequence[LabelledRow]) -> float:
    """Return the share of weeks, from the first that came to the last, that did not come."""
    places = {_place(step["ds"]) for row in rows for step in row["answer"].get("steps", ())[:1]}
    return 1 - len(places) / (max(places) - min(places) + 1) if places else 0.0


def _place(ds: str | int) -> int:
    return ds if isinstance(ds, int) else date.fromisoformat(ds).toordinal() // 7
