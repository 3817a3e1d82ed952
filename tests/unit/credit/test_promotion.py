"""Whether a challenger takes the champion's place, and on which evidence."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

import pipewarden as pw
from pipewarden.pipelines.credit.family import CreditFamily
from pipewarden.pipelines.credit.gates.promotion import promotion_gate

Document = dict[str, Any]
FAMILY = CreditFamily()

#: Evidence that nothing can be said against.
SOUND: dict[str, Any] = {
    "first_deployment": False,
    "days_since_promotion": 30.0,
    "labelled_rows": 1_000,
    "label_coverage": 1.0,
    "f1_champion": 0.40,
    "f1_challenger": 0.42,
    "f1_improvement": 0.05,
    "f1_difference": {"value": 0.02, "low": 0.005, "high": 0.03, "level": 0.95},
    "f1_difference_low": 0.005,
    "brier_difference": -0.001,
    "segments": [{"name": "age", "value": "<30", "rows": 300, "f1_change": 0.01}],
    "segments_asked": 1,
    "worst_segment_change": 0.01,
    "agreement": 0.97,
    "score_distance": 0.03,
    "faulty_cells": 0.0,
    "predict_1_ms": 0.1,
    "size_bytes": 500_000,
    "sign_conflicts": [],
    "explanation_stability": 0.8,
    "brier_gain_over_trivial_low": 0.01,
    "auc_low": 0.8,
}


def poor(document: Document, share: float = 0.5) -> Document:
    """A champion that answers at random for its rows: its score is bent and noisy."""
    spoilt = copy.deepcopy(document)
    spoilt["artifact"]["calibration"] = {"slope": 0.05, "intercept": -1.5}
    spoilt["artifact"]["threshold"] = 0.18
    return spoilt


def test_sound_evidence_passes() -> None:
    verdict = promotion_gate().evaluate(SOUND)
    assert verdict.status == "PASS", verdict.misses


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"labelled_rows": 199}, "sample_validity"),
        ({"label_coverage": 0.29}, "label_coverage"),
        ({"days_since_promotion": 6.9}, "cooldown"),
        ({"days_since_promotion": None}, "cooldown"),
        ({"f1_improvement": 0.019}, "improvement"),
        ({"f1_improvement": None}, "improvement"),
        ({"f1_difference_low": -0.001}, "improvement_certain"),
        ({"brier_difference": 0.011}, "calibration"),
        ({"worst_segment_change": -0.06}, "segment_fairness"),
        ({"worst_segment_change": None}, "segment_fairness"),
        ({"faulty_cells": 0.02}, "data_quality"),
        ({"predict_1_ms": 40}, "latency"),
        ({"predict_1_ms": None}, "latency"),
        ({"size_bytes": 60_000_000}, "size"),
        ({"sign_conflicts": ["age"]}, "explainable_signs"),
        ({"explanation_stability": 0.2}, "explanation_stability"),
    ],
)
def test_each_lack_refuses_the_promotion(change: dict[str, Any], check: str) -> None:
    verdict = promotion_gate().evaluate({**SOUND, **change})
    assert verdict.status == "FAIL"
    assert verdict.reason == check


@pytest.mark.parametrize("change", [{"agreement": 0.5}, {"score_distance": 0.6}])
def test_a_model_that_heals_may_disagree(change: dict[str, Any]) -> None:
    assert promotion_gate().evaluate({**SOUND, **change}).status == "WARN"


def test_the_presets_differ_in_strictness() -> None:
    doubtful = {**SOUND, "f1_improvement": 0.03, "days_since_promotion": 10, "labelled_rows": 300}
    assert promotion_gate("conservative").evaluate(doubtful).status == "FAIL"
    assert promotion_gate("default").evaluate(doubtful).status == "PASS"
    assert promotion_gate("aggressive").evaluate({**doubtful, "f1_improvement": 0.01}).status == (
        "PASS"
    )
    with pytest.raises(pw.InvalidSettings, match="no preset"):
        FAMILY.promotion_gate("reckless")


def test_the_first_deployment_must_beat_having_no_model(document: Document) -> None:
    evidence = dict(FAMILY.compare(document, None))
    assert evidence["first_deployment"]
    assert evidence["auc_low"] > 0.5
    gate = FAMILY.promotion_gate("aggressive")
    names = [finding.check for finding in gate.evaluate(evidence).findings]
    assert "beats_trivial" in names
    assert "improvement" not in names
    assert "cooldown" not in names
    worse = {**evidence, "brier_gain_over_trivial_low": -0.01}
    assert "beats_trivial" in gate.evaluate(worse).reason


def test_a_model_is_no_better_than_itself(document: Document) -> None:
    evidence = FAMILY.compare(document, copy.deepcopy(document))
    assert evidence["f1_improvement"] == 0
    assert evidence["f1_difference"] == {"value": 0, "low": 0, "high": 0, "level": 0.95}
    assert evidence["agreement"] == 1
    assert evidence["score_distance"] == evidence["brier_difference"] == 0
    verdict = promotion_gate().evaluate({**evidence, "days_since_promotion": 30})
    assert verdict.status == "FAIL"
    assert "improvement" in verdict.reason.split(", ")


def test_the_evidence_is_the_same_every_time_and_plain(document: Document) -> None:
    champion = poor(document)
    once, again = (FAMILY.compare(document, champion) for _ in range(2))
    assert json.dumps(once, allow_nan=False) == json.dumps(again, allow_nan=False)
    assert once["f1_difference"]["low"] <= once["f1_difference"]["value"]
    assert once["f1_difference"]["value"] <= once["f1_difference"]["high"]
    assert 0 < once["score_distance"] <= 1


def test_a_champion_that_never_says_yes_can_be_beaten(document: Document) -> None:
    champion = copy.deepcopy(document)
    champion["artifact"]["threshold"] = 2.0
    evidence = FAMILY.compare(document, champion)
    assert evidence["f1_champion"] == 0
    assert evidence["f1_improvement"] == 1.0
    assert evidence["f1_difference_low"] > 0


def test_rows_without_a_label_count_against_coverage_only(document: Document) -> None:
    waiting = copy.deepcopy(document)
    labels = waiting["baseline"]["labels"]
    labels[: len(labels) // 2] = [None] * (len(labels) // 2)
    evidence = FAMILY.compare(waiting, document)
    assert evidence["label_coverage"] == pytest.approx(0.5, abs=0.01)
    assert evidence["labelled_rows"] == len(labels) - len(labels) // 2
    waiting["baseline"]["labels"] = [None] * len(labels)
    bare = {**FAMILY.compare(waiting, document), "days_since_promotion": 30}
    reasons = promotion_gate().evaluate(bare).reason.split(", ")
    assert {"sample_validity", "label_coverage", "improvement"} <= set(reasons)


def test_models_of_other_features_are_not_compared(document: Document) -> None:
    other = copy.deepcopy(document)
    held = other["artifact"]["description"]
    held["columns"]["years"] = held["columns"].pop("age")
    held["segments"] = []
    with pytest.raises(pw.BadInput, match="other features"):
        FAMILY.compare(document, other)


def test_small_segments_are_reported_with_their_reason(document: Document) -> None:
    evidence = FAMILY.compare(document, poor(document))
    small = [row for row in evidence["segments"] if row.get("not_computable")]
    assert len(evidence["segments"]) == evidence["segments_asked"]
    assert len(small) == evidence["segments_not_computable"]
    assert all("needed" in row["reason"] for row in small)


@pytest.mark.parametrize("silent", ["challenger", "champion"])
def test_segments_are_asked_that_only_one_of_the_two_declares(
    document: Document, silent: str
) -> None:
    pair = {"challenger": copy.deepcopy(document), "champion": poor(document)}
    pair[silent]["artifact"]["description"]["segments"] = []
    evidence = FAMILY.compare(pair["challenger"], pair["champion"])
    assert {row["name"] for row in evidence["segments"]} == {"age"}
    assert evidence["segments_asked"] == len({row["value"] for row in evidence["segments"]}) > 1
    findings = promotion_gate().evaluate({**evidence, "days_since_promotion": 30}).findings
    assert "segment_fairness" in {finding.check for finding in findings}


@pytest.mark.parametrize("lost", ["sign_conflicts", "explanation"])
def test_signs_that_were_never_looked_at_are_not_taken_for_right(
    document: Document, lost: str
) -> None:
    silent = copy.deepcopy(document)
    place = silent if lost == "explanation" else silent["explanation"]
    del place[lost]
    verdict = promotion_gate().evaluate(FAMILY.compare(silent, None))
    assert "explainable_signs" in verdict.reason.split(", ")


@pytest.mark.parametrize(
    ("place", "problem"), [("scores", "differ from those stored"), ("rows", "no rows")]
)
def test_a_smoke_test_tells_what_is_wrong(document: Document, place: str, problem: str) -> None:
    spoilt = copy.deepcopy(document)
    held = spoilt["baseline"]
    held[place] = list(np.array(held["scores"]) + 0.01) if place == "scores" else []
    evidence = FAMILY.smoke(spoilt, FAMILY.open(spoilt))
    assert problem in "; ".join(evidence["problems"])
