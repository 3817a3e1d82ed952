"""Ways to look at a series before a candidate is fitted: its logarithm or not, season or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipewarden.pipelines.sales.models.seasonality import profile
from pipewarden.pipelines.sales.series.weekly import Floats

PLAIN, SEASONAL, LOG, LOG_SEASONAL = "plain", "seasonal", "log", "log_seasonal"
#: Share of the ends that must know a profile, so that it can be judged.
_KNOWN_SHARE = 1 / 3


@dataclass(frozen=True)
class View:
    """The histories up to several ends, seen in one way.

    Parameters
    ----------
    rows
        One history an end, each ending in the last column; NaN before it begins, and in gaps.
    seasons
        What the weeks after each end add, or nothing.
    log_offset
        Added before the logarithm; None: no logarithm.
    """

    name: str
    rows: Floats
    seasons: tuple[tuple[float, ...], ...]
    log_offset: float | None


def views_of(values: Floats, ends: Sequence[int], window: int, season: int) -> list[View]:
    """Return every view that the series allows.

    Parameters
    ----------
    values
        The series; NaN is a gap.
    ends
        Where histories end (exclusive).
    window
        Weeks of history.
    season
        Weeks of a season.
    """
    lowest = float(np.nanmin(values))
    scales: list[tuple[str, str, float | None]] = [(PLAIN, SEASONAL, None)]
    if lowest >= 0:
        scales.append((LOG, LOG_SEASONAL, 0.0 if lowest > 0 else 1.0))
    found = []
    for plain_name, seasonal_name, offset in scales:
        seen = values if offset is None else np.log(values + offset)
        histories = [seen[max(0, end - window) : end] for end in ends]
        none = tuple(() for _ in ends)
        found.append(View(plain_name, _rows(histories), none, offset))
        profiles = [profile(history, season) for history in histories]
        known = sum(one is not None for one in profiles)
        if known >= _KNOWN_SHARE * len(ends):
            flat = [
                history if one is None else history - _past(one, len(history))
                for history, one in zip(histories, profiles, strict=True)
            ]
            seasons = tuple(() if one is None else tuple(map(float, one)) for one in profiles)
            found.append(View(seasonal_name, _rows(flat), seasons, offset))
    return found


def _past(ahead: Floats, length: int) -> Floats:
    """Return a profile, given from the week after the end, over the weeks before it."""
    return np.resize(ahead[::-1], length)[::-1]


def _rows(histories: Sequence[Floats]) -> Floats:
    width = max(map(len, histories))
    rows = np.full((len(histories), width), np.nan)
    for row, history in zip(rows, histories, strict=True):
        row[width - len(history) :] = history
    return rows
