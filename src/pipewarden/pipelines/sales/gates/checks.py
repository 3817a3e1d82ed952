"""What the training gate asks of a model document; thresholds stand in ``gate.yaml``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pipewarden as pw

GATE_FILE = Path(__file__).with_name("gate.yaml")
_MOST_EVIDENCE = 5
_LOOKED_AHEAD = 13


def gap_share(document: Mapping[str, Any]) -> pw.Measurement:
    """Return the share of weeks without a value."""
    return _share_of_weeks(document, "gaps", "have no value")


def outlier_share(document: Mapping[str, Any]) -> pw.Measurement:
    """Return the share of weeks far from those around them."""
    return _share_of_weeks(document, "outliers", "are far from those around them")


def _share_of_weeks(document: Mapping[str, Any], what: str, told: str) -> pw.Measurement:
    dataset = document["dataset"]
    count, weeks = dataset[what]["count"], dataset["weeks"]
    evidence = tuple(dataset[what]["weeks"][:_MOST_EVIDENCE])
    return pw.Measurement(round(count / weeks, 4), f"{count} of {weeks} weeks {told}", evidence)


def long_enough(document: Mapping[str, Any]) -> pw.Measurement:
    """Return whether there were weeks enough to choose a model by backtest."""
    parameters = document["parameters"]
    return pw.Measurement(not parameters["simple"], parameters["reason"])


def relative_mase(document: Mapping[str, Any]) -> pw.Measurement:
    """Return the backtest's absolute error in that of the better naive forecast."""
    return _relative(document, "relative_mase")


def relative_rmsse(document: Mapping[str, Any]) -> pw.Measurement:
    """Return the backtest's squared error in that of the better naive forecast."""
    return _relative(document, "relative_rmsse")


def held_out_relative_mase(document: Mapping[str, Any]) -> pw.Measurement:
    """Return the absolute error of the test weeks in that of the naive forecast."""
    return _relative(document, "held_out_relative_mase")


def _relative(document: Mapping[str, Any], name: str) -> pw.Measurement:
    value = document["metrics"].get(name)
    if value is None:
        raise pw.NotComputable("the naive forecast made no error to compare with")
    parameters = document["parameters"]
    return pw.Measurement(round(value, 6), f"{parameters['chosen']}: {parameters['reason']}")


def coverage_gap(document: Mapping[str, Any]) -> pw.Measurement:
    """Return how many percentage points the coverage of the test weeks is off its level."""
    coverage = document["metrics"]["coverage"]
    value = _known(coverage["value"])
    level = 100 * coverage["level"]
    told = f"{100 * value:.1f} % of the test weeks lie in intervals of {level:g} %"
    return pw.Measurement(round(100 * abs(value - coverage["level"]), 2), told)


def rmse(document: Mapping[str, Any]) -> float:
    """Return the root mean squared error of the test weeks, in units sold."""
    return _known(document["metrics"]["rmse"]["value"])


def mape(document: Mapping[str, Any]) -> float:
    """Return the mean absolute percentage error of the test weeks with sales."""
    return _known(document["metrics"]["mape"]["value"])


def _known(value: float | None) -> float:
    if value is None:
        raise pw.NotComputable("there is no test week that it could be computed on")
    return value


def forecasts(document: Mapping[str, Any]) -> pw.Measurement:
    """Return whether the artifact opens and forecasts numbers within their intervals."""
    from pipewarden.pipelines.sales.artifact import opened

    try:
        rows = opened(document).forecast(_LOOKED_AHEAD)
    except pw.BadInput as error:
        return pw.Measurement(False, error.message)
    wrong = tuple(
        row["ds"]
        for row in rows
        if not (math.isfinite(row["y_hat"]) and row["lo_95"] <= row["y_hat"] <= row["hi_95"])
    )
    return pw.Measurement(not wrong, f"{len(wrong)} steps are no forecast", wrong[:_MOST_EVIDENCE])


def artifact_bytes(document: Mapping[str, Any]) -> int:
    """Return the size of the artifact as JSON."""
    return len(json.dumps(document["artifact"], separators=(",", ":")))


_MEASURES = (
    gap_share,
    outlier_share,
    long_enough,
    relative_mase,
    relative_rmsse,
    held_out_relative_mase,
    coverage_gap,
    rmse,
    mape,
    forecasts,
    artifact_bytes,
)


def sales_gate(file: Path | None = None) -> pw.Gate:
    """Return the gate with the thresholds of a gate file, the shipped one by default.

    Raises
    ------
    InvalidSettings
        The gate file does not read or names what does not exist.
    """
    checks = [pw.Check(name=measure.__name__, measure=measure) for measure in _MEASURES]
    return pw.load_gate(pw.Gate(checks), file or GATE_FILE)
