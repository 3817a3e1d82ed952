"""Limits are recommended from what was observed, and are in force only once somebody says so."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.errors import UnknownName, UsageError
from pipewarden.jobs.monitoring.thresholds import advising
from pipewarden.jobs.monitoring.thresholds.applying import apply, in_force, recommended
from pipewarden.report.monitoring.page import limits_page
from pipewarden.store.state import ledger
from pipewarden.store.state.monitoring import observations


@pytest.fixture
def observed(site):
    """Return a site that has watched the latency of an endpoint for ten days."""
    values = np.random.default_rng(5).normal(100, 5, 240)
    rows = [
        Observation(
            check_id=f"c{hour}", at=site.now + timedelta(hours=hour), kind=SubjectKind.SERVICE,
            subject="serving", metric="serving.latency_p99_ms", feature="main",
            status=ObservationStatus.OK, value=float(value),
        )
        for hour, value in enumerate(values)
    ]  # fmt: skip
    with site.database.write() as conn:
        observations.append(conn, rows)
    site.now += timedelta(days=10)
    return site


def test_a_limit_is_recommended_beside_what_the_one_in_force_does(observed):
    (one,) = recommended(observed.workspace)
    assert one.figure.feature == "main"
    assert 110 < one.found.best.limit < 125
    assert one.present.breach == 2000
    assert one.found.present.caught == 0
    facts = advising.facts_of([one], at=observed.now, days=60, cost=0.01)
    assert "thresholds apply serving.latency_p99_ms --breach" in facts.figures[0].command
    page = limits_page(facts)
    assert "1 limit can be recommended" in page
    assert page.count("<svg") == 2


def test_to_recommend_changes_nothing(observed):
    recommended(observed.workspace)
    assert in_force(observed.workspace)[1] == []
    with observed.database.read() as conn:
        assert list(ledger.entries(conn, action="threshold.changed")) == []


def test_a_limit_in_force_counts_from_the_next_check_on_and_is_on_record(observed):
    site = observed
    site.set_monitoring(endpoints={"main": "http://main/"})
    site.latency = 0.2
    change = {"subject": "", "warn": None, "breach": 115.0, "reason": "as in spring"}
    apply(site.workspace, "serving.latency_p99_ms", **change)
    (breach,) = site.check().breaches
    assert (breach.value, breach.threshold) == (200.0, 115.0)
    with site.database.read() as conn:
        (entry,) = ledger.entries(conn, action="threshold.changed")
    assert (entry.subject, entry.reason) == ("serving.latency_p99_ms", "as in spring")
    assert entry.details["breach"] == 115.0


def test_taken_back_the_settings_count_again(observed):
    metric = "serving.latency_p99_ms"
    for breach, why in ((115.0, "try"), (None, "too strict")):
        apply(observed.workspace, metric, subject="", warn=None, breach=breach, reason=why)
        observed.now += timedelta(seconds=1)
    assert in_force(observed.workspace)[1] == []
    with observed.database.read() as conn:
        acts = list(ledger.entries(conn, action="threshold.changed"))
    assert acts[1].details["before"] == {"warn": None, "breach": 115.0}


@pytest.mark.parametrize("subject", ["", "serving"])
def test_to_take_back_nothing_is_refused_and_leaves_no_trace(observed, subject):
    with pytest.raises(UnknownName, match="is in force over the settings"):
        apply(
            observed.workspace, "serving.latency_p99_ms", subject=subject, warn=None, breach=None,
            reason="tidy",
        )  # fmt: skip
    with observed.database.read() as conn:
        assert list(ledger.entries(conn, action="threshold.changed")) == []


@pytest.mark.parametrize(
    ("metric", "subject", "known"),
    [
        ("serving.latency_p99_ms", "nope", "known: serving"),
        ("drift.feature", "serving", "known: credit/m"),
        ("pipeline.failure_rate", "nope", "pipewarden monitor check"),
    ],
)
def test_a_limit_of_what_nobody_knows_is_refused_and_those_known_are_named(
    observed, metric, subject, known
):
    observed.deploy()
    limit = {"warn": None, "breach": 0.2, "reason": "as in spring"}
    with pytest.raises(UnknownName) as refused:
        apply(observed.workspace, metric, subject=subject, **limit)
    assert refused.value.next_step == known
    assert in_force(observed.workspace)[1] == []
    apply(observed.workspace, "drift.feature", subject="credit/m", **limit)


@pytest.mark.parametrize(
    ("metric", "bounds", "error", "words"),
    [
        ("serving.latency", (1.0, 2.0), UnknownName, "no metric"),
        ("queue.depth", (5.0, 3.0), UsageError, "before it is a warning"),
        ("disk.free_share", (0.1, 0.2), UsageError, "before it is a warning"),
        ("queue.depth", (None, float("nan")), UsageError, "finite"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(site, metric, bounds, error, words):
    warn, breach = bounds
    with pytest.raises(error, match=words):
        apply(site.workspace, metric, subject="", warn=warn, breach=breach, reason="why not")


def test_without_a_reason_no_limit_changes(site):
    with pytest.raises(UsageError, match="for a reason"):
        apply(site.workspace, "queue.depth", subject="", warn=1.0, breach=None, reason=" ")
