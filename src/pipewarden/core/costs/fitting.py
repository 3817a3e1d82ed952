"""What runs cost by their items: a fixed part and a part an item, fitted on past runs.

Weighted least squares on ``cost = fixed + each * items``. The costs of many items add up, and so
do their variances: a run of x items gets the weight 1/x. A negative part makes no sense: the line
then goes through the origin, or is flat. The interval of a total is that of a sum of new runs:
their own scatter, and that of the two parts (see Montgomery, Peck and Vining, Introduction to
Linear Regression Analysis, sections 2.5 and 5.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Fewer runs, or fewer that worked on anything, say nothing of what more items cost.
LEAST_RUNS, LEAST_WORKING = 5, 3
#: The largest run must have so many times the items of the smallest.
LEAST_SPREAD = 1.5
_MANY = 1_000
_LARGEST_T = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fitted line.

    Parameters
    ----------
    fixed, each
        What a run costs whatever its items, and what an item adds.
    scatter
        Variance of the cost of a run of one item.
    freedom
        Runs less what was fitted of them.
    covariance
        Of the two parts: of ``fixed``, of both, of ``each``.
    """

    fixed: float
    each: float
    scatter: float
    freedom: int
    covariance: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the same runs would cost at another volume, and the interval that it lies in."""

    value: float
    low: float
    high: float
    line: Line


def too_little(items: Sequence[int]) -> str:
    """Return why runs of so many items cannot be fitted, in words; empty where they can."""
    working = [number for number in items if number]
    if len(items) < LEAST_RUNS or len(working) < LEAST_WORKING:
        return (
            f"too few runs: {len(items)}, {len(working)} of which had work; at least "
            f"{LEAST_RUNS} are needed, {LEAST_WORKING} with work"
        )
    if max(items) < LEAST_SPREAD * min(items):
        return (
            f"all runs had about the same work, {min(items):,} to {max(items):,} items: what is "
            "fixed cannot be told from what grows"
        )
    return ""


def fit(items: Sequence[int], costs: Sequence[float]) -> Line:
    """Return the line through past runs; see `too_little` for what it needs."""
    weights = [1 / max(number, 1) for number in items]
    w, wx, wy = sum(weights), _sum(weights, items), _sum(weights, costs)
    wxx = sum(u * x * x for u, x in zip(weights, items, strict=True))
    wxy = sum(u * x * y for u, x, y in zip(weights, items, costs, strict=True))
    spread = w * wxx - wx * wx
    each = (w * wxy - wx * wy) / spread
    fixed = (wy - each * wx) / w
    parts, inverse = 2, (wxx / spread, -wx / spread, w / spread)
    if fixed < 0:
        fixed, each, parts, inverse = 0.0, wxy / wxx, 1, (0.0, 0.0, 1 / wxx)
    elif each < 0:
        fixed, each, parts, inverse = wy / w, 0.0, 1, (1 / w, 0.0, 0.0)
    missed = sum(
        u * (y - fixed - each * x) ** 2 for u, x, y in zip(weights, items, costs, strict=True)
    )
    freedom = len(items) - parts
    scatter = missed / freedom
    covariance = (scatter * inverse[0], scatter * inverse[1], scatter * inverse[2])
    return Line(fixed=fixed, each=each, scatter=scatter, freedom=freedom, covariance=covariance)


def forecast(
    items: Sequence[int], costs: Sequence[float], volume: float, *, level: float
) -> Forecast:
    """Return what as many runs would cost together, each with ``volume`` times the items.

    Parameters
    ----------
    level
        Of the interval, such as 0.9.
    """
    line = fit(items, costs)
    runs, grown = len(items), volume * sum(items)
    of_fixed, of_both, of_each = line.covariance
    own = line.scatter * sum(max(volume * number, 1) for number in items)
    fitted = runs * runs * of_fixed + 2 * runs * grown * of_both + grown * grown * of_each
    half = quantile(level, line.freedom) * math.sqrt(max(own + fitted, 0.0))
    value = runs * line.fixed + grown * line.each
    return Forecast(value=value, low=max(value - half, 0.0), high=value + half, line=line)


def within(t: float, freedom: int) -> float:
    """Return the probability that Student's t lies between -t and t.

    The finite series for whole degrees of freedom: Abramowitz and Stegun, Handbook of Mathematical
    Functions, 26.7.3 and 26.7.4; of more than a thousand degrees it is that of a thousand.
    """
    freedom = min(freedom, _MANY)
    angle = math.atan(t / math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2
    term = cosine if odd else 1.0
    series = term if freedom > 1 else 0.0
    for power in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (power - 1) / power
        series += term
    if not odd:
        return math.sin(angle) * series
    return 2 / math.pi * (angle + math.sin(angle) * series)


def quantile(level: float, freedom: int) -> float:
    """Return the t that `within` gives this probability for."""
    low, high = 0.0, _LARGEST_T
    while high - low > 1e-9 * max(high, 1.0):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, freedom) < level else (low, middle)
    return high


def _sum(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(u * value for u, value in zip(weights, values, strict=True))
