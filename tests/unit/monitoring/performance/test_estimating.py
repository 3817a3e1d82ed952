"""Performance before any label came, and what can be seen of answers alone."""

from __future__ import annotations

import numpy as np
import pytest

from pipewarden.monitoring.performance.classifying import of_classifier
from pipewarden.monitoring.performance.estimating import METRICS, Calibration, estimated
from pipewarden.monitoring.performance.labelling import of_labels
from pipewarden.monitoring.performance.proxies import agreement, of_answers


def chances(number, seed=0, middle=-1.5):
    rng = np.random.default_rng(seed)
    return 1 / (1 + np.exp(-rng.normal(middle, 1.5, number))), rng


def named(figures):
    return {figure.metric: figure for figure in figures}


def true(p, decided, labels):
    found = named(of_classifier(p, labels, decided, seed=0))
    return {name: found[f"performance.{name.partition('.')[2]}"].value for name in METRICS}


@pytest.mark.parametrize("middle", [-1.5, 0.5])
def test_of_calibrated_scores_the_estimate_is_what_the_labels_then_give(middle):
    p, rng = chances(60_000, middle=middle)
    decided = p >= 0.4
    found = named(estimated(p, decided))
    labels = (rng.random(len(p)) < p).astype(float)
    for name, value in true(p, decided, labels).items():
        assert found[name].value == pytest.approx(value, abs=0.006), name


def test_the_expected_auc_is_that_of_all_pairs():
    p = np.r_[chances(60)[0], 0.5, 0.5, 0.5]
    wins = (p[:, None] > p) + (p[:, None] == p) / 2
    weight = p[:, None] * (1 - p)
    np.fill_diagonal(weight, 0.0)
    found = named(estimated(p))["estimated.auc"]
    assert found.value == pytest.approx((wins * weight).sum() / weight.sum())


def test_the_interval_holds_what_the_labels_give_about_as_often_as_it_says():
    p, rng = chances(600)
    decided = p >= 0.4
    found = named(estimated(p, decided))
    drawn = [true(p, decided, (rng.random(600) < p).astype(float)) for _ in range(300)]
    for name, figure in found.items():
        held = np.mean([figure.low <= one[name] <= figure.high for one in drawn])
        assert 0.90 <= held <= 0.99, name


def test_chances_may_be_other_than_the_scores():
    p, rng = chances(60_000)
    skewed = p**2
    labels = (rng.random(len(p)) < p).astype(float)
    found, value = named(estimated(skewed, chances=p)), true(skewed, None, labels)
    assert found["estimated.auc"].value == pytest.approx(value["estimated.auc"], abs=0.006)
    assert found["estimated.brier"].value == pytest.approx(value["estimated.brier"], abs=0.006)
    blind = named(estimated(skewed))["estimated.brier"].value
    assert abs(blind - value["estimated.brier"]) > 0.02


def test_a_changed_relation_of_scores_and_labels_is_not_seen_and_the_assumption_is_stated():
    p, rng = chances(20_000)
    found = named(estimated(p, p >= 0.4))
    upside_down = true(p, p >= 0.4, (rng.random(len(p)) < 1 - p).astype(float))
    assert found["estimated.auc"].value > 0.8 > upside_down["estimated.auc"]
    assert all("calibrated" in figure.evidence["assumes"] for figure in found.values())


@pytest.mark.parametrize(
    ("scores", "calibration", "reason"),
    [
        (np.full(9, 0.5), None, "too few rows: 9"),
        (np.linspace(0, 3, 99), None, "no probabilities"),
        (np.full(99, 0.01), None, "rarer class are to be expected: 1.0"),
        (np.full(99, 0.5), Calibration(error=0.2), "calibration error was 0.200"),
    ],
)
def test_what_cannot_be_estimated_says_why(scores, calibration, reason):
    found = estimated(scores, calibration=calibration)
    assert [figure.metric for figure in found] == list(METRICS)
    assert all(figure.value is None and reason in figure.reason for figure in found)


def test_without_decisions_only_f1_is_unknown():
    found = named(estimated(chances(500)[0]))
    assert [name for name, figure in found.items() if figure.value is None] == ["estimated.f1"]


def test_answers_alone_show_their_rate_mean_entropy_and_confidence():
    scores = np.r_[np.full(50, 0.0), np.full(30, 0.5), np.full(20, 1.0), np.nan]
    found = named(of_answers(scores, np.r_[np.zeros(50), np.ones(50), 0]))
    values = {name.partition(".")[2]: figure.value for name, figure in found.items()}
    assert values == pytest.approx(
        {"positive_rate": 0.5, "score_mean": 0.35, "entropy": 0.3, "confidence": 0.85}
    )
    assert found["proxy.score_mean"].evidence["q0.5"] == 0.25
    assert found["proxy.score_mean"].low < 0.35 < found["proxy.score_mean"].high
    assert of_answers(scores[:5])[1].reason.startswith("too few answers: 5")
    assert "no probabilities" in of_answers(scores + 3)[0].reason


def test_two_versions_agree_on_the_rows_that_both_answered():
    ours, theirs = np.array([1, 0, 1, 1, np.nan]), np.array([1, 1, 1, np.nan, 0])
    found = agreement(ours, theirs)
    assert (found.value, found.rows) == (pytest.approx(2 / 3), 3)
    assert agreement(ours[4:], theirs[4:]).reason == "no row was answered by both versions"


def test_coverage_and_age_of_labels():
    coverage, age = of_labels(200, 50, np.arange(1, 51) * 3600.0, repeated=3)
    assert (coverage.value, coverage.evidence) == (0.25, {"labelled": 50, "repeated": 3})
    assert 0.19 < coverage.low < 0.25 < coverage.high < 0.32
    assert (age.value, age.rows, age.low) == (25.5, 50, None)
    none, no_age = of_labels(0, 0, np.empty(0))
    assert (none.value, no_age.value) == (None, None)
    assert none.reason
    assert no_age.reason
