"""Whether a version is worse than it was at training: worse by enough, and surely so.

A figure is a breach where it is worse than the version's own figure at training by more than the
floor of its metric **and** by more than chance explains: a one-sided test of the difference, the
errors of both figures taken from their intervals, its level shared out among all figures that are
judged together (Bonferroni). Worse by the floor and not surely so is a warning. What is estimated
without labels is never more than a warning: its assumption cannot be checked without labels.

The calibration error is not judged: chance alone makes it larger on fewer rows, so that a window is
worse than a larger training sample whatever the model does. The Brier score and the log loss rise
with lost calibration, and have no such fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from pipewarden.core.monitoring.metrics import METRICS, Worse, worsening
from pipewarden.core.monitoring.observations import ObservationStatus
from pipewarden.monitoring.performance.figures import LEVEL, Figure, deviations

_FLOORS = {
    "performance.auc": 0.02,
    "performance.pr_auc": 0.05,
    "performance.f1": 0.05,
    "performance.brier": 0.01,
    "performance.log_loss": 0.03,
    "forecast.interval_coverage": 0.1,
}
_SHARES = {
    "forecast.mase": 0.2,
    "forecast.rmse": 0.2,
    "forecast.mape": 0.15,
    "forecast.relative_to_naive": 0.1,
}
#: How a figure at training is named in a model document where it bears another name.
_NAMES = {
    "forecast.interval_coverage": "coverage",
    "forecast.relative_to_naive": "held_out_relative_mase",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRules:
    """When a figure counts as worse than at training.

    Parameters
    ----------
    alpha
        The chance of a breach among all figures of a window where nothing changed.
    floors
        By how much a metric must be worse; what has none here and in ``shares`` is not judged.
    shares
        The same as a share of the figure at training.
    """

    alpha: float = 0.01
    floors: Mapping[str, float] = field(default_factory=lambda: dict(_FLOORS))
    shares: Mapping[str, float] = field(default_factory=lambda: dict(_SHARES))

    def room(self, metric: str, reference: float) -> float | None:
        """Return by how much a figure may be worse than at training; None: it is not judged."""
        name = _measured(metric)
        if name in self.floors:
            return self.floors[name]
        return self.shares[name] * abs(reference) if name in self.shares else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A figure of the version at training; without ends it is taken as exact."""

    value: float
    low: float | None = None
    high: float | None = None
    level: float = LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A figure, and what is made of it.

    Parameters
    ----------
    threshold
        What it was held against; None where no rule applies.
    """

    figure: Figure
    status: ObservationStatus
    threshold: float | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def references(metrics: Mapping[str, Any]) -> dict[str, Reference]:
    """Return the figures at training that a model document states, by their catalogue names.

    Parameters
    ----------
    metrics
        As the document has them: a number each, or ``value``, ``low``, ``high`` and ``level``.
    """
    found = {}
    for metric in (*_FLOORS, *_SHARES):
        told = metrics.get(_NAMES.get(metric, metric.partition(".")[2]))
        held = dict(told) if isinstance(told, Mapping) else {"value": told}
        if metric == "forecast.interval_coverage" and "level" in held:
            held = {"value": held["level"]}  # it is to keep its promise, not to repeat its luck
        if held.get("value") is not None:
            stated = ((name, held.get(name)) for name in ("value", "low", "high", "level"))
            known = {name: float(value) for name, value in stated if value is not None}
            found[metric] = Reference(**known)
    return found


def judge(
    figures: Sequence[Figure],
    at_training: Mapping[str, Reference],
    rules: DropRules | None = None,
) -> list[Judged]:
    """Return what is made of each figure of one window.

    Parameters
    ----------
    at_training
        The version's own figures, by the names of `METRICS`; see `references`.
    """
    held = rules if rules is not None else DropRules()
    pairs = [(figure, _comparable(figure, at_training, held)) for figure in figures]
    number = sum(reference is not None for _, reference in pairs)
    return [_judged(figure, reference, held, number) for figure, reference in pairs]


def _measured(metric: str) -> str:
    """Return the metric that an estimate is one of."""
    return metric.replace("estimated.", "performance.", 1)


def _comparable(
    figure: Figure, at_training: Mapping[str, Reference], rules: DropRules
) -> Reference | None:
    reference = at_training.get(_measured(figure.metric))
    if reference is None or figure.value is None:
        return None
    return None if rules.room(figure.metric, reference.value) is None else reference


def _judged(figure: Figure, reference: Reference | None, rules: DropRules, number: int) -> Judged:
    if figure.value is None:
        unknown = ObservationStatus.NOT_COMPUTABLE
        return Judged(figure=figure, status=unknown, reason=figure.reason)
    room = None if reference is None else rules.room(figure.metric, reference.value)
    if reference is None or room is None:
        return Judged(figure=figure, status=ObservationStatus.OK)
    worse = worsening(figure.metric, figure.value, reference.value)
    error = _joint_error(figure, reference)
    chance = _chance(worse, error)
    sure = chance <= rules.alpha / number
    status = _status(figure.metric, beyond=worse > room, sure=sure)
    sign = -1 if METRICS[figure.metric].worse is Worse.BELOW else 1
    told = {"at_training": reference.value, "worse_by": worse, "p_value": chance}
    return Judged(
        figure=figure,
        status=status,
        threshold=reference.value + sign * room,
        reason=_words(figure.value, reference.value, status, sure=sure),
        evidence=told | {"p_needed": rules.alpha / number},
    )


def _status(metric: str, *, beyond: bool, sure: bool) -> ObservationStatus:
    if not beyond:
        return ObservationStatus.OK
    measured = _measured(metric) == metric
    return ObservationStatus.BREACH if sure and measured else ObservationStatus.WARN


def _words(value: float, before: float, status: ObservationStatus, *, sure: bool) -> str:
    if status is ObservationStatus.OK:
        return ""
    told = f"{value:.4g} is worse than the {before:.4g} at training"
    return told if sure else f"{told}, but chance may explain it"


def _joint_error(figure: Figure, reference: Reference) -> float:
    """Return the standard error of the difference, from the sides that face each other."""
    assert figure.value is not None
    above = reference.value > figure.value
    own = figure.high if above else figure.low
    theirs = reference.low if above else reference.high
    one = 0.0 if own is None else abs(own - figure.value) / deviations()
    other = 0.0 if theirs is None else abs(theirs - reference.value) / deviations(reference.level)
    return float((one**2 + other**2) ** 0.5)


def _chance(worse: float, error: float) -> float:
    """Return how likely so much is by chance, where nothing changed."""
    if error == 0.0:
        return 0.0 if worse > 0 else 1.0
    return 1.0 - NormalDist().cdf(worse / error)
