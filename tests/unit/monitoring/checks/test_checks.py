"""What is observed of pipelines and services: a figure and its verdict, or why there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipewarden.core.monitoring.observations import Observation, ObservationStatus as Status
from pipewarden.core.monitoring.schedules import parsed
from pipewarden.monitoring.checks import pipelines, services
from pipewarden.monitoring.checks.pipelines import Watched
from pipewarden.monitoring.checks.services import Answer, Unanswered
from pipewarden.monitoring.checks.sheet import Limit, Sheet
from pipewarden.settings import MonitoringSettings
from pipewarden.store.state.jobs.figures import RunFigures

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEVER_RAN = RunFigures(pipeline="invoices", last_completed=None)


def usual(metric: str, subject: str) -> Limit:
    held = MonitoringSettings().limit(metric, subject)
    return Limit(warn=held.warn, breach=held.breach)


SHEET = Sheet(check_id="c1", at=NOW, limits=usual)


def of_invoices(figures: RunFigures, **also) -> dict[str, Observation]:
    watched = Watched(
        **{
            "figures": figures, "last_begun": None, "schedule": None,
            "tolerance": timedelta(minutes=30), "watched_since": NOW - timedelta(days=2),
        }
        | also
    )  # fmt: skip
    found = pipelines.of_pipeline(SHEET, watched, hours=24, minimum_items=20)
    return {one.metric: one for one in found}


def test_a_pipeline_that_never_ran_is_not_said_to_be_well():
    found = of_invoices(NEVER_RAN)
    assert {one.status for one in found.values()} == {Status.NOT_COMPUTABLE}
    assert all(one.reason for one in found.values())


def test_a_pipeline_is_judged_by_the_runs_that_ended():
    figures = replace(
        NEVER_RAN, last_completed=NOW - timedelta(hours=3), completed=9, failed=1,
        published=70, quarantined=30,
    )  # fmt: skip
    found = of_invoices(figures)
    assert found["pipeline.hours_since_success"].value == 3
    assert found["pipeline.hours_since_success"].status is Status.OK
    failures = found["pipeline.failure_rate"]
    assert (failures.value, failures.sample, failures.status) == (0.1, 10, Status.WARN)
    rejected = found["pipeline.quarantine_rate"]
    assert (rejected.value, rejected.threshold, rejected.status) == (0.3, 0.2, Status.BREACH)
    assert rejected.reason == "0.3 is more than 0.2"


def test_a_pipeline_whose_only_run_failed_is_in_breach():
    found = of_invoices(replace(NEVER_RAN, failed=1))
    assert found["pipeline.failure_rate"].status is Status.BREACH


def test_no_rate_is_made_of_a_handful_of_items():
    found = of_invoices(replace(NEVER_RAN, completed=1, published=10, quarantined=9))
    rate = found["pipeline.quarantine_rate"]
    assert (rate.status, rate.value, rate.sample) == (Status.NOT_COMPUTABLE, None, 19)
    assert rate.reason == "of the 20 items that a rate needs, the window has 19"


@pytest.mark.parametrize(
    ("last_begun", "number", "status"),
    [(None, 2.0, Status.BREACH), (NOW - timedelta(hours=33), 1.0, Status.BREACH),
     (NOW - timedelta(hours=9), 0.0, Status.OK)],
)  # fmt: skip
def test_a_scheduled_run_that_did_not_happen_is_a_breach(last_begun, number, status):
    found = of_invoices(NEVER_RAN, schedule=parsed("daily at 03:00"), last_begun=last_begun)
    missed = found["pipeline.missed_schedules"]
    assert (missed.value, missed.status) == (number, status)
    assert ("no run began at" in missed.reason) == (status is Status.BREACH)
    never = "there was no run before"
    assert (never in missed.reason) == (last_begun is None), missed.reason


def test_lags_are_told_of_each_sink_also_of_one_that_does_not_read():
    lags = {"a": (0.0, 0), "b": (301.0, 4), "c": Unanswered("its spool does not read")}
    found = list(services.of_lags(SHEET, "sink.lag_seconds", "sinks", lags))
    assert [one.feature for one in found] == ["a", "b", "c"]
    assert [one.status for one in found] == [Status.OK, Status.WARN, Status.NOT_COMPUTABLE]
    assert found[2].reason == "its spool does not read"


def test_a_registry_that_does_not_answer_is_a_breach_that_says_why():
    assert services.of_registry(SHEET, None).status is Status.OK
    down = services.of_registry(SHEET, "connection refused")
    assert (down.value, down.status, down.reason) == (0.0, Status.BREACH, "connection refused")


def test_an_endpoint_is_as_slow_as_its_slowest_answer():
    answers = [Answer(well=True, seconds=0.01)] * 4 + [Answer(well=True, seconds=0.9)]
    reachable, latency = services.of_endpoint(SHEET, "main", answers)
    assert (reachable.value, reachable.status) == (1.0, Status.OK)
    assert (latency.value, latency.status, latency.sample) == (900.0, Status.WARN, 5)
    assert latency.evidence["median_ms"] == 10.0


def test_an_endpoint_that_fails_once_is_in_breach_and_one_that_never_answers_has_no_latency():
    bad = Answer(well=False, seconds=2.0, said="it answered 503")
    reachable, latency = services.of_endpoint(SHEET, "main", [Answer(well=True, seconds=0.1), bad])
    assert (reachable.status, reachable.reason) == (Status.BREACH, "it answered 503")
    assert latency.sample == 1
    _, none = services.of_endpoint(SHEET, "main", [bad, bad])
    assert none.status is Status.NOT_COMPUTABLE


def test_disks_are_judged_by_their_free_share():
    folders = {"a": (50, 100), "b": (4, 100), "c": Unanswered("no such folder"), "d": (0, 0)}
    found = list(services.of_disk(SHEET, folders))
    assert [one.status for one in found] == [
        Status.OK, Status.BREACH, Status.NOT_COMPUTABLE, Status.NOT_COMPUTABLE,
    ]  # fmt: skip
    assert found[1].reason == "0.04 is less than 0.05"


def test_a_queue_tells_how_many_wait_and_how_long():
    depth, lag = services.of_queue(SHEET, 3, 1900.0)
    assert (depth.value, depth.status) == (3.0, Status.OK)
    assert (lag.value, lag.status, lag.sample) == (1900.0, Status.BREACH, 3)


def test_a_model_grows_old():
    trained = NOW - timedelta(days=91)
    age = services.of_age(SHEET, "m", environment="production", version=3, trained_at=trained)
    assert (age.value, age.status, age.version) == (91.0, Status.WARN, 3)


def test_a_figure_that_is_not_finite_is_never_well():
    assert SHEET.figure("queue.depth", "queue", float("nan")).status is Status.NOT_COMPUTABLE


def test_the_bound_itself_is_allowed_and_a_bias_counts_in_both_directions():
    limit = Limit(warn=1.0, breach=2.0)
    assert limit.of("queue.depth", 1.0) == (Status.OK, 1.0)
    assert limit.of("queue.depth", 2.1) == (Status.BREACH, 2.0)
    assert limit.of("performance.auc", 1.5) == (Status.BREACH, 2.0)
    assert limit.of("forecast.bias", -1.5) == (Status.WARN, 1.0)
