"""Logistic regression by Newton's method: the baseline, and the calibration of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipewarden.pipelines.credit.data.table import Numbers

_STEPS, _CLOSE = 50, 1e-9


def sigmoid(scores: Numbers) -> Numbers:
    """Return probabilities; exact in both tails."""
    small = np.exp(-np.abs(scores))
    return np.asarray(np.where(scores >= 0, 1 / (1 + small), small / (1 + small)))


def fitted(inputs: Numbers, labels: Numbers, penalty: float) -> Numbers:
    """Return the weights that minimise the penalised log-loss; the last is the free intercept.

    Parameters
    ----------
    inputs
        One row each; the intercept is added here.
    penalty
        Half of it times the squared weights is added to the sum of the losses.
    """
    design = np.column_stack([inputs, np.ones(len(inputs))])
    ridge = np.full(design.shape[1], penalty)
    ridge[-1] = 0.0
    weights = np.zeros(design.shape[1])
    rate = np.clip(labels.mean(), 1e-6, 1 - 1e-6)
    weights[-1] = np.log(rate / (1 - rate))
    loss = _loss(design, labels, weights, ridge)
    for _ in range(_STEPS):
        chance = sigmoid(design @ weights)
        slope = design.T @ (chance - labels) + ridge * weights
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-9)
        step = np.linalg.solve(bend, slope)
        size = 1.0
        while size > 1e-6 and _loss(design, labels, weights - size * step, ridge) > loss:
            size /= 2
        weights = weights - size * step
        before, loss = loss, _loss(design, labels, weights, ridge)
        if before - loss <= _CLOSE * abs(before):
            break
    return weights


def _loss(design: Numbers, labels: Numbers, weights: Numbers, ridge: Numbers) -> float:
    scores = design @ weights
    return float(np.sum(np.logaddexp(0, scores) - labels * scores) + 0.5 * ridge @ weights**2)


@dataclass(frozen=True, slots=True)
class LogisticBaseline:
    """The classic scorecard: medians for what is missing, logarithms, and a straight line.

    Medians, means and spreads are those of the training rows; nothing else is looked at.
    """

    medians: Numbers
    centre: Numbers
    spread: Numbers
    weights: Numbers

    @classmethod
    def of(cls, values: Numbers, labels: Numbers, penalty: float = 1.0) -> LogisticBaseline:
        """Return the baseline fitted on training rows."""
        gone = np.isnan(values).all(axis=0)
        medians = np.where(gone, 0.0, np.nanmedian(np.where(gone, 0.0, values), axis=0))
        plain = _plain(values, medians)
        spread = plain.std(axis=0)
        centre, spread = plain.mean(axis=0), np.where(spread > 0, spread, 1.0)
        weights = fitted((plain - centre) / spread, labels, penalty)
        return cls(medians, centre, spread, weights)

    def probabilities(self, values: Numbers) -> Numbers:
        """Return the probability of each row."""
        plain = (_plain(values, self.medians) - self.centre) / self.spread
        return sigmoid(plain @ self.weights[:-1] + self.weights[-1])

    def as_dict(self) -> dict[str, Any]:
        """Return what was fitted, as plain values."""
        return {
            "medians": [round(float(v), 6) for v in self.medians],
            "weights": [round(float(v), 6) for v in self.weights],
        }


def _plain(values: Numbers, medians: Numbers) -> Numbers:
    """Return values without gaps, beside them where the gaps were; magnitudes as logarithms."""
    missing = np.isnan(values)
    filled = np.where(missing, medians, values)
    return np.column_stack([np.sign(filled) * np.log1p(np.abs(filled)), filled, missing])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling (1999): probability = sigmoid(slope · score + intercept)."""

    slope: float
    intercept: float

    @classmethod
    def of(cls, scores: Numbers, labels: Numbers) -> Calibration:
        """Return the calibration fitted on scores of rows that were not fitted on."""
        slope, intercept = fitted(scores[:, None], labels, 0.0)
        return cls(max(float(slope), 1e-3), float(intercept))  # order is never turned round

    def probabilities(self, scores: Numbers) -> Numbers:
        """Return the probabilities of raw scores."""
        return sigmoid(self.slope * scores + self.intercept)
