"""All candidates of a series, fitted on the histories up to several ends at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.models import arima
from pipewarden.pipelines.sales.models.component import Component
from pipewarden.pipelines.sales.models.smoothing import damped_fits, theta_fits
from pipewarden.pipelines.sales.models.views import PLAIN, View, views_of
from pipewarden.pipelines.sales.series.weekly import Floats
from pipewarden.pipelines.sales.settings import SalesSettings, arima_budget

NAIVE, SEASONAL_NAIVE, ARIMA = "naive/plain", "seasonal_naive/plain", "arima"
_MEDIANS = (4, 8, 13, 26)
#: How far beyond the range of the history a forecast may go, in such ranges.
_BEYOND = 2.0
#: The methods of each setting of ``family``; the naive ones are always the yardstick.
_METHODS: Mapping[str, frozenset[str]] = {
    "ets": frozenset({"ses", "damped"}),
    "theta": frozenset({"ses", "theta", "dynamic_theta"}),
    "arima": frozenset({ARIMA}),
    "naive": frozenset({"naive", "seasonal_naive"}),
}

#: Candidate → one component an end. A candidate's name is ``method/view``.
Pool = dict[str, list[Component]]


@dataclass(frozen=True)
class Bounds:
    """The least and the largest value that a forecast may have, one an end."""

    lowest: Floats
    highest: Floats

    def on(self, component: Component, at: int) -> Component:
        """Return the component within the bounds of an end."""
        return replace(component, lowest=float(self.lowest[at]), highest=float(self.highest[at]))


def wanted(name: str, family: str) -> bool:
    """Return whether a candidate may win under a setting of ``family``."""
    return family == "auto" or method_of(name) in _METHODS[family]


def method_of(name: str) -> str:
    """Return the method of a candidate."""
    return name.split("/", maxsplit=1)[0]


@dataclass(frozen=True)
class Histories:
    """The series with the ends that candidates are fitted up to."""

    values: Floats
    ends: tuple[int, ...]
    views: tuple[View, ...]
    bounds: Bounds

    @classmethod
    def of(cls, values: Floats, ends: Sequence[int], settings: SalesSettings) -> Histories:
        """Return the histories."""
        views = views_of(values, ends, settings.history_weeks, settings.season)
        return cls(values, tuple(ends), tuple(views), _bounds(views[0].rows, values))


def _bounds(rows: Floats, values: Floats) -> Bounds:
    low, high = np.nanmin(rows, 1), np.nanmax(rows, 1)
    reach = _BEYOND * (high - low)
    floor = low - reach
    return Bounds(np.maximum(floor, 0.0) if np.nanmin(values) >= 0 else floor, high + reach)


def smoothing_pool(histories: Histories, season: int) -> Pool:
    """Return every candidate but ARIMA."""
    pool: Pool = {}
    views, count = histories.views, len(histories.ends)
    stacked = np.vstack([view.rows for view in views])
    fits = {**theta_fits(stacked), "damped": damped_fits(stacked), "naive": _last(stacked)}
    for number, view in enumerate(views):
        rows = slice(number * count, (number + 1) * count)
        for method, (level, slope, damping) in fits.items():
            if method != "ses" and view.log_offset:
                continue  # a trend of logarithms that begin at zero explodes
            if method == "naive" and not any(view.seasons) and view.name != PLAIN:
                continue  # the same as without the logarithm
            pool[f"{method}/{view.name}"] = [
                _component(view, at, float(one), float(two), float(three), histories.bounds)
                for at, (one, two, three) in enumerate(
                    zip(level[rows], slope[rows], damping[rows], strict=True)
                )
            ]
    plain = views[0]
    for weeks in _MEDIANS:
        pool[f"median_{weeks}/{plain.name}"] = [
            _component(plain, at, _median(row, weeks), 0.0, 1.0, histories.bounds)
            for at, row in enumerate(plain.rows)
        ]
    if min(histories.ends) >= season:
        pool[SEASONAL_NAIVE] = [
            histories.bounds.on(Component(season=_year(row, season)), at)
            for at, row in enumerate(plain.rows)
        ]
    return pool


def arima_pool(
    histories: Histories, views: Sequence[str], settings: SalesSettings
) -> tuple[Pool, dict[str, Any]]:
    """Return ARIMA candidates, and what was found for each.

    Orders and coefficients are found on the history up to the first end, and carried to the
    others; at the last end they are searched again, or the orders refitted, as the budget says.

    Parameters
    ----------
    views
        The views to fit on.
    """
    budget, pool, told = arima_budget(settings), {}, {}
    for view in histories.views:
        if view.name not in views:
            continue
        first = arima.searched(view.rows[0], budget)
        if first is None:
            continue
        carried = [arima.carried(first, row) for row in view.rows[:-1]]
        again = arima.searched if budget["search_again"] else None
        last = again(view.rows[-1], budget) if again else arima.refitted(first, view.rows[-1])
        models = [*carried, last]
        recursions = [None if model is None else arima.recursion_of(model) for model in models]
        if any(recursion is None for recursion in recursions):
            continue
        name = f"{ARIMA}/{view.name}"
        pool[name] = [
            replace(_component(view, at, 0.0, 0.0, 1.0, histories.bounds), recursion=recursion)
            for at, recursion in enumerate(recursions)
        ]
        told[name] = {"backtest": arima.orders_of(first), "registered": arima.orders_of(last)}
    return pool, told


def _component(
    view: View, at: int, level: float, slope: float, damping: float, bounds: Bounds
) -> Component:
    made = Component(
        level=level,
        slope=slope,
        damping=damping,
        season=view.seasons[at],
        log_offset=view.log_offset,
    )
    return bounds.on(made, at)


def _last(rows: Floats) -> tuple[Floats, Floats, Floats]:
    level = np.array([row[np.isfinite(row)][-1] for row in rows])
    return level, np.zeros(len(rows)), np.ones(len(rows))


def _median(row: Floats, weeks: int) -> float:
    seen = row[-weeks:][np.isfinite(row[-weeks:])]
    return float(np.median(seen)) if len(seen) else float(row[np.isfinite(row)][-1])


def _year(row: Floats, season: int) -> tuple[float, ...]:
    """Return the same weeks of last year; the last value stands in for a gap."""
    last = float(row[np.isfinite(row)][-1])
    return tuple(float(value) if np.isfinite(value) else last for value in row[-season:])
