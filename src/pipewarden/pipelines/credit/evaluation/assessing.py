"""The assessment of a fitted model, as its document states it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipewarden.pipelines.credit.data.description import TableDescription
from pipewarden.pipelines.credit.data.splitting import Split, folds
from pipewarden.pipelines.credit.data.table import Numbers, Table
from pipewarden.pipelines.credit.evaluation.explaining import explanation
from pipewarden.pipelines.credit.evaluation.intervals import (
    interval,
    plain,
    resamples,
    with_intervals,
)
from pipewarden.pipelines.credit.evaluation.scores import (
    METRICS,
    Scored,
    calibration_curve,
    curves,
    metrics_of,
)
from pipewarden.pipelines.credit.evaluation.segments import by_segment
from pipewarden.pipelines.credit.fitting.features import expanded, matrix
from pipewarden.pipelines.credit.fitting.fit import Fitted
from pipewarden.pipelines.credit.fitting.logistic import Calibration
from pipewarden.pipelines.credit.model import CreditModel
from pipewarden.pipelines.credit.settings import CreditSettings

_EXPLAINED_ROWS = 1_000


def assessment(
    fitted: Fitted,
    table: Table,
    parts: Split,
    artifact: Mapping[str, Any],
    settings: CreditSettings,
) -> dict[str, Any]:
    """Return what the model document says of quality: on test rows, and in cross-validation."""
    model, held = CreditModel(artifact), settings.evaluation
    test, training = table.take(parts.test), table.take(parts.training)
    scored = Scored(test.labels, model.probabilities(test.values), model.threshold, held.bins)
    weights = resamples(len(test), held.resamples, settings.seed)
    features = matrix(test.values, model.description)
    kept = np.flatnonzero(_servable(test.values, model.description))
    sample = np.sort(kept[np.argsort(test.hashes[kept], kind="stable")[: held.baseline_rows]])
    metrics: dict[str, Any] = with_intervals(scored, weights, held.level)
    metrics |= {"rows": len(test), "positives": int(test.labels.sum())}
    metrics["size_bytes"] = len(str(artifact["booster"]).encode())
    cross = _cross_validation(fitted, training, settings)
    metrics |= {f"cv_{name}": cross["mean"][name] for name in ("auc", "brier", "ece")}
    return {
        "metrics": metrics,
        "comparison": _comparison(fitted, scored, weights, test, model, settings),
        "cross_validation": cross,
        "calibration_curve": calibration_curve(scored),
        "curves": curves(scored),
        "segments": by_segment(
            scored, test.values, model.description, model.levels, held, settings.seed
        ),
        "explanation": explanation(
            fitted.boosters, fitted.held.boosters, features[:_EXPLAINED_ROWS], model.description
        ),
        "baseline": _baseline(test.take(sample), scored.probabilities[sample], model),
    }


def _cross_validation(fitted: Fitted, training: Table, settings: CreditSettings) -> dict[str, Any]:
    """Return the metrics of each fold, calibrated on the other folds, and their means."""
    fold, scores = folds(training, settings.fit.folds), fitted.held.scores
    told = []
    for number in range(settings.fit.folds):
        inside = fold == number
        calibration = Calibration.of(scores[~inside], training.labels[~inside])
        chances = calibration.probabilities(scores[inside])
        scored = Scored(training.labels[inside], chances, 0.5, settings.evaluation.bins)
        told.append(
            {name: plain(value[0]) for name, value in metrics_of(scored).items() if name != "f1"}
        )
    names = [name for name in METRICS if name != "f1"]
    mean = {name: plain(float(np.mean([row[name] for row in told]))) for name in names}
    return {"folds": told, "mean": mean, "rows": len(training)}


def _comparison(
    fitted: Fitted,
    scored: Scored,
    weights: Numbers,
    test: Table,
    model: CreditModel,
    settings: CreditSettings,
) -> dict[str, Any]:
    """Return what the logistic baseline and no model at all do on the same test rows."""
    level = settings.evaluation.level
    inputs = expanded(matrix(test.values, model.description), model.description, test.levels)
    logistic = Scored(
        test.labels, fitted.logistic.probabilities(inputs), scored.threshold, scored.bins
    )
    constant = np.full(len(test), fitted.rate)
    trivial = Scored(test.labels, constant, 0.0, scored.bins)
    ours, theirs, none = (metrics_of(s, weights) for s in (scored, logistic, trivial))
    point = {
        name: metrics_of(s)
        for name, s in (("ours", scored), ("logistic", logistic), ("trivial", trivial))
    }

    def gain(name: str, other: str, drawn: Mapping[str, Numbers], sign: float) -> dict[str, Any]:
        value = sign * float(point["ours"][name][0] - point[other][name][0])
        return interval(value, sign * (ours[name] - drawn[name]), level)

    return {
        "logistic": with_intervals(logistic, weights, level)
        | {"fitted": fitted.logistic.as_dict()},
        "trivial": {name: plain(point["trivial"][name][0]) for name in METRICS}
        | {"rate": plain(fitted.rate)},
        "auc_gain_over_logistic": gain("auc", "logistic", theirs, 1.0),
        "brier_gain_over_logistic": gain("brier", "logistic", theirs, -1.0),
        "brier_gain_over_trivial": gain("brier", "trivial", none, -1.0),
        "f1_gain_over_trivial": gain("f1", "trivial", none, 1.0),
    }


def _baseline(sample: Table, scores: Numbers, model: CreditModel) -> dict[str, Any]:
    """Return the rows that are frozen with the model, and how windows are compared with them.

    A row is its features, its label and its score. Beside them stand the codes for a missing value
    and the groups whose shares of the rows are watched.
    """
    return {
        "columns": list(model.description.columns),
        "rows": [_shown(row, model) for row in sample.values.tolist()],
        "labels": [int(label) for label in sample.labels],
        "scores": scores.tolist(),
        "missing_codes": {
            name: list(column.missing_codes)
            for name, column in model.description.columns.items()
            if column.missing_codes
        },
        "segments": {
            segment.column: list(segment.bounds) for segment in model.description.segments
        },
    }


def _servable(values: Numbers, description: TableDescription) -> Any:
    """Return which rows the model would answer: a required value is there, or a code for none."""
    needed = [
        column.required and not column.missing_codes for column in description.columns.values()
    ]
    return ~np.isnan(values[:, needed]).any(axis=1)


def _shown(row: list[float], model: CreditModel) -> list[Any]:
    """Return numbers as a table has them: whole ones whole, codes, categories as text."""
    out: list[Any] = []
    for value, (name, column) in zip(row, model.description.columns.items(), strict=True):
        if math.isnan(value):
            code = column.missing_codes[0] if column.missing_codes else None
            out.append(code if code is None or code % 1 else int(code))
        elif column.type == "category":
            out.append(model.levels[name][int(value)])
        else:
            out.append(int(value) if value % 1 == 0 and abs(value) < 2**53 else value)
    return out
