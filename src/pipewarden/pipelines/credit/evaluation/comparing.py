"""A challenger beside the champion, on the challenger's labelled rows: evidence for the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.credit.data.table import Numbers
from pipewarden.pipelines.credit.evaluation.intervals import interval, plain, resamples
from pipewarden.pipelines.credit.evaluation.scores import Scored, f1_of, metrics_of
from pipewarden.pipelines.credit.evaluation.segments import groups, too_small
from pipewarden.pipelines.credit.model import CreditModel, baseline_rows, open_model

_RESAMPLES, _LEVEL, _SEED = 1_000, 0.95, 20_111
_SEGMENT_ROWS, _SEGMENT_POSITIVES = 100, 10
_BINS = 10
_FLOOR = 1e-4


def compared(challenger: Mapping[str, Any], champion: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the evidence, by name.

    Rows are the challenger's frozen ones. Their labels may be null where they are not known yet:
    ``label_coverage`` is the share that have one. Where the champion was trained on some of these
    rows the comparison favours it, never the challenger.
    """
    model = open_model(challenger)
    rows = baseline_rows(challenger["baseline"], model)
    labels = np.array(
        [np.nan if label is None else float(label) for label in challenger["baseline"]["labels"]]
    )
    values, _ = model.read(rows)
    chances = model.probabilities(values)
    known = ~np.isnan(labels)
    ours = Scored(labels[known], chances[known], model.threshold)
    evidence = _of_itself(challenger, labels) | _trivially(ours)
    evidence["first_deployment"] = champion is None
    if champion is None:
        return evidence
    other = open_model(champion)
    if set(other.description.columns) != set(model.description.columns):
        raise pw.BadInput("other_features", "the champion and the challenger take other features")
    theirs_values, _ = other.read(rows)
    theirs_chances = other.probabilities(theirs_values)
    theirs = Scored(labels[known], theirs_chances[known], other.threshold)
    evidence |= _improvement(ours, theirs)
    read = ((model, values[known]), (other, theirs_values[known]))
    evidence |= _segments(_groups(read), ours, theirs)
    evidence |= _agreement(chances, theirs_chances, model.threshold, other.threshold)
    return evidence


def _of_itself(challenger: Mapping[str, Any], labels: Numbers) -> dict[str, Any]:
    """Return what the challenger's own document says."""
    told, timings = challenger.get("explanation") or {}, challenger.get("timings") or {}
    labelled = int((~np.isnan(labels)).sum())
    quality = challenger["dataset"]["quality"]
    cells = max(1, quality["rows"] * len(quality["columns"]))
    faults = sum(
        column.get("wrong_type", 0) + column.get("out_of_range", 0)
        for column in quality["columns"].values()
    )
    return {
        "rows": len(labels),
        "labelled_rows": labelled,
        "label_coverage": labelled / max(1, len(labels)),
        "faulty_cells": faults / cells,
        "unknown_columns": len(quality["unknown_columns"]),
        "predict_1_ms": timings.get("predict_1_ms"),
        "size_bytes": len(str(challenger["artifact"]["booster"]).encode()),
        "top_features": list(told.get("top", ())),
        "sign_conflicts": told.get("sign_conflicts"),
        "explanation_stability": told.get("stability"),
    }


def _trivially(ours: Scored) -> dict[str, Any]:
    """Return how much better the challenger is than one probability for every row."""
    if not len(ours.labels):
        return {"brier_gain_over_trivial_low": None, "auc_low": None}
    weights = resamples(len(ours.labels), _RESAMPLES, _SEED)
    drawn = metrics_of(ours, weights)
    rates = (weights @ ours.labels) / weights.sum(axis=1)
    gain = rates * (1 - rates) - drawn["brier"]
    rate = float(ours.labels.mean())
    brier = float(metrics_of(ours)["brier"][0])
    return {
        "brier_gain_over_trivial_low": interval(rate * (1 - rate) - brier, gain, _LEVEL)["low"],
        "auc_low": interval(0.0, drawn["auc"], _LEVEL)["low"],
    }


def _improvement(ours: Scored, theirs: Scored) -> dict[str, Any]:
    if not len(ours.labels):
        return {}
    weights = resamples(len(ours.labels), _RESAMPLES, _SEED)
    one, two = metrics_of(ours), metrics_of(theirs)
    drawn, drawn_two = metrics_of(ours, weights), metrics_of(theirs, weights)
    gap = interval(float(one["f1"][0] - two["f1"][0]), drawn["f1"] - drawn_two["f1"], _LEVEL)
    auc = interval(float(one["auc"][0] - two["auc"][0]), drawn["auc"] - drawn_two["auc"], _LEVEL)
    return {
        "f1_challenger": plain(one["f1"][0]),
        "f1_champion": plain(two["f1"][0]),
        "f1_improvement": plain(relative(float(one["f1"][0]), float(two["f1"][0]))),
        "f1_difference": gap,
        "f1_difference_low": gap["low"],
        "auc_difference": auc,
        "brier_difference": plain(one["brier"][0] - two["brier"][0]),
    }


def relative(ours: float, theirs: float) -> float:
    """Return the change in proportion; from 0, 1 for any gain, so that 0 can be beaten."""
    if theirs == 0:
        return 1.0 if ours > 0 else 0.0
    return (ours - theirs) / theirs


def _groups(read: Iterable[tuple[CreditModel, Numbers]]) -> Iterator[tuple[str, str, Any]]:
    """Yield the groups that either model declares, once: a challenger cannot drop the question."""
    seen = set()
    for model, values in read:
        for column, name, inside in groups(values, model.description, model.levels):
            key = (column, name, inside.tobytes())
            if key not in seen:
                seen.add(key)
                yield column, name, inside


def _segments(
    parts: Iterable[tuple[str, str, Any]], ours: Scored, theirs: Scored
) -> dict[str, Any]:
    told: list[dict[str, Any]] = []
    for column, name, inside in parts:
        one, two = ours.take(inside), theirs.take(inside)
        rows, positives = len(one.labels), int(one.labels.sum())
        entry: dict[str, Any] = {"name": column, "value": name, "rows": rows}
        reason = too_small(rows, positives, _SEGMENT_ROWS, _SEGMENT_POSITIVES)
        if reason:
            told.append(entry | {"not_computable": True, "reason": reason})
            continue
        once = np.ones((1, rows))
        scores = [
            float(f1_of(s.labels, s.probabilities >= s.threshold, once)[0]) for s in (one, two)
        ]
        change = plain(relative(*scores))
        told.append(
            entry
            | {
                "f1_challenger": plain(scores[0]),
                "f1_champion": plain(scores[1]),
                "f1_change": change,
            }
        )
    changes = [entry["f1_change"] for entry in told if "f1_change" in entry]
    return {
        "segments": told,
        "segments_asked": len(told),
        "worst_segment_change": min(changes) if changes else None,
        "segments_not_computable": sum("reason" in entry for entry in told),
    }


def _agreement(ours: Numbers, theirs: Numbers, threshold: float, other: float) -> dict[str, Any]:
    """Return how alike the answers are: decisions in common, and the distance of the scores."""
    same = float(np.mean((ours >= threshold) == (theirs >= other)))
    points = np.sort(np.concatenate([ours, theirs]))
    below = [np.searchsorted(np.sort(s), points, side="right") / len(s) for s in (ours, theirs)]
    return {
        "agreement": plain(same),
        "score_distance": plain(float(np.abs(below[0] - below[1]).max())),
        "score_stability_index": plain(stability_index(ours, theirs)),
    }


def stability_index(new: Numbers, old: Numbers) -> float:
    """Return the population stability index of scores over the tenths of the old ones."""
    edges = np.unique(np.quantile(old, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = [
        np.maximum(
            np.bincount(np.searchsorted(edges, s), minlength=len(edges) + 1) / len(s), _FLOOR
        )
        for s in (new, old)
    ]
    return float(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))
