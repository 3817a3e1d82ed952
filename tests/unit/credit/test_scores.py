"""Metrics are what their definitions say, with ties and weights; intervals hold what they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.pipelines.credit.evaluation.comparing import relative, stability_index
from pipewarden.pipelines.credit.evaluation.intervals import interval, resamples, with_intervals
from pipewarden.pipelines.credit.evaluation.scores import (
    METRICS,
    Scored,
    best_threshold,
    calibration_curve,
    curves,
    metrics_of,
)
from pipewarden.pipelines.credit.fitting.logistic import (
    Calibration,
    LogisticBaseline,
    fitted,
    sigmoid,
)
from pipewarden.pipelines.credit.fitting.search import beyond_chance

#: Few distinct probabilities, so that ties are common.
ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.99, 1.0])),
    min_size=2,
    max_size=25,
).filter(lambda rows: 0 < sum(label for label, _ in rows) < len(rows))


def scored(rows: list[tuple[int, float]], threshold: float = 0.5) -> Scored:
    labels, chances = zip(*rows, strict=True)
    return Scored(np.array(labels, dtype=float), np.array(chances), threshold)


@settings(max_examples=40)
@given(ROWS)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, float]]) -> None:
    pairs = [(p, n) for yes, p in rows for no, n in rows if yes == 1 and no == 0]
    right = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs)
    assert metrics_of(scored(rows))["auc"][0] == pytest.approx(right / len(pairs))


@settings(max_examples=40)
@given(ROWS)
def test_pr_auc_is_the_average_precision(rows: list[tuple[int, float]]) -> None:
    real, total, before = sum(label for label, _ in rows), 0.0, 0.0
    for cut in sorted({p for _, p in rows}, reverse=True):
        taken = [label for label, p in rows if p >= cut]
        recall = sum(taken) / real
        total += (recall - before) * sum(taken) / len(taken)
        before = recall
    assert metrics_of(scored(rows))["pr_auc"][0] == pytest.approx(total)


@settings(max_examples=40)
@given(ROWS)
def test_the_other_metrics_are_what_they_are(rows: list[tuple[int, float]]) -> None:
    held = metrics_of(scored(rows))
    hits = sum(1 for label, p in rows if label and p >= 0.5)
    said, real = sum(p >= 0.5 for _, p in rows), sum(label for label, _ in rows)
    assert held["f1"][0] == pytest.approx(2 * hits / (said + real))
    assert held["brier"][0] == pytest.approx(sum((p - y) ** 2 for y, p in rows) / len(rows))
    gaps: dict[int, float] = {}
    for y, p in rows:
        gaps[min(int(p * 10), 9)] = gaps.get(min(int(p * 10), 9), 0.0) + p - y
    assert held["ece"][0] == pytest.approx(sum(map(abs, gaps.values())) / len(rows))
    assert math.isfinite(held["log_loss"][0])


@settings(max_examples=40)
@given(ROWS, st.data())
def test_a_weight_is_as_good_as_a_row_repeated(
    rows: list[tuple[int, float]], data: st.DataObject
) -> None:
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    repeated = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    if len({label for label, _ in repeated}) < 2:
        return
    one, two = (
        metrics_of(scored(rows), np.array([counts], dtype=float)),
        metrics_of(scored(repeated)),
    )
    for name in METRICS:
        assert one[name][0] == pytest.approx(two[name][0])


@settings(max_examples=40)
@given(ROWS)
def test_no_threshold_has_a_higher_f1(rows: list[tuple[int, float]]) -> None:
    held = scored(rows)
    best = best_threshold(held.labels, held.probabilities)
    f1 = metrics_of(scored(rows, best))["f1"][0]
    assert all(metrics_of(scored(rows, p))["f1"][0] <= f1 + 1e-12 for _, p in rows)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(30):
        labels = (rng.random(300) < 0.3).astype(float)
        held = Scored(labels, np.full(300, 0.3), 0.5)
        told = with_intervals(held, resamples(300, 100, 5), 0.95)["brier"]
        inside += told["low"] <= 0.21 <= told["high"]
    assert inside >= 24


def test_what_is_not_finite_is_null() -> None:
    assert interval(math.nan, np.array([math.nan]), 0.9) == {
        "value": None,
        "low": None,
        "high": None,
        "level": 0.9,
    }


def test_the_calibration_curve_covers_every_row() -> None:
    rng = np.random.default_rng(2)
    chances = rng.random(1_000)
    curve = calibration_curve(Scored((rng.random(1_000) < chances).astype(float), chances, 0.5))
    assert sum(row["rows"] for row in curve) == 1_000
    assert all(abs(row["probability"] - row["frequency"]) < 0.15 for row in curve)


def test_calibration_finds_what_scores_were_bent_by() -> None:
    rng = np.random.default_rng(4)
    odds = rng.normal(-2, 1.5, 40_000)
    labels = (rng.random(40_000) < sigmoid(odds)).astype(float)
    held = Calibration.of((odds - 0.7) / 2, labels)
    assert held.slope == pytest.approx(2, abs=0.1)
    assert held.intercept == pytest.approx(0.7, abs=0.1)


def test_the_baseline_takes_its_medians_from_training_rows_alone() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(5, 1, (400, 2))
    values[:100, 0] = np.nan
    labels = (values[:, 1] > 5).astype(float)
    held = LogisticBaseline.of(values, labels)
    assert held.medians[0] == pytest.approx(np.nanmedian(values[:, 0]))
    other = values.copy()
    other[:, 0] = 1e6
    held.probabilities(other)
    assert held.medians[0] == pytest.approx(np.nanmedian(values[:, 0]))
    assert ((held.probabilities(values) > 0.5) == labels).mean() > 0.95


def test_separable_classes_do_not_blow_up() -> None:
    values = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    weights = fitted(values, np.array([0.0, 0.0, 1.0, 1.0]), 1.0)
    assert np.isfinite(weights).all()
    assert (sigmoid(np.array([-1e4, 0.0, 1e4])) == [0.0, 0.5, 1.0]).all()


def test_a_champion_with_nothing_can_be_beaten() -> None:
    assert relative(0.1, 0.0) == 1.0
    assert relative(0.0, 0.0) == 0.0
    assert relative(0.51, 0.5) == pytest.approx(0.02)


def test_the_luckiest_trial_is_not_the_best() -> None:
    assert beyond_chance([0.20, 0.21, 0.19], [0.18, 0.19, 0.17])
    assert not beyond_chance([0.20, 0.21, 0.19], [0.16, 0.22, 0.19])
    assert not beyond_chance([0.20, 0.21], [0.20, 0.21])


def test_equal_scores_have_no_distance() -> None:
    scores = np.linspace(0, 1, 500)
    assert stability_index(scores, scores) == 0
    assert stability_index(scores**3, scores) > 0.2


def test_the_curves_begin_and_end_where_they_must_and_hold_the_area() -> None:
    rng = np.random.default_rng(3)
    chances = rng.random(5_000).round(3)
    scored = Scored((rng.random(5_000) < chances).astype(float), chances, 0.5)
    held = curves(scored)
    roc, pr = np.array(held["roc"]), np.array(held["pr"])
    assert len(roc) <= 105
    assert roc[0].tolist() == [0.0, 0.0]
    assert roc[-1].tolist() == [1.0, 1.0]
    assert (np.diff(roc, axis=0) >= 0).all()
    assert pr[-1] == pytest.approx([1.0, scored.labels.mean()], abs=1e-6)
    area = np.trapezoid(roc[:, 1], roc[:, 0])
    assert area == pytest.approx(metrics_of(scored)["auc"][0], abs=0.002)
