"""Two forecasters of one series compared, and one tried out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.artifact import SeriesModel, opened
from pipewarden.pipelines.sales.series.weekly import Floats, week_at

_AHEAD = 13
#: Weeks below which new weeks say too little, and the backtests are compared.
_LEAST_WEEKS = 2
#: A stored forecast is met up to rounding.
_ROUNDING = 1e-9
_WRONG = {
    "non_finite": "steps are no number",
    "out_of_range": "steps lie outside of their interval",
    "mismatch": "steps differ from what was stored with the version",
}


def smoke(document: Mapping[str, Any], model: SeriesModel) -> dict[str, Any]:
    """Forecast as far as was stored with the version, and tell what is wrong."""
    stored = document["baseline"]["forecast"]
    rows = model.forecast(len(stored), 95.0)
    values = np.array([row["y_hat"] for row in rows], dtype=np.float64)
    other = ~np.isclose(values, np.array(stored, dtype=np.float64), rtol=_ROUNDING)
    counts = {
        "non_finite": sum(not math.isfinite(row["y_hat"]) for row in rows),
        "out_of_range": sum(not row["lo_95"] <= row["y_hat"] <= row["hi_95"] for row in rows),
        "mismatch": int(other.sum()),
    }
    problems = [f"{count} {_WRONG[name]}" for name, count in counts.items() if count]
    return {"rows": len(rows), **counts, "problems": problems}


def compare(challenger: Mapping[str, Any], champion: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the evidence for replacing the champion.

    Where the challenger's test weeks hold weeks that the champion had not seen, both forecasts of
    those weeks are compared; otherwise their backtests are. A champion that is the simple model
    of a short series has none: ``errors_asked`` is False where so nothing is left to compare by.
    """
    metrics = challenger["metrics"]
    coverage = metrics["coverage"]
    gap = None
    if coverage["value"] is not None:
        gap = round(100 * abs(coverage["value"] - coverage["level"]), 2)
    evidence: dict[str, Any] = {
        "has_champion": champion is not None,
        "simple": challenger["parameters"]["simple"],
        "relative_mase": metrics["relative_mase"],
        "coverage_gap": gap,
    }
    if champion is None:
        return evidence
    return evidence | _against(challenger, champion)


def _against(challenger: Mapping[str, Any], champion: Mapping[str, Any]) -> dict[str, Any]:
    same = challenger["model"] == champion["model"]
    held, new = opened(champion), opened(challenger)
    actual, theirs, ours = _new_weeks(challenger, held) if same else (np.empty(0),) * 3
    if len(actual) >= _LEAST_WEEKS:
        basis = f"{len(actual)} weeks that neither was fitted on"
        change = _share(np.abs(actual - ours).mean(), np.abs(actual - theirs).mean())
        squared = _share(
            math.sqrt(((actual - ours) ** 2).mean()), math.sqrt(((actual - theirs) ** 2).mean())
        )
    else:
        basis = "their backtests, relative to the naive forecast"
        change = _of_metrics(challenger, champion, "relative_mase")
        squared = _of_metrics(challenger, champion, "relative_rmsse")
    simple = champion["parameters"]["simple"]
    asked = not simple or len(actual) >= _LEAST_WEEKS
    if not asked:
        basis = "nothing: the champion is the simple model of a short series, without a backtest"
    return {
        "same_series": same,
        "champion_simple": simple,
        "errors_asked": asked,
        "basis": basis,
        "compared_weeks": len(actual),
        "error_change": change,
        "squared_error_change": squared,
        "disagreement": _disagreement(challenger, new, held) if same else None,
    }


def _new_weeks(
    challenger: Mapping[str, Any], champion: SeriesModel
) -> tuple[Floats, Floats, Floats]:
    """Return what came in weeks that neither had seen, and what champion and challenger said."""
    backtest = challenger["baseline"]["backtest"]
    origins = sorted({week_at(origin) for origin in backtest["origin"]})
    known = [origin for origin in origins if origin <= champion.last] or origins[:1]
    rows = []
    for origin, ds, y, y_hat in zip(
        *(backtest[name] for name in ("origin", "ds", "y", "y_hat")), strict=True
    ):
        at = week_at(ds)
        if week_at(origin) == known[-1] and at > champion.last and y is not None:
            rows.append(((at - champion.last) // champion.step, y, y_hat))
    if not rows:
        return np.empty(0), np.empty(0), np.empty(0)
    steps, actual, ours = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    said = champion.points(int(steps.max()))
    return actual, said[steps.astype(int) - 1], ours


def _disagreement(
    challenger: Mapping[str, Any], new: SeriesModel, held: SeriesModel
) -> float | None:
    scale = challenger["parameters"]["scale"]["absolute"]
    skipped = (new.last - held.last) // new.step
    if scale <= 0 or skipped < 0 or skipped > _AHEAD * 4:
        return None
    theirs = held.points(skipped + _AHEAD)[skipped:]
    return float(np.abs(new.points(_AHEAD) - theirs).mean() / scale)


def _of_metrics(
    challenger: Mapping[str, Any], champion: Mapping[str, Any], name: str
) -> float | None:
    ours, theirs = challenger["metrics"].get(name), champion["metrics"].get(name)
    return None if ours is None or theirs is None else _share(ours, theirs)


def _share(ours: float, theirs: float) -> float | None:
    if theirs > 0:
        return float(ours / theirs - 1)
    return 0.0 if ours <= 0 else None
