"""A series drawn: what was sold, what the backtest said, and what is forecast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pipewarden as pw
from pipewarden.pipelines.sales.artifact import opened

_LEAST_HORIZON = 13


def charts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return ``forecast``, as far as was stored with the model, and ``errors`` of its backtest."""
    model = opened(document)
    level = float(document["artifact"].get("level", 95.0))
    horizon = len(document["baseline"]["forecast"]) or _LEAST_HORIZON
    drawn = {"forecast": forecast_chart(document, model.forecast(horizon, level), level)}
    errors = _errors(document)
    if errors:
        drawn["errors"] = errors
    return drawn


def forecast_chart(
    document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], level: float
) -> str:
    """Return history, backtest and forecast of a series as an SVG element."""
    tail, name = document["baseline"]["tail"], str(document["unique_id"])
    title = f"{document.get('title') or name}: {document['parameters']['chosen']}"
    history = list(zip(map(_place, tail["ds"]), map(_number, tail["y"]), strict=True))
    ahead = [_place(row["ds"]) for row in rows]
    low, high = f"lo_{level:g}", f"hi_{level:g}"
    lines = [pw.charts.Series(name="sold", points=history)]
    said = _backtest(document)
    marks = []
    if said:
        lines.append(pw.charts.Series(name="backtest", points=said, quiet=True))
        marks.append(pw.charts.Mark(at=said[0][0], text="test weeks"))
    forecast = [(at, _number(row["y_hat"])) for at, row in zip(ahead, rows, strict=True)]
    lines.insert(1, pw.charts.Series(name="forecast", points=forecast))
    bounds = [(at, _number(r[low]), _number(r[high])) for at, r in zip(ahead, rows, strict=True)]
    return pw.charts.line_chart(
        lines,
        bands=[pw.charts.Band(name=f"{level:g}% interval", points=bounds)],
        marks=marks,
        title=title,
        x_label="week",
        y_label="a week",
    )


def _backtest(document: Mapping[str, Any]) -> list[tuple[Any, float]]:
    """Return what was said of each test week, by the forecast that was nearest to it."""
    held = document["baseline"]["backtest"]
    nearest: dict[Any, tuple[int, float]] = {}
    for ds, step, y_hat in zip(held["ds"], held["step"], held["y_hat"], strict=True):
        if ds not in nearest or step < nearest[ds][0]:
            nearest[ds] = step, _number(y_hat)
    return sorted((_place(ds), value) for ds, (_, value) in nearest.items())


def _errors(document: Mapping[str, Any]) -> str:
    """Return the mean absolute error by step, beside the naive forecast's."""
    held = document["baseline"]["backtest"]
    by_step: dict[int, list[tuple[float, float]]] = {}
    rows = zip(held["step"], held["y"], held["y_hat"], held["naive"], strict=True)
    for step, y, y_hat, naive in rows:
        if y is not None and y_hat is not None and naive is not None:
            by_step.setdefault(step, []).append((abs(y - y_hat), abs(y - naive)))
    if not by_step:
        return ""

    def mean(step: int, which: int) -> float:
        return sum(pair[which] for pair in by_step[step]) / len(by_step[step])

    steps = sorted(by_step)
    return pw.charts.line_chart(
        [
            pw.charts.Series(name="the model", points=[(s, mean(s, 0)) for s in steps]),
            pw.charts.Series(name="naive", points=[(s, mean(s, 1)) for s in steps], quiet=True),
        ],
        title=f"{document['unique_id']}: mean absolute error in the test weeks",
        x_label="weeks ahead",
        y_label="mean absolute error",
    )


def _place(week: str | int) -> date | int:
    return date.fromisoformat(week) if isinstance(week, str) else week


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
