"""One series to one model document: select, judge, refit, write down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.artifact import FORMAT
from pipewarden.pipelines.sales.backtesting import conformal, metrics, rolling
from pipewarden.pipelines.sales.backtesting.combining import Choice, chosen
from pipewarden.pipelines.sales.backtesting.judging import HeldOut, Round
from pipewarden.pipelines.sales.models import pool as pools
from pipewarden.pipelines.sales.models.component import Component
from pipewarden.pipelines.sales.series.weekly import Series, plain, series_of
from pipewarden.pipelines.sales.settings import SalesSettings

SCHEMA_VERSION = "1.0"
_TAIL_WEEKS = 104
_SIMPLE_MEDIAN, _SIMPLE_LEAST = 8, 3
_NOT_TESTED = "there are too few weeks to keep some for a test"


@dataclass(frozen=True)
class Trained:
    """What training found about a series, before it is written down."""

    components: Mapping[str, Component]
    weights: Mapping[str, float]
    intervals: conformal.Intervals
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    backtest: Mapping[str, Any]


def train(record: Mapping[str, Any], settings: SalesSettings) -> dict[str, Any]:
    """Return the model document of one series.

    The same record and settings give the same document, byte for byte.

    Raises
    ------
    BadInput
        The record is no weekly series.
    MissingExtra
        The extra ``sales`` is not installed.
    """
    series = series_of(record, settings.week_ends_on)
    simple = series.observed < settings.min_weeks
    found = _simple(series, settings) if simple else _selected(series, settings)
    return _document(series, found, settings)


# ── a series that is long enough ─────────────────────────────────────────────────────────────────


def _selected(series: Series, settings: SalesSettings) -> Trained:
    """Choose without the test weeks, judge on them, then choose and fit by the same rule on all.

    The published figures of the test weeks are those of the first choice, which knew nothing of
    them; those of the backtest are the registered model's.
    """
    split = rolling.split_of(series.values, settings)
    histories = pools.Histories.of(series.values, split.ends, settings)
    pool = pools.smoothing_pool(histories, settings.season)
    before = Round.of(series, pool, split, split.origins, split.train)
    orders: dict[str, Any] = {}
    if settings.arima.enabled and settings.family in ("auto", "arima"):
        more, orders = pools.arima_pool(histories, before.views(settings.family), settings)
        pool |= more
        before = Round.of(series, pool, split, split.origins, split.train)
    allowed = frozenset(name for name in pool if pools.wanted(name, settings.family))
    scale = metrics.Scale.of(series.values[: split.train])
    held_out = HeldOut.of(series, pool, split, before, chosen(before.said, before.actual, allowed))
    after = Round.of(series, pool, split, split.last_origins, split.weeks)
    choice = chosen(after.said, after.actual, allowed)
    return Trained(
        components={name: pool[name][-1] for name in choice.weights},
        weights=choice.weights,
        intervals=conformal.fitted(after.actual - choice.forecasts),
        parameters=_told_choice(choice, split, scale, orders, settings),
        metrics={**held_out.figures(scale, settings), **_backtested(after, choice, scale)},
        backtest=held_out.columns(series, split),
    )


def _backtested(after: Round, choice: Choice, scale: metrics.Scale) -> dict[str, Any]:
    """Return the registered model's figures over rolling origins, against the better naive."""
    own = metrics.figures(after.actual, choice.forecasts, scale)
    yard = metrics.figures(after.actual, after.said[choice.benchmark], scale)
    return {
        "relative_mase": metrics.relative(own["mae"], yard["mae"]),
        "relative_rmsse": metrics.relative(own["rmse"], yard["rmse"]),
        "backtest": {**own, "benchmark": choice.benchmark, "benchmark_figures": yard},
    }


def _told_choice(
    choice: Choice,
    split: rolling.Split,
    scale: metrics.Scale,
    orders: Mapping[str, Any],
    settings: SalesSettings,
) -> dict[str, Any]:
    reason = "the best of the backtest"
    if choice.naive_share == 1.0:
        reason = "nothing beat the naive forecast in the backtest, so it is the model"
    elif choice.naive_share > 0:
        reason = "drawn towards the naive forecast, which the combination alone did not beat"
    ranked = sorted(choice.errors, key=lambda name: (choice.errors[name], name))
    return {
        "chosen": choice.label,
        "reason": reason,
        "simple": False,
        "weights": dict(choice.weights),
        "naive_share": choice.naive_share,
        "environment": settings.environment,
        "search": {
            "family": settings.family,
            "origins": len(split.last_origins),
            "horizon": split.horizon,
            "train_weeks": split.train,
            "test_weeks": split.weeks - split.train,
            "mean_absolute_errors": {name: choice.errors[name] for name in ranked},
            "arima": dict(orders),
        },
        "scale": {"absolute": scale.absolute, "squared": scale.squared},
    }


# ── a series that is too short ───────────────────────────────────────────────────────────────────


def _simple(series: Series, settings: SalesSettings) -> Trained:
    """Return the median of the latest weeks, or the last value, with the changes as errors."""
    values = series.values
    seen = values[np.isfinite(values)]
    name, level = pools.NAIVE, float(seen[-1])
    if len(seen) >= _SIMPLE_LEAST:
        name, level = f"median_{_SIMPLE_MEDIAN}/plain", float(np.median(seen[-_SIMPLE_MEDIAN:]))
    horizon = max(1, min(settings.horizon, len(values) - 1))
    ends = range(1, len(values))
    before = np.array([[values[end - 1]] for end in ends]).reshape(-1, 1)
    missed = rolling.actuals(values, ends, horizon, len(values)) - before
    scale = metrics.Scale.of(values)
    unknown = {"value": None, "low": None, "high": None, "level": metrics.BOUNDS_LEVEL}
    return Trained(
        components={name: Component(level=level, lowest=0.0 if seen.min() >= 0 else -np.inf)},
        weights={name: 1.0},
        intervals=conformal.fitted(missed),
        parameters={
            "chosen": name,
            "reason": f"{series.observed} weeks have a value, fewer than {settings.min_weeks}",
            "simple": True,
            "weights": {name: 1.0},
            "naive_share": 0.0,
            "environment": settings.environment,
            "search": {"family": settings.family, "origins": 0, "test_weeks": 0},
            "scale": {"absolute": scale.absolute, "squared": scale.squared},
        },
        metrics={
            **{figure: dict(unknown) for figure in ("mase", "rmsse", "rmse", "mape")},
            "coverage": {**unknown, "level": settings.level / 100},
            "relative_mase": None,
            "relative_rmsse": None,
            "rows": 0,
            "not_computable": _NOT_TESTED,
        },
        backtest={name: [] for name in ("origin", "step", "ds", "y", "y_hat", "naive")},
    )


# ── the document ─────────────────────────────────────────────────────────────────────────────────


def _document(series: Series, found: Trained, settings: SalesSettings) -> dict[str, Any]:
    weeks = len(series.values)
    tail = range(max(0, weeks - _TAIL_WEEKS), weeks)
    return {
        "schema_version": SCHEMA_VERSION,
        "model": f"sales/{series.name}",
        "family": "sales",
        "unique_id": series.name,
        "title": series.title,
        "dataset": series.told(),
        "parameters": dict(found.parameters),
        "metrics": dict(found.metrics),
        "segments": [],
        "signature": _SIGNATURE,
        "baseline": {
            "tail": {
                "ds": [series.week(at) for at in tail],
                "y": plain(series.values[tail.start :]),
            },
            "backtest": dict(found.backtest),
            "forecast": _ahead(found, settings.horizon),
        },
        "artifact": {
            "format": FORMAT,
            "unique_id": series.name,
            "last": series.first + (weeks - 1) * series.step,
            "step": series.step,
            "level": settings.level,
            "components": [
                {"name": name, "weight": weight, **found.components[name].as_dict()}
                for name, weight in _sorted(found)
            ],
            "intervals": found.intervals.as_dict(),
        },
    }


def _ahead(found: Trained, horizon: int) -> list[float]:
    """Return the forecast as it is now, which an opened model must meet."""
    parts = [weight * found.components[name].forecast(horizon) for name, weight in _sorted(found)]
    return [float(value) for value in np.sum(parts, axis=0)]


def _sorted(found: Trained) -> list[tuple[str, float]]:
    return sorted(found.weights.items())


_SIGNATURE: Mapping[str, Any] = {
    "inputs": [
        {"name": "horizon", "type": "integer", "required": True, "minimum": 1, "maximum": 520},
        {"name": "level", "type": "number", "required": False, "minimum": 1, "maximum": 99.5},
    ],
    "outputs": [
        {"name": "unique_id", "type": "string"},
        {"name": "ds", "type": "date or integer"},
        {"name": "step", "type": "integer"},
        {"name": "y_hat", "type": "number"},
        {"name": "lo_95", "type": "number"},
        {"name": "hi_95", "type": "number"},
    ],
}
