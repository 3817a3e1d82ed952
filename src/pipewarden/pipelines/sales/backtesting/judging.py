"""What candidates said from rolling origins, and what the choice said of the weeks put aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.backtesting import conformal, metrics, rolling
from pipewarden.pipelines.sales.backtesting.combining import Choice, combined
from pipewarden.pipelines.sales.models import pool as pools
from pipewarden.pipelines.sales.series.weekly import Floats, Series, plain
from pipewarden.pipelines.sales.settings import SalesSettings


@dataclass(frozen=True)
class Round:
    """What every candidate said from some origins, and what came."""

    said: Mapping[str, Floats]
    actual: Floats

    @classmethod
    def of(
        cls,
        series: Series,
        pool: pools.Pool,
        split: rolling.Split,
        origins: Sequence[int],
        until: int,
    ) -> Round:
        """Return the round; weeks from ``until`` on are not looked at."""
        said = rolling.predictions(pool, split.places(origins), split.horizon)
        return cls(said, rolling.actuals(series.values, origins, split.horizon, until))

    def views(self, family: str) -> Sequence[str]:
        """Return the views that ARIMA is fitted on: that in which smoothing did best, or all."""
        errors = {
            name: float(np.nanmean(np.abs(self.actual - made)))
            for name, made in self.said.items()
            if pools.method_of(name) in ("ses", "theta", "dynamic_theta", "damped")
        }
        ranked = sorted(errors, key=lambda name: (errors[name], name))
        views = list(dict.fromkeys(name.split("/")[1] for name in ranked))
        return views if family == "arima" else views[:1]


@dataclass(frozen=True)
class HeldOut:
    """What the first choice and the naive forecasts said of the test weeks, and what came."""

    actual: Floats
    made: Floats
    naive: Floats
    seasonal: Floats | None
    intervals: conformal.Intervals

    @classmethod
    def of(
        cls,
        series: Series,
        pool: pools.Pool,
        split: rolling.Split,
        before: Round,
        choice: Choice,
    ) -> HeldOut:
        """Return the forecasts from all ends in the test weeks, under the weights chosen before."""
        needed = sorted({*choice.weights, pools.NAIVE, pools.SEASONAL_NAIVE} & pool.keys())
        part = {name: pool[name] for name in needed}
        said = rolling.predictions(part, split.places(split.tests), split.horizon)
        return cls(
            actual=rolling.actuals(series.values, split.tests, split.horizon, split.weeks),
            made=combined(said, choice.weights),
            naive=said[pools.NAIVE],
            seasonal=said.get(pools.SEASONAL_NAIVE),
            intervals=conformal.fitted(before.actual - choice.forecasts),
        )

    def figures(self, scale: metrics.Scale, settings: SalesSettings) -> dict[str, Any]:
        """Return the published figures, beside those of the naive forecasts."""
        test = metrics.figures(self.actual, self.made, scale)
        naive = metrics.figures(self.actual, self.naive, scale)
        seasonal = self.seasonal
        return {
            **metrics.with_bounds(self.actual, self.made, scale, settings.seed),
            "coverage": self._coverage(settings.level),
            "naive": naive,
            "seasonal_naive": seasonal
            if seasonal is None
            else metrics.figures(self.actual, seasonal, scale),
            "held_out_relative_mase": metrics.relative(test["mae"], naive["mae"]),
            "rows": int(np.isfinite(self.actual).sum()),
        }

    def _coverage(self, level: float) -> dict[str, Any]:
        below, above = self.intervals.offsets(self.actual.shape[1], level)
        off = self.actual - self.made
        seen = np.isfinite(off)
        inside = (off >= below) & (off <= above)
        rows = [float(row[at].mean()) for row, at in zip(inside, seen, strict=True) if at.any()]
        return {
            "value": float(inside[seen].mean()) if seen.any() else None,
            "low": min(rows, default=None),
            "high": max(rows, default=None),
            "level": level / 100,
        }

    def columns(self, series: Series, split: rolling.Split) -> dict[str, Any]:
        """Return the forecasts of the test weeks, column by column."""
        rows = [
            (number, end, step)
            for number, end in enumerate(split.tests)
            for step in range(min(split.horizon, split.weeks - end))
        ]
        at = [number for number, _, _ in rows], [step for _, _, step in rows]
        return {
            "origin": [series.week(end - 1) for _, end, _ in rows],
            "step": [step + 1 for _, _, step in rows],
            "ds": [series.week(end + step) for _, end, step in rows],
            "y": plain(self.actual[at]),
            "y_hat": plain(self.made[at]),
            "naive": plain(self.naive[at]),
        }
