"""Rolling origins: where they lie, and what each candidate said from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipewarden.pipelines.sales.models.component import Component
from pipewarden.pipelines.sales.series.weekly import Floats
from pipewarden.pipelines.sales.settings import SalesSettings

#: The share of the training weeks that the earliest origin must leave before it.
_LEAST_HISTORY = 0.4
_LEAST_WEEKS = 8
#: From so many origins the test weeks are forecast, or a few more.
_TEST_ORIGINS = 8


@dataclass(frozen=True)
class Split:
    """Where training ends, and from where is forecast.

    Parameters
    ----------
    weeks
        Length of the series.
    train
        Weeks of training; what follows is the test.
    horizon
        Weeks that candidates compete over.
    origins
        Ends of the histories that candidates are judged from, inside the training weeks.
    tests
        Ends of the histories that the test weeks are forecast from.
    last_origins
        Ends of the histories that the registered model is chosen from, inside all weeks.
    """

    weeks: int
    train: int
    horizon: int
    origins: tuple[int, ...]
    tests: tuple[int, ...]
    last_origins: tuple[int, ...]

    @property
    def ends(self) -> tuple[int, ...]:
        """All ends, in order, each once; the last is that of the series."""
        return tuple(sorted({*self.origins, *self.tests, *self.last_origins, self.weeks}))

    def places(self, ends: Sequence[int]) -> list[int]:
        """Return where some of the ends stand among all."""
        at = {end: place for place, end in enumerate(self.ends)}
        return [at[end] for end in ends]


def split_of(values: Floats, settings: SalesSettings) -> Split:
    """Return the split of a series; the last weeks are kept for the published figures."""
    weeks = len(values)
    asked = settings.test_weeks
    test = min(32, weeks // 5) if asked is None else min(asked, weeks // 2)
    train = weeks - test
    horizon = max(2, min(settings.horizon, train // 5))
    return Split(
        weeks=weeks,
        train=train,
        horizon=horizon,
        origins=_origins(values, train, horizon, settings),
        tests=tuple(range(train, weeks, max(1, test // _TEST_ORIGINS))),
        last_origins=_origins(values, weeks, horizon, settings),
    )


def _origins(values: Floats, until: int, horizon: int, settings: SalesSettings) -> tuple[int, ...]:
    first = max(_LEAST_WEEKS, int(_LEAST_HISTORY * until), _third_seen(values))
    room = max(0, until - horizon - first)
    apart = max(1, min(settings.origin_step, room // max(1, settings.origins - 1)))
    steps = range(0, settings.origins * apart, apart)
    found = sorted(until - horizon - step for step in steps if until - horizon - step >= first)
    return tuple(found) or (until - horizon,)


def _third_seen(values: Floats) -> int:
    """Return the first end that leaves three values before it."""
    seen = np.flatnonzero(np.isfinite(values))
    return int(seen[min(2, len(seen) - 1)]) + 1


def actuals(values: Floats, ends: Sequence[int], horizon: int, until: int) -> Floats:
    """Return what followed each end, one row an end; NaN in gaps and from ``until`` on."""
    rows = np.full((len(ends), horizon), np.nan)
    for row, end in zip(rows, ends, strict=True):
        found = values[end : min(end + horizon, until)]
        row[: len(found)] = found
    return rows


def predictions(
    pool: Mapping[str, Sequence[Component]], places: Sequence[int], horizon: int
) -> dict[str, Floats]:
    """Return what each candidate says from the ends at ``places``, one row an end."""
    return {
        name: np.array([components[place].forecast(horizon) for place in places])
        for name, components in pool.items()
    }
