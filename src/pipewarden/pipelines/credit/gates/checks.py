"""What the training gate asks of a credit model; thresholds stand in ``gate.yaml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pipewarden as pw

GATE_FILE = Path(__file__).with_name("gate.yaml")
Document = Mapping[str, Any]


def enough_rows(document: Document) -> int:
    """Return the number of labelled rows."""
    return int(document["dataset"]["rows"])


def enough_positives(document: Document) -> int:
    """Return the number of positive rows."""
    return int(document["dataset"]["positives"])


def unlabelled_rows(document: Document) -> float:
    """Return the share of rows that had no label."""
    quality = document["dataset"]["quality"]
    return float(quality["unlabelled"] / max(1, quality["rows"]))


def wrong_types(document: Document) -> pw.Measurement:
    """Return the share of cells that do not read as their type."""
    return _of_cells(document, "wrong_type")


def out_of_range(document: Document) -> pw.Measurement:
    """Return the share of cells out of their range."""
    return _of_cells(document, "out_of_range")


def codes_for_missing(document: Document) -> pw.Measurement:
    """Return the share of codes for missing values, in the column with most of them."""
    return _worst_column(document, "codes")


def missing_values(document: Document) -> pw.Measurement:
    """Return the share of missing values, in the column with most of them."""
    return _worst_column(document, "missing")


def duplicate_rows(document: Document) -> float:
    """Return the share of rows that repeat another in everything."""
    return float(document["dataset"]["quality"]["duplicates"] / max(1, _rows(document)))


def unknown_columns(document: Document) -> pw.Measurement:
    """Return the number of columns that the description does not name."""
    names = tuple(document["dataset"]["quality"]["unknown_columns"])
    return pw.Measurement(len(names), f"not described: {', '.join(names)}", names)


def beats_trivial(document: Document) -> pw.Measurement:
    """Return the lower end of the gain in Brier score over one probability for all."""
    return _low(document["comparison"]["brier_gain_over_trivial"])


def beats_logistic(document: Document) -> float:
    """Return the gain in AUC over logistic regression."""
    return _number(document["comparison"]["auc_gain_over_logistic"]["value"], "the gain")


def beats_logistic_surely(document: Document) -> pw.Measurement:
    """Return the lower end of that gain."""
    return _low(document["comparison"]["auc_gain_over_logistic"])


def auc(document: Document) -> float:
    """Return the area under the curve on the test rows."""
    return _number(document["metrics"]["auc"]["value"], "AUC")


def calibration_error(document: Document) -> float:
    """Return the calibration error over cross-validated rows, of which there are most."""
    return _number(document["metrics"]["cv_ece"], "the calibration error")


def overfitting(document: Document) -> float:
    """Return by how much AUC is lower on the test rows than in cross-validation."""
    held = document["metrics"]
    return _number(held["cv_auc"], "AUC") - _number(held["auc"]["value"], "AUC")


def latency(document: Document) -> float:
    """Return the milliseconds that one row takes."""
    return _number((document.get("timings") or {}).get("predict_1_ms"), "the time of one row")


def size(document: Document) -> float:
    """Return the size of the trees as text, in MB."""
    return round(int(document["metrics"]["size_bytes"]) / 1e6, 3)


def explainable_signs(document: Document) -> pw.Measurement:
    """Return how many top features go against what is expected of them."""
    wrong = tuple(document["explanation"]["sign_conflicts"])
    return pw.Measurement(len(wrong), f"against expectation: {', '.join(wrong)}", wrong)


def explanation_stability(document: Document) -> float:
    """Return the share of top features that boosters of parts of the rows have in common."""
    return _number(document["explanation"]["stability"], "the stability")


def _rows(document: Document) -> int:
    return int(document["dataset"]["rows"])


def _of_cells(document: Document, fault: str) -> pw.Measurement:
    columns = document["dataset"]["quality"]["columns"]
    counts = {name: held[fault] for name, held in columns.items() if held.get(fault)}
    share = sum(counts.values()) / max(1, _rows(document) * len(columns))
    evidence = tuple(f"{name}: {count}" for name, count in counts.items())
    return pw.Measurement(round(share, 6), f"{sum(counts.values())} cells", evidence)


def _worst_column(document: Document, fault: str) -> pw.Measurement:
    columns = document["dataset"]["quality"]["columns"]
    count, name = max((held.get(fault, 0), name) for name, held in columns.items())
    return pw.Measurement(round(count / max(1, _rows(document)), 6), f"{count} in {name}")


def _low(held: Mapping[str, Any]) -> pw.Measurement:
    low = _number(held["low"], "the interval")
    return pw.Measurement(low, f"{held['value']} between {low} and {held['high']}")


def _number(value: Any, what: str) -> float:
    if value is None:
        raise pw.NotComputable(f"{what} has no value")
    return float(value)


_MEASURES: tuple[Callable[[Document], Any], ...] = (
    enough_rows,
    enough_positives,
    unlabelled_rows,
    wrong_types,
    out_of_range,
    codes_for_missing,
    missing_values,
    duplicate_rows,
    unknown_columns,
    beats_trivial,
    beats_logistic,
    beats_logistic_surely,
    auc,
    calibration_error,
    overfitting,
    latency,
    size,
    explainable_signs,
    explanation_stability,
)


def credit_gate(preset: str = "default", file: Path | None = None) -> pw.Gate:
    """Return the training gate with the thresholds of a preset.

    Raises
    ------
    InvalidSettings
        The gate file does not hold, or has no such preset.
    """
    from pipewarden.pipelines.credit.gates.presets import gate_of

    return gate_of(_MEASURES, file or GATE_FILE, preset)
