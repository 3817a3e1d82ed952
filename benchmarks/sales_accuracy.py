"""The accuracy of sales forecasts on real products and on long series, beside AutoARIMA and Theta.

Real series are those of ``PIPEWARDEN_DATA`` (a folder with ``sales/``); long ones are drawn here,
with levels that wander, seasons of a year and noise. Of each the last 13 weeks (10 where there is
but one year) are held back and then forecast. OWA as in the M4 competition: the mean of sMAPE and
of MASE, each in that of the naive forecast.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import ROOT, Claim, Result, main
from numpy.typing import NDArray

from pipewarden.pipelines.sales.artifact import opened
from pipewarden.pipelines.sales.series.reading import series_records
from pipewarden.pipelines.sales.series.weekly import series_of
from pipewarden.pipelines.sales.settings import sales_settings
from pipewarden.pipelines.sales.training import train

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data") / "sales"
OWA, SHARE = 0.77, 0.75
#: The real tables, and how many weeks are held back of each.
REAL = {"weekly.csv.gz": 10, "weekly_orangejuice.csv.gz": 13}
Floats = NDArray[np.float64]
Forecasts = Callable[[Floats, int], Floats]


def measure(quick: bool) -> Result:
    """Return the figures."""
    columns = ("series", "method", "OWA", "MASE / naive", "beats naive", "beats last year")
    result = Result("Forecasts of weekly sales", columns)
    sets = {"long, drawn": (drawn(20 if quick else 200), 13)}
    for name, horizon in REAL.items():
        if (DATA / name).is_file():
            found = list(series_records(DATA / name))[:: 40 if quick else 1]
            sets[name] = [series_of(record).values for record in found], horizon
    for name, (series, horizon) in sets.items():
        for method, forecasts in _methods().items():
            scored = scores(series, horizon, forecasts)
            result.rows.append((name, method, *(_shown(value) for value in scored.values())))
            if method == "pipewarden":
                _claim(result, name, scored)
        if name in REAL:
            _published(result, name, series)
    return result if not quick else result.without_verdicts()


def _claim(result: Result, name: str, scored: dict[str, float]) -> None:
    if name == "long, drawn":
        asked = f"OWA ≤ {OWA} on long series"
        result.claims.append(Claim(asked, f"{scored['owa']:.3f}", scored["owa"] <= OWA))
        return
    which = "year" if np.isfinite(scored["year"]) else "naive"
    told = "last year's value" if which == "year" else "the last value"
    asked = f"a lower MASE than {told} on ≥ {SHARE:.0%} of {name}"
    result.claims.append(Claim(asked, f"{scored[which]:.0%}", scored[which] >= SHARE))


def _published(result: Result, name: str, series: list[Floats]) -> None:
    """Look at the figures that each model publishes of the weeks that were put aside."""
    better = []
    for values in series:
        metrics = train(_record(values), sales_settings())["metrics"]
        relative = metrics.get("held_out_relative_mase")
        if relative is not None:
            better.append(relative < 1)
    share = float(np.mean(better))
    asked = f"published test weeks of {name}: a lower MASE than the last value's on ≥ {SHARE:.0%}"
    result.claims.append(Claim(asked, f"{share:.0%} of {len(better)}", share >= SHARE))


def _record(values: Floats) -> dict[str, Any]:
    said = [float(value) if np.isfinite(value) else None for value in values]
    return {"unique_id": "a", "ds": list(range(len(values))), "y": said}


def _methods() -> dict[str, Forecasts]:
    return {"pipewarden": _ours, "AutoARIMA": _auto_arima, "dynamic Theta (52)": _theta}


def _ours(values: Floats, horizon: int) -> Floats:
    model = opened(train(_record(values), sales_settings()))
    skipped = len(values) - 1 - model.last
    return model.points(skipped + horizon)[skipped:]


def _auto_arima(values: Floats, horizon: int) -> Floats:
    from statsforecast.models import AutoARIMA

    return _peer(AutoARIMA(season_length=1), values, horizon)


def _theta(values: Floats, horizon: int) -> Floats:
    from statsforecast.models import DynamicOptimizedTheta

    period = 52 if len(values) >= 104 else 1
    return _peer(DynamicOptimizedTheta(season_length=period), values, horizon)


def _peer(model: Any, values: Floats, horizon: int) -> Floats:
    seen = np.flatnonzero(np.isfinite(values))
    whole = np.interp(np.arange(seen[-1] + 1), seen, values[seen])[-260:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        skipped = len(values) - len(values[: seen[-1] + 1])
        made: Floats = model.forecast(whole, horizon + skipped)["mean"][skipped:]
    return made


def scores(series: list[Floats], horizon: int, forecasts: Forecasts) -> dict[str, float]:
    """Return OWA, the MASE in that of naive, and the shares of series better than each naive."""
    errors, better, year = [], [], []
    for values in series:
        history, actual = values[:-horizon], values[-horizon:]
        seen = history[np.isfinite(history)]
        scale = float(np.abs(np.diff(seen)).mean()) if len(seen) > 3 else 0.0
        if scale <= 0 or not np.isfinite(actual).any():
            continue
        made, naive = forecasts(history, horizon), np.full(horizon, seen[-1])
        ours, yard = (_errors(actual, said, scale) for said in (made, naive))
        errors.append((*ours, *yard))
        better.append(ours[0] < yard[0])
        if len(history) >= 52 and np.isfinite(history[-52 : -52 + horizon]).any():
            year.append(ours[0] < _errors(actual, history[-52:][:horizon], scale)[0])
    mase, smape, mase_naive, smape_naive = np.mean(errors, axis=0)
    return {
        "owa": float((mase / mase_naive + smape / smape_naive) / 2),
        "mase": float(mase / mase_naive),
        "naive": float(np.mean(better)),
        "year": float(np.mean(year)) if year else float("nan"),
    }


def _errors(actual: Floats, made: Floats, scale: float) -> tuple[float, float]:
    missed, total = np.abs(actual - made), np.abs(actual) + np.abs(made)
    parts = np.where(total > 0, 200 * missed / np.where(total > 0, total, 1.0), 0.0)
    return float(np.nanmean(missed) / scale), float(np.nanmean(parts))


def drawn(number: int, seed: int = 11) -> list[Floats]:
    """Return series of two to fifteen years: wandering levels, seasons of a year, noise."""
    rng = np.random.default_rng(seed)
    made = []
    for at in range(number):
        weeks = int(rng.choice([104, 180, 260, 520, 780]))
        time = np.arange(weeks)
        level = np.cumsum(rng.normal(0.001, rng.choice([0.004, 0.008, 0.015]), weeks))
        season = sum(
            rng.normal() / wave * np.sin(2 * np.pi * wave * time / 52.18 + rng.uniform(0, 6.28))
            for wave in range(1, 5)
        )
        noise = rng.normal(0, rng.choice([0.01, 0.03]), weeks)
        made.append(1000 * np.exp(level + (0.0, 0.04, 0.08, 0.16)[at % 4] * season + noise))
    return made


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main(measure))
