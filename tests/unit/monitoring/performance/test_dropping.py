"""A version that is worse than at training: by enough, surely, and never by luck alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pipewarden.core.monitoring.observations import ObservationStatus, SubjectKind
from pipewarden.monitoring.performance.classifying import of_classifier
from pipewarden.monitoring.performance.dropping import DropRules, Reference, judge, references
from pipewarden.monitoring.performance.estimating import estimated
from pipewarden.monitoring.performance.figures import Figure, all_unknown
from pipewarden.monitoring.performance.observing import About, observed

BREACH, WARN, OK = ObservationStatus.BREACH, ObservationStatus.WARN, ObservationStatus.OK


def world(number, seed, mixed=0.0):
    """Return scores, labels and decisions; a share of the labels has nothing to do with scores."""
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-rng.normal(-1.5, 1.5, number)))
    chances = np.where(rng.random(number) < mixed, scores.mean(), scores)
    return scores, (rng.random(number) < chances).astype(float), scores >= 0.4


def at_training(seed=1_000):
    found = of_classifier(*world(5_000, seed), seed=0)
    document = {
        figure.metric.partition(".")[2]: {
            "value": figure.value, "low": figure.low, "high": figure.high, "level": 0.95
        }
        for figure in found
    }  # fmt: skip
    return references({**document, "rows": 5_000, "size_bytes": 12})


def statuses(judged):
    return {each.figure.metric.partition(".")[2]: each.status for each in judged}


def test_a_fallen_figure_is_a_breach_with_what_it_was_held_against():
    judged = judge(of_classifier(*world(2_000, 1, mixed=0.5), seed=0), at_training())
    assert statuses(judged)["auc"] == BREACH
    auc = judged[0]
    assert auc.threshold == pytest.approx(auc.evidence["at_training"] - 0.02)
    assert "is worse than the" in auc.reason
    assert auc.evidence["p_value"] < auc.evidence["p_needed"] == pytest.approx(0.01 / 5)


def test_half_a_relation_lost_is_found_in_every_window_and_nothing_in_a_stable_world():
    held = at_training()
    broken = [
        judge(of_classifier(*world(1_000, seed, mixed=0.4), seed=0), held) for seed in range(50)
    ]
    assert all(BREACH in statuses(judged).values() for judged in broken)
    # Held against other trainings, too: one figure at training has luck of its own.
    stable = [
        judge(of_classifier(*world(1_000, seed), seed=0), at_training(5_000 + seed))
        for seed in range(120)
    ]
    assert sum(BREACH in statuses(judged).values() for judged in stable) <= 2


def test_worse_but_perhaps_by_chance_is_a_warning_and_within_the_floor_nothing():
    held = {"performance.auc": Reference(value=0.80, low=0.78, high=0.82)}
    near = Figure(metric="performance.auc", rows=200, value=0.77, low=0.70, high=0.84)
    (warned,) = judge([near], held)
    assert (warned.status, "chance" in warned.reason) == (WARN, True)
    (fine,) = judge([replace(near, value=0.785)], held)
    assert (fine.status, fine.reason) == (OK, "")
    (better,) = judge([replace(near, value=0.9)], held)
    assert better.status == OK
    exact = Figure(metric="performance.auc", rows=9, value=0.7)
    (sure,) = judge([exact], {"performance.auc": Reference(value=0.8)})
    assert sure.status == BREACH


def test_an_estimate_warns_and_never_more():
    scores = np.full(4_000, 0.5)
    scores[::2] = 0.49
    found = judge(estimated(scores), at_training())
    assert statuses(found) == {
        "auc": WARN, "f1": ObservationStatus.NOT_COMPUTABLE, "brier": WARN
    }  # fmt: skip


def test_what_was_not_measured_at_training_or_has_no_rule_is_not_judged():
    found = [
        Figure(metric="performance.auc", rows=99, value=0.1),
        Figure(metric="proxy.entropy", rows=99, value=0.1),
        *all_unknown(["performance.f1"], 3, "too few labels"),
    ]
    held = {"performance.brier": Reference(value=0.1), "proxy.entropy": Reference(value=0.9)}
    judged = judge(found, held)
    assert [each.status for each in judged] == [OK, OK, ObservationStatus.NOT_COMPUTABLE]
    assert [each.threshold for each in judged] == [None] * 3
    assert judged[2].reason == "too few labels"


def test_a_forecast_is_held_against_a_share_of_its_error_and_the_promise_of_its_interval():
    held = references(
        {
            "rmse": {"value": 10.0, "low": 8.0, "high": 12.0},
            "mape": None,
            "coverage": {"value": 0.9, "low": 0.8, "high": 1.0, "level": 0.8},
            "held_out_relative_mase": 0.7,
        }
    )
    assert held["forecast.interval_coverage"] == Reference(value=0.8)
    assert set(held) == {
        "forecast.rmse", "forecast.interval_coverage", "forecast.relative_to_naive"
    }  # fmt: skip
    found = [
        Figure(metric="forecast.rmse", rows=30, value=20.0, low=18.0, high=22.0),
        Figure(metric="forecast.interval_coverage", rows=30, value=0.4, low=0.25, high=0.58),
        Figure(metric="forecast.relative_to_naive", rows=30, value=0.75, low=0.5, high=1.0),
    ]
    judged = judge(found, held)
    assert [each.status for each in judged] == [BREACH, BREACH, OK]
    assert [each.threshold for each in judged] == pytest.approx([12.0, 0.7, 0.77])


def test_rules_may_be_an_operators():
    rules = DropRules(alpha=0.5, floors={"performance.auc": 0.2}, shares={})
    figures = of_classifier(*world(2_000, 1, mixed=0.4), seed=0)
    judged = judge(figures, at_training(), rules)
    assert set(statuses(judged).values()) == {OK}
    assert [each.threshold is None for each in judged] == [False, *[True] * 5]


def test_every_figure_becomes_an_observation_with_coverage_and_age_beside_it():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    about = About(
        check_id="c", at=at, model="m", environment="production", version=3, window="24h",
        beside={"label_coverage": 0.4, "label_age_hours": 30.0},
    )  # fmt: skip
    figures = (*of_classifier(*world(2_000, 1, mixed=0.5), seed=0), *all_unknown(["x"], 1, "no"))
    told = observed(judge(figures, at_training()), about)
    assert len(told) == 7
    auc, unknown = told[0], told[-1]
    assert (auc.kind, auc.subject, auc.version, auc.window) == (SubjectKind.MODEL, "m", 3, "24h")
    assert (auc.status, auc.sample, auc.value) == (BREACH, 2_000, figures[0].value)
    assert auc.evidence["label_coverage"] == 0.4
    assert auc.evidence["low"] < auc.value < auc.evidence["high"]
    assert (unknown.status, unknown.value, unknown.reason) == (
        ObservationStatus.NOT_COMPUTABLE, None, "no"
    )  # fmt: skip
