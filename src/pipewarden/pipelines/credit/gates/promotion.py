"""The promotion gate: should this model take the champion's place now? See ``promotion.yaml``.

The subject is the evidence of `CreditFamily.compare`, to which whoever deploys adds
``days_since_promotion`` (None when nothing was promoted yet).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pipewarden as pw

GATE_FILE = Path(__file__).with_name("promotion.yaml")
Evidence = Mapping[str, Any]


def sample_validity(evidence: Evidence) -> int:
    """Return the labelled rows that the comparison stands on."""
    return int(_held(evidence, "labelled_rows"))


def label_coverage(evidence: Evidence) -> float:
    """Return the share of the rows that have a label."""
    return float(_held(evidence, "label_coverage"))


def cooldown(evidence: Evidence) -> float:
    """Return the days since the last promotion."""
    return float(_held(evidence, "days_since_promotion"))


def improvement(evidence: Evidence) -> pw.Measurement:
    """Return by how much F1 is better than the champion's, in proportion."""
    value = float(_held(evidence, "f1_improvement"))
    message = f"F1 {evidence.get('f1_champion')} → {evidence.get('f1_challenger')}"
    return pw.Measurement(value, message)


def improvement_certain(evidence: Evidence) -> pw.Measurement:
    """Return the lower end of the paired-bootstrap interval of the difference in F1."""
    gap = _held(evidence, "f1_difference")
    low = _held(evidence, "f1_difference_low")
    message = f"between {low} and {gap.get('high')} at {gap.get('level')}"
    return pw.Measurement(float(low), message)


def calibration(evidence: Evidence) -> float:
    """Return by how much the Brier score is worse than the champion's."""
    return float(_held(evidence, "brier_difference"))


def segment_fairness(evidence: Evidence) -> pw.Measurement:
    """Return the worst change of F1 in a segment, in proportion."""
    told = evidence.get("segments") or ()
    small = tuple(
        f"{row['name']} {row['value']}: {row['reason']}"
        for row in told
        if row.get("not_computable")
    )
    value = evidence.get("worst_segment_change")
    if value is None:
        raise pw.NotComputable("no segment is large enough: " + "; ".join(small))
    worst = [f"{row['name']} {row['value']}" for row in told if row.get("f1_change") == value]
    message = f"worst in {', '.join(worst)}; {len(small)} segments are too small to judge"
    return pw.Measurement(float(value), message, small)


def agreement(evidence: Evidence) -> float:
    """Return the share of rows that both decide alike."""
    return float(_held(evidence, "agreement"))


def score_distance(evidence: Evidence) -> float:
    """Return the Kolmogorov-Smirnov distance of both models' probabilities."""
    return float(_held(evidence, "score_distance"))


def data_quality(evidence: Evidence) -> float:
    """Return the share of training cells of a wrong type or out of range."""
    return float(_held(evidence, "faulty_cells"))


def latency(evidence: Evidence) -> float:
    """Return the milliseconds that one row takes."""
    return float(_held(evidence, "predict_1_ms"))


def size(evidence: Evidence) -> float:
    """Return the size of the trees as text, in MB."""
    return round(int(_held(evidence, "size_bytes")) / 1e6, 3)


def explainable_signs(evidence: Evidence) -> pw.Measurement:
    """Return how many top features go against what is expected of them."""
    wrong = tuple(_held(evidence, "sign_conflicts"))
    return pw.Measurement(len(wrong), f"against expectation: {', '.join(wrong)}", wrong)


def explanation_stability(evidence: Evidence) -> float:
    """Return the share of top features that models of parts of the data have in common."""
    return float(_held(evidence, "explanation_stability"))


def beats_trivial(evidence: Evidence) -> float:
    """Return the lower end of the gain in Brier score over one probability for all."""
    return float(_held(evidence, "brier_gain_over_trivial_low"))


def ranks_at_all(evidence: Evidence) -> float:
    """Return the lower end of the interval of AUC."""
    return float(_held(evidence, "auc_low"))


def _held(evidence: Evidence, name: str) -> Any:
    value = evidence.get(name)
    if value is None:
        raise pw.NotComputable(f"the evidence has no {name}")
    return value


_MEASURES: tuple[Callable[[Evidence], Any], ...] = (
    sample_validity,
    label_coverage,
    cooldown,
    improvement,
    improvement_certain,
    calibration,
    segment_fairness,
    agreement,
    score_distance,
    data_quality,
    latency,
    size,
    explainable_signs,
    explanation_stability,
    beats_trivial,
    ranks_at_all,
)


def promotion_gate(preset: str = "default", file: Path | None = None) -> pw.Gate:
    """Return the gate with the thresholds of a preset.

    Raises
    ------
    InvalidSettings
        The preset does not exist, or the gate file does not hold.
    """
    from pipewarden.pipelines.credit.gates.presets import gate_of

    return gate_of(_MEASURES, file or GATE_FILE, preset)
