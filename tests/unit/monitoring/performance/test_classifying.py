"""The quality of a classifier on labelled rows, and the intervals that it is known in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.monitoring.performance import classifying
from pipewarden.monitoring.performance.classifying import METRICS, of_classifier
from pipewarden.pipelines.credit.evaluation.scores import Scored, metrics_of

RATE, THRESHOLD = 0.2, 0.35


def rows(number, seed=0, noise=0.3):
    """Return calibrated chances, labels drawn by them, and decisions."""
    rng = np.random.default_rng(seed)
    chances = 1 / (1 + np.exp(-(rng.normal(-1.6, 1 / noise / 2, number))))
    return chances, (rng.random(number) < chances).astype(float), (chances >= THRESHOLD).astype(int)


def named(figures):
    return {figure.metric.partition(".")[2]: figure for figure in figures}


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=30, max_size=120),
)
@settings(max_examples=60)
def test_each_figure_is_the_one_that_the_evaluation_of_a_pipeline_gives(pairs):
    scores = np.array([score / 20 for score, _ in pairs])
    labels = np.array([float(label) for _, label in pairs])
    found = named(of_classifier(scores, labels, scores >= THRESHOLD, seed=0))
    theirs = metrics_of(Scored(labels, scores, THRESHOLD))
    for name, figure in found.items():
        if figure.value is not None:
            assert figure.value == pytest.approx(float(theirs[name][0]), abs=1e-9), name
            assert figure.low <= figure.value <= figure.high


def test_rows_without_a_label_or_a_score_are_left_out():
    scores, labels, decided = rows(400)
    holes, unknown = labels.copy(), scores.copy()
    holes[:50], unknown[50:90] = np.nan, np.nan
    found = of_classifier(unknown, holes, decided, seed=0)
    assert found == of_classifier(scores[90:], labels[90:], decided[90:], seed=0)
    assert {figure.rows for figure in found} == {310}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([], "no row has a score and a label"),
        ([0, 1] * 10, "too few labels: 20"),
        ([0, 2] * 50, "the labels are not 0 and 1"),
    ],
)
def test_what_cannot_be_computed_says_why(labels, reason):
    labels = np.array(labels, dtype=float)
    found = of_classifier(np.full(len(labels), 0.5), labels, labels, seed=0)
    assert [figure.metric for figure in found] == list(METRICS)
    assert all(figure.value is None and reason in figure.reason for figure in found)


@pytest.mark.parametrize(("ones", "reason"), [(0, "one class only"), (4, "rarer class: 4")])
def test_of_one_class_only_the_errors_of_probabilities_are_known(ones, reason):
    labels = np.r_[np.ones(ones), np.zeros(60)]
    found = named(of_classifier(np.linspace(0, 1, len(labels)), labels, labels, seed=0))
    assert {name for name, figure in found.items() if figure.value is None} == {
        "auc", "pr_auc", "f1"
    }  # fmt: skip
    assert reason in found["auc"].reason


def test_scores_that_are_no_probabilities_only_rank():
    _, labels, _ = rows(200)
    found = named(of_classifier(labels * 7 - 2, labels, seed=0))
    assert {name for name, figure in found.items() if figure.value is not None} == {"auc", "pr_auc"}
    assert (found["auc"].value, found["auc"].high) == (1.0, 1.0)
    assert 0.8 < found["auc"].low < 1.0
    assert "no probabilities" in found["brier"].reason
    assert "decisions are not known" in found["f1"].reason


def test_the_standard_error_of_an_auc_is_delongs():
    rng = np.random.default_rng(3)
    positive, negative = rng.normal(1, 1, 40).round(1), rng.normal(0, 1, 60).round(1)
    wins = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    variance = wins.mean(1).var(ddof=1) / 40 + wins.mean(0).var(ddof=1) / 60
    value, error = classifying.delong(np.sort(positive), np.sort(negative))
    assert value == pytest.approx(wins.mean())
    assert error == pytest.approx(np.sqrt(variance))


@pytest.fixture(scope="module")
def truth():
    return {n: f.value for n, f in named(of_classifier(*rows(400_000, seed=99), seed=0)).items()}


@pytest.fixture(scope="module")
def samples():
    return [named(of_classifier(*rows(800, seed=seed), seed=0)) for seed in range(200)]


@pytest.mark.parametrize("name", ["auc", "pr_auc", "f1", "brier", "log_loss"])
def test_an_interval_holds_the_truth_about_as_often_as_it_says(truth, samples, name):
    figures = [sample[name] for sample in samples]
    held = np.mean([figure.low <= truth[name] <= figure.high for figure in figures])
    assert 0.91 <= held <= 0.985
