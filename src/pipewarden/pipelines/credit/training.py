"""Training: a table in, a model document out; for equal input, only its timings differ."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipewarden.pipelines.credit.data.description import TableDescription, load_description
from pipewarden.pipelines.credit.data.reading import read_table
from pipewarden.pipelines.credit.data.splitting import Split, split
from pipewarden.pipelines.credit.data.table import Table, fingerprint, table_of, with_levels_of
from pipewarden.pipelines.credit.evaluation.assessing import assessment
from pipewarden.pipelines.credit.evaluation.intervals import plain
from pipewarden.pipelines.credit.evaluation.scores import best_threshold
from pipewarden.pipelines.credit.fitting.boosting import merged
from pipewarden.pipelines.credit.fitting.fit import Fitted, fit
from pipewarden.pipelines.credit.model import FAMILY, FORMAT, CreditModel, baseline_rows
from pipewarden.pipelines.credit.settings import CreditSettings

SCHEMA_VERSION = "1.0"
_TIMED_ROWS, _TIMED_CALLS = 10_000, 200


def train(path: Path, settings: CreditSettings) -> dict[str, Any]:
    """Return the model document of a file.

    Raises
    ------
    BadInput
        The file is no table of the description, or has too few rows.
    InvalidSettings
        The description does not hold.
    MissingExtra
        The extra ``credit`` is not installed.
    """
    began = time.perf_counter()
    description = load_description(settings.description)
    table = table_of(read_table(path), description)
    parts = split(table, settings.validation_share, settings.test_share)
    dataset = _dataset(table, parts, description)
    table = with_levels_of(table, parts.training, description)
    fitted = fit(table.take(parts.training), description, settings)
    artifact = _artifact(fitted, table, parts, description)
    document = {
        "schema_version": SCHEMA_VERSION,
        "model": description.name,
        "family": FAMILY,
        "dataset": dataset,
        "parameters": _parameters(fitted, settings),
        **assessment(fitted, table, parts, artifact, settings),
        "signature": signature(description),
        "artifact": artifact,
    }
    seconds = time.perf_counter() - began
    document["timings"] = {"train_seconds": round(seconds, 3), **latencies(document)}
    return document


def _artifact(
    fitted: Fitted, table: Table, parts: Split, description: TableDescription
) -> dict[str, Any]:
    artifact = {
        "format": FORMAT,
        "booster": merged(fitted.boosters),
        "members": len(fitted.boosters),
        "description": description.model_dump(mode="json"),
        "levels": {name: list(levels) for name, levels in table.levels.items()},
        "calibration": {
            "method": "platt",
            "slope": fitted.calibration.slope,
            "intercept": fitted.calibration.intercept,
        },
        "threshold": 0.5,
    }
    validation = table.take(parts.validation)
    chances = CreditModel(artifact).probabilities(validation.values)
    artifact["threshold"] = best_threshold(validation.labels, chances)
    return artifact


def _dataset(table: Table, parts: Split, description: TableDescription) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint(table, description),
        "rows": len(table),
        "columns": list(description.columns),
        "target": description.target,
        "positives": int(table.labels.sum()),
        "split": {
            "by": parts.by,
            "training": len(parts.training),
            "validation": len(parts.validation),
            "test": len(parts.test),
        },
        "quality": dict(table.quality),
    }


def _parameters(fitted: Fitted, settings: CreditSettings) -> dict[str, Any]:
    found = fitted.found
    return {
        "boosting": {
            name: fitted.boosting.parameters[name] for name in sorted(fitted.boosting.parameters)
        },
        "rounds": fitted.held.rounds,
        "members": len(fitted.boosters),
        "seed": settings.seed,
        "search": {
            "method": "optuna-tpe",
            "criterion": "cross-validated log-loss",
            "trials": found.trials,
            "stopped_by": found.stopped,
            "loss": plain(found.loss),
            "start_loss": plain(found.start_loss),
            "chosen": found.chosen,
        },
    }


def signature(description: TableDescription) -> dict[str, Any]:
    """Return what the model takes and gives."""
    return {
        "inputs": [
            {
                "name": name,
                "type": column.type,
                "required": column.required,
                "minimum": column.minimum,
                "maximum": column.maximum,
            }
            for name, column in description.columns.items()
        ],
        "outputs": [
            {"name": "probability", "type": "number", "minimum": 0.0, "maximum": 1.0},
            {"name": "prediction", "type": "integer", "minimum": 0, "maximum": 1},
            {"name": "flags", "type": "array"},
        ],
        "missing": list(description.missing),
    }


def latencies(document: Mapping[str, Any]) -> dict[str, float]:
    """Return the milliseconds that one row and 10,000 rows of the baseline take."""
    model, held = CreditModel(document["artifact"]), document["baseline"]
    rows = baseline_rows(held, model)
    many = (rows * (_TIMED_ROWS // len(rows) + 1))[:_TIMED_ROWS]
    one = []
    for row in many[:_TIMED_CALLS]:
        began = time.perf_counter()
        model.predict([row])
        one.append(time.perf_counter() - began)
    began = time.perf_counter()
    model.predict(many)
    batch = time.perf_counter() - began
    return {
        "predict_1_ms": round(statistics.median(one) * 1e3, 4),
        "predict_10000_ms": round(batch * 1e3, 2),
    }
