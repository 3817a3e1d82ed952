"""How good a classifier is to be expected to be before any label comes, from its own scores.

Confidence-based performance estimation: if a row's chance of label 1 is ``p``, it counts as ``p``
of a positive and ``1 - p`` of a negative row. NannyML calls this CBPE (its documentation, "How it
works: Performance Estimation", 2022); of the same kind, and of one threshold only, is the average
thresholded confidence of Garg and others (ICLR 2022).

What is assumed, and cannot be seen without labels:

- the chances are calibrated on the new rows, too: of rows with 0.3, 30% turn out positive. That
  holds where only the mix of rows changes (covariate shift) and the model is calibrated in every
  part of it. It does not where the relation of features and label changes (concept drift): then
  these figures stay as they were while the true ones fall;
- labels of rows are independent given the rows.

The interval holds the figure that the labels would give, once they came, if so. It knows nothing of
an error of the assumption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.performance import figures
from pipewarden.monitoring.performance.figures import (
    FEWEST_OF_A_CLASS,
    FEWEST_ROWS,
    Figure,
    Floats,
)

AUC, F1, BRIER = "estimated.auc", "estimated.f1", "estimated.brier"
METRICS = (AUC, F1, BRIER)
ASSUMPTION = "the probabilities are calibrated on these rows, too"

#: A calibration error at training beyond which nothing is estimated.
WORST_CALIBRATION = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is known of the scores' calibration at training.

    Parameters
    ----------
    error
        The expected calibration error there; None: it was not measured.
    worst
        Beyond which nothing is estimated.
    """

    error: float | None = None
    worst: float = WORST_CALIBRATION


def estimated(
    scores: NDArray[Any],
    decided: NDArray[Any] | None = None,
    *,
    chances: NDArray[Any] | None = None,
    calibration: Calibration | None = None,
) -> tuple[Figure, ...]:
    """Return each of `METRICS` that is to be expected, or why there is none.

    Parameters
    ----------
    scores
        What the model answered.
    decided
        What it decided of each row: 0 or 1. None: nothing is known of that.
    chances
        Of label 1, where the scores themselves are not to be taken for them: recalibrated ones.
    """
    held = np.asarray(scores, dtype=np.float64)
    chance = held if chances is None else np.asarray(chances, dtype=np.float64)
    whole = np.isfinite(held) & np.isfinite(chance)
    held, chance = held[whole], chance[whole]
    known = calibration if calibration is not None else Calibration()
    if reason := _unfit(chance, known):
        return figures.all_unknown(METRICS, len(held), reason)
    chosen = None if decided is None else np.asarray(decided, dtype=np.float64)[whole]
    told = {
        "assumes": ASSUMPTION,
        "expected_positives": round(float(chance.sum()), 1),
        "calibration_error_at_training": known.error,
    }
    return _auc(held, chance, told), _f1(chance, chosen, told), _brier(held, chance, told)


def _unfit(chances: Floats, calibration: Calibration) -> str:
    rows = len(chances)
    if rows < FEWEST_ROWS:
        return f"too few rows: {rows}, and {FEWEST_ROWS} are needed"
    if chances.min() < 0.0 or chances.max() > 1.0:
        return "the scores are no probabilities: some lie outside of 0 to 1"
    if calibration.error is not None and calibration.error > calibration.worst:
        return (
            f"the scores were not calibrated at training: their calibration error was "
            f"{calibration.error:.3f}, and at most {calibration.worst:g} will do"
        )
    fewer = float(min(chances.sum(), (1 - chances).sum()))
    if fewer < FEWEST_OF_A_CLASS:
        return (
            f"too few rows of the rarer class are to be expected: {fewer:.1f}, "
            f"and {FEWEST_OF_A_CLASS} are needed"
        )
    return ""


def _auc(scores: Floats, chances: Floats, told: dict[str, Any]) -> Figure:
    """Return the AUC in which each pair counts as often as it is a positive and a negative row."""
    order = np.argsort(scores, kind="stable")
    held, p = scores[order], chances[order]
    q = 1.0 - p
    starts = np.flatnonzero(np.concatenate([[True], held[1:] != held[:-1]]))
    group = np.cumsum(np.concatenate([[False], held[1:] != held[:-1]]))
    positive, negative = np.add.reduceat(p, starts), np.add.reduceat(q, starts)
    # Of each score: the expected negatives below and positives above it, its own ones half.
    below = (np.cumsum(negative) - negative / 2)[group] - q / 2
    above = (positive.sum() - np.cumsum(positive) + positive / 2)[group] - p / 2
    pairs = float((p * q.sum() - p * q).sum())
    value = float((p * below).sum()) / pairs
    influence = (below - above - value * (q.sum() - p.sum())) / pairs
    error = math.sqrt(float((p * q * influence**2).sum()))
    fewer = int(min(p.sum(), q.sum()))
    return figures.bounded(AUC, value, error, len(p), fewer, **told)


def _f1(chances: Floats, decided: Floats | None, told: dict[str, Any]) -> Figure:
    if decided is None:
        return figures.unknown(F1, len(chances), "the model's decisions are not known")
    either = float(decided.sum() + chances.sum())
    value = float(2 * (chances * decided).sum()) / either
    influence = (2 * decided - value) / either
    error = math.sqrt(float((chances * (1 - chances) * influence**2).sum()))
    fewer = int(min(chances.sum(), (1 - chances).sum()))
    return figures.bounded(F1, value, error, len(chances), fewer, **told)


def _brier(scores: Floats, chances: Floats, told: dict[str, Any]) -> Figure:
    spread = chances * (1 - chances)
    value = float(((scores - chances) ** 2 + spread).mean())
    error = math.sqrt(float((spread * (1 - 2 * scores) ** 2).sum())) / len(scores)
    return figures.known(BRIER, value, error, len(scores), **told)
