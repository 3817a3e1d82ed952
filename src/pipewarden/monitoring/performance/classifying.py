"""How good a classifier is on the rows whose labels came.

Every interval is analytic: a window may hold a million rows, and drawing them again a thousand
times would take minutes. That is why these are not the metrics that a pipeline's own evaluation
computes over weighted resamples; on rows that count once, both give the same values.

=========  ========================================================================================
auc        ties count half (Mann-Whitney); DeLong, DeLong, Clarke-Pearson (Biometrics 44, 1988)
pr_auc     average precision; interval in log-odds after Boyd, Eng, Page (ECML PKDD 2013)
f1         at the model's own decisions; delta method over rows
brier      mean squared error; its own standard error, as is that of log_loss
ece        equally wide bins, weighted by their rows (Naeini, Cooper, Hauskrecht, AAAI 2015); the
           gap of each bin drawn again within its standard error
=========  ========================================================================================
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.performance import figures
from pipewarden.monitoring.performance.figures import (
    FEWEST_OF_A_CLASS,
    FEWEST_ROWS,
    LEVEL,
    Figure,
    Floats,
)

AUC, PR_AUC, F1 = "performance.auc", "performance.pr_auc", "performance.f1"
BRIER, LOG_LOSS, ECE = "performance.brier", "performance.log_loss", "performance.ece"
METRICS = (AUC, PR_AUC, F1, BRIER, LOG_LOSS, ECE)

#: Probabilities are kept this far from 0 and 1, whose logarithms are not finite.
_TINY = 1e-15
_BINS, _DRAWS = 10, 1_000


def of_classifier(
    scores: NDArray[Any], labels: NDArray[Any], decided: NDArray[Any] | None = None, *, seed: int
) -> tuple[Figure, ...]:
    """Return each of `METRICS`, with its interval, or with the reason why there is none.

    Parameters
    ----------
    scores
        Probabilities of label 1; any others rank rows, too, and have no more than that.
    labels
        0 or 1; NaN where none came yet: such a row is left out.
    decided
        What the model decided of each row: 0 or 1. None: nothing is known of that.
    seed
        Of the interval of the calibration error.
    """
    held = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(labels, dtype=np.float64)
    whole = np.isfinite(held) & ~np.isnan(truth)
    held, truth = held[whole], truth[whole]
    rows, positives = len(truth), int(truth.sum())
    if reason := _unfit(truth):
        return figures.all_unknown(METRICS, rows, reason)
    chosen = None if decided is None else np.asarray(decided, dtype=np.float64)[whole]
    told = {"positives": positives}
    return (*_ranked(held, truth, told), _f1(truth, chosen, told), *_probable(held, truth, seed))


def _unfit(labels: Floats) -> str:
    if not len(labels):
        return "no row has a score and a label"
    if not np.isin(labels, (0.0, 1.0)).all():
        return "the labels are not 0 and 1"
    if len(labels) < FEWEST_ROWS:
        return f"too few labels: {len(labels)}, and {FEWEST_ROWS} are needed"
    return ""


def _one_sided(labels: Floats) -> str:
    """Return why rows cannot be told apart by class."""
    positives = int(labels.sum())
    fewer = min(positives, len(labels) - positives)
    if not fewer:
        return f"every label is {int(labels[0])}: one class only"
    if fewer < FEWEST_OF_A_CLASS:
        return f"too few labels of the rarer class: {fewer}, and {FEWEST_OF_A_CLASS} are needed"
    return ""


# ── ranks ────────────────────────────────────────────────────────────────────────────────────────


def _ranked(scores: Floats, labels: Floats, told: dict[str, Any]) -> tuple[Figure, Figure]:
    rows = len(labels)
    if reason := _one_sided(labels):
        return figures.unknown(AUC, rows, reason), figures.unknown(PR_AUC, rows, reason)
    positive, negative = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    value, error = delong(positive, negative)
    fewer = min(len(positive), len(negative))
    precision = average_precision(scores, labels)
    spread = math.sqrt(precision * (1 - precision) / len(positive))
    return (
        figures.bounded(AUC, value, error, rows, fewer, **told),
        figures.bounded(PR_AUC, precision, spread, rows, len(positive), **told),
    )


def delong(positive: Floats, negative: Floats) -> tuple[float, float]:
    """Return the AUC and its standard error, from sorted scores of either class."""
    above = _share_below(negative, positive)
    below = 1.0 - _share_below(positive, negative)
    variance = above.var(ddof=1) / len(positive) + below.var(ddof=1) / len(negative)
    return float(above.mean()), math.sqrt(float(variance))


def _share_below(others: Floats, scores: Floats) -> Floats:
    """Return for each score the share of others below it, ties half."""
    left = np.searchsorted(others, scores, side="left")
    right = np.searchsorted(others, scores, side="right")
    found: Floats = (left + right) / (2.0 * len(others))
    return found


def average_precision(scores: Floats, labels: Floats) -> float:
    """Return the mean precision over the positive rows, rows of one score taken together."""
    order = np.argsort(-scores, kind="stable")
    held = scores[order]
    last = np.flatnonzero(np.append(held[1:] != held[:-1], True))
    found = np.cumsum(labels[order])[last]
    hits = np.diff(found, prepend=0.0)
    return float((hits * found / (last + 1)).sum() / found[-1])


# ── decisions ────────────────────────────────────────────────────────────────────────────────────


def _f1(labels: Floats, decided: Floats | None, told: dict[str, Any]) -> Figure:
    rows = len(labels)
    if decided is None:
        return figures.unknown(F1, rows, "the model's decisions are not known")
    if reason := _one_sided(labels):
        return figures.unknown(F1, rows, reason)
    hits, either = labels * decided, labels + decided
    value = float(2 * hits.sum() / either.sum())
    influence = (2 * hits - value * either) / either.mean()
    error = math.sqrt(float(influence.var(ddof=1)) / rows)
    told = {**told, "decided_positive": int(decided.sum())}
    return figures.bounded(F1, value, error, rows, int(labels.sum()), **told)


# ── probabilities ────────────────────────────────────────────────────────────────────────────────


def _probable(scores: Floats, labels: Floats, seed: int) -> tuple[Figure, ...]:
    rows = len(labels)
    if scores.min() < 0.0 or scores.max() > 1.0:
        reason = "the scores are no probabilities: some lie outside of 0 to 1"
        return figures.all_unknown((BRIER, LOG_LOSS, ECE), rows, reason)
    clipped = np.clip(scores, _TINY, 1 - _TINY)
    losses = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped))
    brier, log_loss = (
        figures.known(metric, float(each.mean()), float(each.std(ddof=1)) / math.sqrt(rows), rows)
        for metric, each in ((BRIER, (scores - labels) ** 2), (LOG_LOSS, losses))
    )
    return brier, log_loss, _calibration_error(scores, labels, seed)


def _calibration_error(scores: Floats, labels: Floats, seed: int) -> Figure:
    places = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    number = np.bincount(places, minlength=_BINS)
    some = np.flatnonzero(number)
    each = number[some].astype(np.float64)
    chance = np.bincount(places, weights=scores, minlength=_BINS)[some] / each
    found = np.bincount(places, weights=labels, minlength=_BINS)[some] / each
    weight, gap = each / len(labels), chance - found
    smoothed = (found * each + 1) / (each + 2)  # a bin of one class would have no spread
    spread = np.sqrt(smoothed * (1 - smoothed) / each)
    drawn = np.random.default_rng(seed).standard_normal((_DRAWS, len(some))) * spread + gap
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.abs(drawn) @ weight, [tail, 1 - tail])
    value = float(np.abs(gap) @ weight)
    # Noise only ever adds to a mean of distances: the value may lie below all that is drawn.
    return Figure(
        metric=ECE, value=value, low=min(value, float(low)), high=float(high), rows=len(labels),
        evidence={"bins": len(some)},
    )  # fmt: skip
