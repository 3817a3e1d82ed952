"""A limit for a figure from its past: candidates tried, and the one that costs and misses least."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from pipewarden.core.monitoring.metrics import METRICS, Worse
from pipewarden.monitoring.checks.sheet import Limit
from pipewarden.monitoring.thresholds.anomalies import Unusual, marked
from pipewarden.monitoring.thresholds.resampling import (
    Floats,
    Persistence,
    Plan,
    Trial,
    as_limit,
    deviation,
    quantiles,
    trials,
    worse_up,
)

#: Figures of the past below which no limit is recommended.
FEWEST = 50
#: What gets worse in both directions from zero, not from what it was.
_AROUND_ZERO = ("forecast.bias",)
_PLACES = (0.5, 0.9, 0.95, 0.99, 0.999)
#: Candidates: quantiles of the past, and robust standard deviations above its median.
_QUANTILES, _DEVIATIONS = (0.9, 0.95, 0.975, 0.99, 0.995, 1.0), (2.0, 2.5, 3.0, 4.0, 5.0, 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a limit may cost, and how often it must catch.

    Parameters
    ----------
    false_alarms
        Share of figures at which an alarm may begin although nothing changed.
    anomaly
        Robust standard deviations from which a figure of the past is marked, and left out.
    """

    false_alarms: float = 0.01
    anomaly: float = 6.0
    persistence: Persistence = field(default_factory=Persistence)
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What the past of one figure says of a limit for it.

    Parameters
    ----------
    number
        Figures that it rests on; the marked ones are left out of it.
    quantiles
        Of the past, by place.
    candidates
        Every limit that was tried.
    present
        What the limit in force would have done; None where there is none.
    best
        The one to take; None where none keeps within the cost, or where the past is too short.
    warn
        A limit for a warning, nearer to what is usual.
    anomalies
        The figures that were unlike what came before them.
    reason
        Why there is no best, or why this.
    """

    metric: str
    number: int
    quantiles: dict[float, float] = field(default_factory=dict)
    candidates: Sequence[Trial] = ()
    present: Trial | None = None
    best: Trial | None = None
    warn: float | None = None
    anomalies: Sequence[tuple[datetime, Unusual]] = ()
    reason: str = ""


def recommend(
    metric: str,
    past: Sequence[tuple[datetime, float]],
    wanted: Wanted | None = None,
    *,
    present: Limit | None = None,
) -> Recommendation:
    """Return what the past of a figure says of a limit.

    Of the candidates within the cost the one is best that catches the most, of equal ones the one
    that does so sooner, then the one that costs less.

    Parameters
    ----------
    past
        Time and value, the oldest first.
    present
        The limit in force: what it would have done is told beside the candidates (A/B).
    """
    asked = wanted or Wanted()
    series = [(at, value) for at, value in past if math.isfinite(value)]
    odd = marked(metric, series, asked.anomaly)
    left_out = {at for at, _ in odd}
    usual = worse_up(metric, [value for at, value in series if at not in left_out])
    if reason := _unfit(metric, usual):
        return Recommendation(metric=metric, number=len(usual), anomalies=odd, reason=reason)
    tried = trials(usual, _candidates(usual), asked.persistence, asked.plan)
    bound = None if present is None else present.breach
    ours = None
    if bound is not None:
        turned = -bound if METRICS[metric].worse is Worse.BELOW else bound
        ours = trials(usual, [turned], asked.persistence, asked.plan)[0]
    best = _best(tried, asked.false_alarms)
    plain = [value for at, value in series if at not in left_out]
    return Recommendation(
        metric=metric,
        number=len(usual),
        quantiles=dict(zip(_PLACES, quantiles(plain, _PLACES), strict=True)),
        candidates=[_as_figures(metric, one) for one in tried],
        present=None if ours is None else _as_figures(metric, ours),
        best=None if best is None else _as_figures(metric, best),
        warn=None if best is None else _warning(metric, usual, best),
        anomalies=odd,
        reason=_reason(best, ours, asked),
    )


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _unfit(metric: str, usual: Floats) -> str:
    if METRICS[metric].worse is Worse.AWAY and metric not in _AROUND_ZERO:
        return "it is bad neither high nor low: only what is unlike its past is marked"
    if len(usual) < FEWEST:
        return f"{len(usual)} usual figures, and {FEWEST} are needed"
    return "" if deviation(usual) else "it never moved: there is nothing to draw a limit from"


def _candidates(usual: Floats) -> list[float]:
    middle, spread = float(np.median(usual)), deviation(usual)
    found = {*quantiles(usual, _QUANTILES), *(middle + n * spread for n in _DEVIATIONS)}
    return sorted(found)


def _best(tried: Sequence[Trial], cost: float) -> Trial | None:
    within = [one for one in tried if one.high <= cost or one.false_alarms <= cost / 2]
    able = [one for one in within if one.caught > 0]
    if not able:
        return None
    return min(able, key=lambda one: (-round(one.caught, 2), one.delay, one.false_alarms))


def _warning(metric: str, usual: Floats, best: Trial) -> float:
    near = quantiles(usual, [0.975])[0]
    return as_limit(metric, min(near, best.limit))


def _as_figures(metric: str, one: Trial) -> Trial:
    return Trial(
        limit=as_limit(metric, one.limit),
        false_alarms=one.false_alarms,
        low=one.low,
        high=one.high,
        caught=one.caught,
        delay=one.delay,
    )


def _reason(best: Trial | None, ours: Trial | None, asked: Wanted) -> str:
    if best is None:
        return f"no limit keeps false alarms within {asked.false_alarms:.2%} and catches anything"
    words = f"false alarms at {best.false_alarms:.2%} of figures, {best.caught:.0%} caught"
    if ours is not None:
        words += f"; the limit in force: {ours.false_alarms:.2%} and {ours.caught:.0%}"
    return words
