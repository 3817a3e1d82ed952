"""What can be seen of a classifier's answers alone: no quality, but a change of it often shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.performance import figures
from pipewarden.monitoring.performance.figures import FEWEST_ROWS, Figure, Floats

POSITIVE_RATE, SCORE_MEAN = "proxy.positive_rate", "proxy.score_mean"
ENTROPY, CONFIDENCE = "proxy.entropy", "proxy.confidence"
AGREEMENT = "proxy.challenger_agreement"
METRICS = (POSITIVE_RATE, SCORE_MEAN, ENTROPY, CONFIDENCE)
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def of_answers(scores: NDArray[Any], decided: NDArray[Any] | None = None) -> tuple[Figure, ...]:
    """Return each of `METRICS`; beside the mean of the scores, their quantiles.

    Parameters
    ----------
    scores
        Probabilities of label 1.
    decided
        What the model decided of each row: 0 or 1. None: nothing is known of that.
    """
    held = np.asarray(scores, dtype=np.float64)
    whole = np.isfinite(held)
    held = held[whole]
    if reason := _unfit(held):
        return figures.all_unknown(METRICS, len(held), reason)
    chosen = None if decided is None else np.asarray(decided, dtype=np.float64)[whole]
    spread = {f"q{place:g}": float(at) for place, at in
              zip(_QUANTILES, np.quantile(held, _QUANTILES), strict=True)}  # fmt: skip
    return (
        _rate(chosen, len(held)),
        _mean(SCORE_MEAN, held, **spread),
        _mean(ENTROPY, _entropy(held)),
        _mean(CONFIDENCE, np.maximum(held, 1.0 - held)),
    )


def agreement(ours: NDArray[Any], theirs: NDArray[Any]) -> Figure:
    """Return the share of rows on which two versions decide alike.

    Parameters
    ----------
    ours, theirs
        Decisions on the same rows; NaN where one of them has none.
    """
    one, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    both = ~(np.isnan(one) | np.isnan(other))
    rows = int(both.sum())
    if not rows:
        return figures.unknown(AGREEMENT, 0, "no row was answered by both versions")
    return figures.share(AGREEMENT, int((one[both] == other[both]).sum()), rows)


def _unfit(scores: Floats) -> str:
    if len(scores) < FEWEST_ROWS:
        return f"too few answers: {len(scores)}, and {FEWEST_ROWS} are needed"
    if scores.min() < 0.0 or scores.max() > 1.0:
        return "the scores are no probabilities: some lie outside of 0 to 1"
    return ""


def _rate(decided: Floats | None, rows: int) -> Figure:
    if decided is None:
        return figures.unknown(POSITIVE_RATE, rows, "the model's decisions are not known")
    return figures.share(POSITIVE_RATE, int(decided.sum()), rows)


def _mean(metric: str, each: Floats, **evidence: Any) -> Figure:
    error = float(each.std(ddof=1)) / math.sqrt(len(each))
    return figures.known(metric, float(each.mean()), error, len(each), **evidence)


def _entropy(chances: Floats) -> Floats:
    """Return the entropy of each answer, in bits."""
    total = np.zeros(len(chances))
    for part in (chances, 1.0 - chances):
        some = part > 0
        total[some] -= part[some] * np.log2(part[some])
    return total
