"""The promotion gate: whether a forecaster should replace the deployed one now."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pipewarden as pw

PROMOTION_FILE = Path(__file__).with_name("promotion.yaml")
PRESETS = ("conservative", "default", "aggressive")


def relative_mase(evidence: Mapping[str, Any]) -> float:
    """Return the challenger's backtest error in that of the better naive forecast."""
    return _known(evidence, "relative_mase")


def coverage_gap(evidence: Mapping[str, Any]) -> float:
    """Return how many points the challenger's coverage is off its level."""
    return _known(evidence, "coverage_gap")


def error_change(evidence: Mapping[str, Any]) -> pw.Measurement:
    """Return by what share the absolute error rises if the challenger replaces the champion."""
    return _change(evidence, "error_change")


def squared_error_change(evidence: Mapping[str, Any]) -> pw.Measurement:
    """Return by what share the root mean squared error rises."""
    return _change(evidence, "squared_error_change")


def compared_weeks(evidence: Mapping[str, Any]) -> pw.Measurement:
    """Return the weeks that both were compared on and neither was fitted on."""
    return pw.Measurement(evidence["compared_weeks"], f"compared by {evidence['basis']}")


def disagreement(evidence: Mapping[str, Any]) -> float:
    """Return how far the two forecasts lie apart, in mean weekly changes of the series."""
    return _known(evidence, "disagreement")


def same_series(evidence: Mapping[str, Any]) -> bool:
    """Return whether both are models of the same series."""
    return bool(evidence["same_series"])


def _change(evidence: Mapping[str, Any], name: str) -> pw.Measurement:
    value = _known(evidence, name)
    return pw.Measurement(round(value, 6), f"{value:+.1%}, by {evidence['basis']}")


def _known(evidence: Mapping[str, Any], name: str) -> float:
    value = evidence.get(name)
    if value is None:
        raise pw.NotComputable("there is nothing that it could be computed on")
    return float(value)


_MEASURES = (
    relative_mase,
    coverage_gap,
    error_change,
    squared_error_change,
    compared_weeks,
    disagreement,
    same_series,
)


def sales_promotion_gate(preset: str = "default", file: Path | None = None) -> pw.Gate:
    """Return the promotion gate under a preset of a gate file, the shipped one by default.

    Raises
    ------
    UnknownName
        There is no such preset.
    InvalidSettings
        The gate file does not read or names what does not exist.
    """
    return _shipped(preset) if file is None else _gate(preset, file)


@functools.cache
def _shipped(preset: str) -> pw.Gate:
    """Read the shipped file once: a set of series asks for it hundreds of times in a row."""
    return _gate(preset, PROMOTION_FILE)


def _gate(preset: str, path: Path) -> pw.Gate:
    import yaml

    checks = [pw.Check(name=measure.__name__, measure=measure) for measure in _MEASURES]
    gate = pw.load_gate(pw.Gate(checks), path)
    presets = yaml.safe_load(path.read_text(encoding="utf-8")).get("presets") or {"default": {}}
    if preset not in presets:
        known = ", ".join(presets)
        raise pw.UnknownName(f"there is no preset {preset!r}", next_step=f"known presets: {known}")
    return gate.with_thresholds(presets[preset] or {})
