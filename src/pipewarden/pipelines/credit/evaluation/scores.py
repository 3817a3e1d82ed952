"""Metrics of probabilities, on weighted rows: weights of one give the figure, counts a resample.

AUC counts ties as half (Mann-Whitney); PR-AUC is the average precision; the calibration error is
the mean distance of probability and frequency over equally wide bins, weighted by their rows
(Naeini, Cooper, Hauskrecht 2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipewarden.pipelines.credit.data.table import Numbers

METRICS = ("auc", "pr_auc", "f1", "brier", "log_loss", "ece")
_TINY = 1e-15
_BLOCK = 2_000_000
_CURVE_POINTS = 101


@dataclass(frozen=True, slots=True)
class Scored:
    """Labelled rows with their probabilities, and the threshold that makes them decisions."""

    labels: Numbers
    probabilities: Numbers
    threshold: float
    bins: int = 10

    def take(self, rows: Any) -> Scored:
        """Return some of the rows."""
        return Scored(self.labels[rows], self.probabilities[rows], self.threshold, self.bins)


def metrics_of(scored: Scored, weights: Numbers | None = None) -> Mapping[str, Numbers]:
    """Return each metric, one value for each row of ``weights``; NaN where it has none.

    Parameters
    ----------
    weights
        Resamples by rows: how often each row counts. One resample with every row once by default.
    """
    if weights is None:
        weights = np.ones((1, len(scored.labels)))
    step = max(1, _BLOCK // max(1, weights.shape[1]))
    blocks = [_block(scored, weights[at : at + step]) for at in range(0, len(weights), step)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in METRICS}


def _block(scored: Scored, weights: Numbers) -> dict[str, Numbers]:
    labels, chances = scored.labels, scored.probabilities
    total = weights.sum(axis=1)
    clipped = np.clip(chances, _TINY, 1 - _TINY)
    losses = -np.where(labels == 1, np.log(clipped), np.log(1 - clipped))
    auc, pr_auc = _ranked(scored, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "auc": auc,
            "pr_auc": pr_auc,
            "f1": f1_of(labels, chances >= scored.threshold, weights),
            "brier": weights @ (chances - labels) ** 2 / total,
            "log_loss": weights @ losses / total,
            "ece": _calibration_error(scored, weights, total),
        }


def f1_of(labels: Numbers, decided: Any, weights: Numbers) -> Numbers:
    """Return F1 of decisions; 0 where nothing is positive and nothing is said to be."""
    hits = weights @ (labels * decided)
    said, real = weights @ decided.astype(np.float64), weights @ labels
    return np.asarray(2 * hits / np.maximum(said + real, 1e-300))


def _ranked(scored: Scored, weights: Numbers) -> tuple[Numbers, Numbers]:
    """Return AUC and average precision, rows with one score taken together."""
    order = np.argsort(-scored.probabilities, kind="stable")
    held = scored.probabilities[order]
    starts = np.flatnonzero(np.concatenate([[True], held[1:] != held[:-1]]))
    placed, labels = weights[:, order], scored.labels[order]
    hits = np.add.reduceat(placed * labels, starts, axis=1)
    others = np.add.reduceat(placed * (1 - labels), starts, axis=1)
    found, seen = np.cumsum(hits, axis=1), np.cumsum(hits + others, axis=1)
    real, rest = found[:, -1], others.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (others * (found - hits / 2)).sum(axis=1) / (real * rest)
        precision = np.where(seen > 0, found / np.maximum(seen, 1e-300), 0.0)
        pr_auc = (hits * precision).sum(axis=1) / real
    return auc, pr_auc


def _bins(scored: Scored) -> Any:
    places = np.minimum((scored.probabilities * scored.bins).astype(np.int64), scored.bins - 1)
    return np.eye(scored.bins)[places]


def _calibration_error(scored: Scored, weights: Numbers, total: Numbers) -> Numbers:
    gaps = weights @ (_bins(scored) * (scored.probabilities - scored.labels)[:, None])
    return np.asarray(np.abs(gaps).sum(axis=1) / total)


def calibration_curve(scored: Scored) -> list[dict[str, Any]]:
    """Return mean probability and frequency of tenths of the rows, and of equally wide bins."""
    order = np.argsort(scored.probabilities, kind="stable")
    curve = []
    for rows in np.array_split(order, min(scored.bins, len(order))):
        chances = scored.probabilities[rows]
        curve.append(
            {
                "from": round(float(chances.min()), 6),
                "to": round(float(chances.max()), 6),
                "rows": len(rows),
                "probability": round(float(chances.mean()), 6),
                "frequency": round(float(scored.labels[rows].mean()), 6),
            }
        )
    return curve


def curves(scored: Scored) -> dict[str, list[list[float]]]:
    """Return ROC (false and true positive rate) and precision by recall, at evenly spaced places.

    The points are those of true thresholds, so that none lies where no decision leads; the first
    and the last are always among them.
    """
    order = np.argsort(-scored.probabilities, kind="stable")
    held = scored.probabilities[order]
    last = np.flatnonzero(np.concatenate([held[1:] != held[:-1], [True]]))
    hits = np.cumsum(scored.labels[order])[last]
    said = last + 1.0
    real, rest = max(float(hits[-1]), 1.0), max(float(said[-1] - hits[-1]), 1.0)
    recall, false = hits / real, (said - hits) / rest
    roc = [[0.0, 0.0], *_spaced(false, recall, false + recall)]
    return {"roc": roc, "pr": _spaced(recall, hits / said, recall)}


def _spaced(x: Numbers, y: Numbers, along: Numbers) -> list[list[float]]:
    """Return about a hundred of the points, evenly spaced in ``along``, which never falls."""
    places = np.searchsorted(along, np.linspace(along[0], along[-1], _CURVE_POINTS))
    kept = np.unique(np.concatenate([places, [len(x) - 1]]))
    return [[round(float(a), 6), round(float(b), 6)] for a, b in zip(x[kept], y[kept], strict=True)]


def best_threshold(labels: Numbers, probabilities: Numbers) -> float:
    """Return the probability from which on a yes gives the highest F1; the highest of equals."""
    order = np.argsort(-probabilities, kind="stable")
    held = probabilities[order]
    last = np.concatenate([held[1:] != held[:-1], [True]])
    hits, said = np.cumsum(labels[order]), np.arange(1, len(order) + 1)
    f1 = np.where(last, 2 * hits / (said + labels.sum()), -1.0)
    return float(held[int(np.argmax(f1))])
