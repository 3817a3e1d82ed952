"""A verdict becomes observations: one of each column, of scores, labels, segments and the whole."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import ObservationStatus, SubjectKind
from pipewarden.monitoring.drift.judging import judge
from pipewarden.monitoring.drift.observing import drifted_before, observations

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def observed(baseline, world):
    def observed(earlier=None, **changed):
        made = world(1_000, seed=1)
        verdict = judge(baseline, made["columns"] | changed, made["scores"], labels=made["labels"])
        told = observations(
            verdict, check_id="c1", at=AT, subject="credit", environment="production", version=3,
            window="24h", earlier=earlier,
        )  # fmt: skip
        return {(o.metric, o.feature): o for o in told}

    return observed


def test_every_observation_bears_a_name_of_the_catalogue_and_its_subject(observed):
    told = observed()
    assert {metric for metric, _ in told} == {
        "drift.feature", "drift.score", "drift.prior", "drift.concept", "drift.segment",
        "drift.observed_share",
    }  # fmt: skip
    assert {metric for metric, _ in told} <= set(METRICS)
    for one in told.values():
        assert (one.check_id, one.at, one.kind) == ("c1", AT, SubjectKind.MODEL)
        assert (one.subject, one.environment, one.version) == ("credit", "production", 3)
        assert one.status is ObservationStatus.OK
        assert one.window == "24h"
        assert one.reason == ""


def test_drift_is_a_breach_with_its_figures_and_reason(observed, world):
    one = observed(income=world(1_000, seed=2, shift=0.5)["columns"]["income"])[
        "drift.feature", "income"
    ]
    assert one.status is ObservationStatus.BREACH
    assert one.value > one.threshold
    assert one.sample == 1_000
    assert "adjusted p" in one.reason
    assert {"kolmogorov_smirnov", "wasserstein"} <= one.evidence["statistics"].keys()


def test_a_large_difference_that_chance_may_explain_is_no_drift_and_says_so(observed, world):
    income = world(1_000, seed=1)["columns"]["income"].copy()
    income[:3] = income.max() * 1_000
    one = observed(income=income)["drift.feature", "income"]
    assert one.status is ObservationStatus.OK
    assert one.value > one.threshold
    assert "is large, but chance alone may explain it: adjusted p" in one.reason
    assert one.reason.endswith("is above 0.01")


def test_drift_that_has_not_lasted_is_a_warning(observed, world):
    income = world(1_000, seed=2, shift=0.5)["columns"]["income"]
    key = ("drift.feature", "income")
    told = {
        (): ObservationStatus.WARN,
        (False, True): ObservationStatus.BREACH,
        (True, False): ObservationStatus.BREACH,
        (True, False, False): ObservationStatus.WARN,
    }
    for before, status in told.items():
        one = observed(earlier={key: before}, income=income)[key]
        assert one.status is status
        assert "2 are asked" in one.reason


def test_a_column_that_went_missing_is_a_breach_though_its_values_are_not_computable(observed):
    one = observed(age=np.full(1_000, np.nan))["drift.feature", "age"]
    assert one.status is ObservationStatus.BREACH
    assert (one.value, one.threshold) == (1.0, 0.05)
    assert one.evidence["finding"] == "missing"
    assert one.evidence["values"] == {"not_computable": "every value of the window is missing"}


def test_what_is_not_computable_says_why_and_has_no_figure(observed):
    told = observed(age=np.array(["old"] * 1_000))
    whole = told["drift.observed_share", ""]
    for one in (told["drift.segment", "age <30"], told["drift.segment", "age >=60"]):
        assert one.status is ObservationStatus.NOT_COMPUTABLE
        assert one.value is None
        assert one.reason == "the window has 0 values; 200 are needed"
    assert whole.evidence["not_computable"] == ["age"]


def test_the_observed_share_stands_beside_its_threshold(observed, world):
    other = world(1_000, seed=3, shift=2.0)["columns"]
    told = observed(income=other["income"], age=other["age"] + 20, loans=other["loans"] + 2)
    whole = told["drift.observed_share", ""]
    assert (whole.value, whole.threshold) == (0.75, 0.5)
    assert whole.status is ObservationStatus.BREACH
    assert whole.evidence["drifted"] == ["age", "income", "loans"]


def test_history_is_read_from_observations(observed, world):
    told = observed(
        earlier={}, income=world(1_000, seed=2, shift=0.5)["columns"]["income"], age=np.array([])
    )
    assert [drifted_before(told["drift.feature", name]) for name in ("income", "job", "age")] == [
        True, False, None
    ]  # fmt: skip
