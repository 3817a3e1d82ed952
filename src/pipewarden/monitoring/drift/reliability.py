"""How labels follow scores: a fitted line of log-odds, and whether two of them differ.

Cox's recalibration (Biometrika 45, 1958): the log-odds of the label are a line in the log-odds of
the score. A changed intercept is a label that became more or less frequent at every score; a slope
that fell is a score that tells labels apart less well than it did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.columns.reading import Floats, as_floats

#: Scores are kept this far from 0 and 1, whose log-odds are not finite.
_MARGIN = 1e-6
_MOST_STEPS = 50
_CLOSE = 1e-9
_FAR = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """The line, and how surely it is known.

    Parameters
    ----------
    intercept, slope
        Of the log-odds of the label over those of the score; 0 and 1 where scores are calibrated.
    variance_intercept, covariance, variance_slope
        Of the two, from the information that the rows hold.
    rows, events
        Rows with score and label, and those among them whose label is 1.
    """

    intercept: float
    slope: float
    variance_intercept: float
    covariance: float
    variance_slope: float
    rows: int
    events: int

    @property
    def scarcer(self) -> int:
        """Rows of the rarer label."""
        return min(self.events, self.rows - self.events)

    def chances(self, scores: Floats) -> Floats:
        """Return the chance of label 1 at each score."""
        return _sigmoid(self.intercept + self.slope * _log_odds(scores))

    def as_document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what `as_document` gave."""
        return cls(**document)


def paired(scores: NDArray[Any], labels: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the scores and labels of the rows that have both."""
    score, label = as_floats(scores)[0], as_floats(labels)[0]
    known = np.isfinite(score) & np.isfinite(label)
    return score[known], label[known]


def fitted(scores: Floats, labels: Floats) -> Reliability | str:
    """Fit the line by Newton's method, or say why there is none.

    Parameters
    ----------
    scores
        Chances of label 1.
    labels
        Of the same rows: 0 or 1.
    """
    reason = _unfit(scores, labels)
    if reason:
        return reason
    x = _log_odds(scores)
    line = np.array([0.0, 1.0])
    for _ in range(_MOST_STEPS):
        chances = _sigmoid(line[0] + line[1] * x)
        rest = labels - chances
        weights = chances * (1.0 - chances)
        weighted = weights * x
        cross = float(weighted.sum())
        information = np.array([[float(weights.sum()), cross], [cross, float(weighted @ x)]])
        if np.linalg.cond(information) > 1e12:
            return "the scores differ too little, or part the labels wholly"
        step = np.linalg.solve(information, np.array([float(rest.sum()), float(rest @ x)]))
        line = line + step * min(1.0, 2.0 / float(np.abs(step).max() or 1.0))
        if float(np.abs(line).max()) > _FAR:
            return "the scores part the labels wholly"
        if float(np.abs(step).max()) < _CLOSE:
            spread = np.linalg.inv(information)
            return Reliability(
                intercept=float(line[0]),
                slope=float(line[1]),
                variance_intercept=float(spread[0, 0]),
                covariance=float(spread[0, 1]),
                variance_slope=float(spread[1, 1]),
                rows=labels.size,
                events=int(labels.sum()),
            )
    return f"the line of labels over scores was not found in {_MOST_STEPS} steps"


def differing(one: Reliability, other: Reliability) -> tuple[float, float]:
    """Return Wald's statistic of two independent lines and its p-value (chi-square, 2 degrees)."""
    intercept, slope = one.intercept - other.intercept, one.slope - other.slope
    a = one.variance_intercept + other.variance_intercept
    b = one.covariance + other.covariance
    c = one.variance_slope + other.variance_slope
    statistic = (c * intercept**2 - 2 * b * intercept * slope + a * slope**2) / (a * c - b * b)
    return statistic, math.exp(-statistic / 2)


def shift(now: Reliability, before: Reliability, scores: Floats) -> float:
    """Return the mean change of the chance at given scores, in standard deviations of the label."""
    expected = before.chances(scores)
    rate = float(expected.mean())
    change = float(np.abs(now.chances(scores) - expected).mean())
    return change / math.sqrt(rate * (1.0 - rate))


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _unfit(scores: Floats, labels: Floats) -> str:
    if not labels.size:
        return "no row has both a score and a label"
    if not np.isin(labels, (0.0, 1.0)).all():
        return "the labels are not 0 and 1"
    if scores.min() < 0.0 or scores.max() > 1.0:
        return "the scores are no chances: some lie outside of 0 to 1"
    if labels.min() == labels.max():
        return f"every label is {int(labels[0])}"
    return ""


def _log_odds(scores: Floats) -> Floats:
    held = np.clip(scores, _MARGIN, 1.0 - _MARGIN)
    odds: Floats = np.log(held / (1.0 - held))
    return odds


def _sigmoid(x: Floats) -> Floats:
    chances: Floats = 1.0 / (1.0 + np.exp(-x))
    return chances
