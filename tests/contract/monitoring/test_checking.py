"""A check looks at everything and stores it once, and calls nothing well that it could not see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipewarden.core.monitoring.observations import ObservationStatus as Status
from pipewarden.errors import Locked
from pipewarden.jobs.monitoring import checking
from pipewarden.store.state.monitoring import observations, rounds


def statuses(found, metric: str, feature: str = "") -> list[Status]:
    return [one.status for one in found if (one.metric, one.feature) == (metric, feature)]


def test_a_check_of_nothing_is_stored_whole(site):
    checked = site.check()
    with site.database.read() as conn:
        stored = observations.of_check(conn, checked.check_id)
        held = rounds.get(conn, checked.check_id)
    assert stored == list(checked.observations)
    assert {"queue.depth", "disk.free_share", "monitor.failures"} <= {o.metric for o in stored}
    assert sum(held.counts.values()) == len(stored)
    assert held.running is None
    assert checked.breaches == []


def test_a_model_without_drift_is_found_well_in_every_window(site):
    site.deploy()
    for _ in range(3):
        site.hour()
        checked = site.check()
        assert statuses(checked.observations, "drift.observed_share") == [Status.OK]
    assert site.drift_events() == []
    assert checked.breaches == []
    assert statuses(checked.observations, "estimated.auc") != [Status.BREACH]


def test_drift_is_a_breach_when_it_lasts_and_is_told_once(site):
    site.deploy()
    site.hour()
    site.check()
    seen = []
    for _ in range(4):
        site.hour(shift=10)
        seen += statuses(site.check().observations, "drift.feature", "income")
    assert seen == [Status.WARN, Status.BREACH, Status.BREACH, Status.BREACH]
    (event,) = [one for one in site.drift_events() if "income" in str(one.data)]
    assert event.subject == "credit/m@1"
    assert event.data["window"] == "1h"
    assert all("observed" not in found["metric"] for found in event.data["found"][:1])


def test_drift_that_went_and_came_back_is_told_again(site):
    site.deploy()
    for shift in (10, 10, 0, 0, 0, 10, 10):
        site.hour(shift=shift)
        site.check()
    told = [one for one in site.drift_events() if "income" in str(one.data)]
    assert len(told) == 2


def test_a_window_is_judged_once_however_often_it_is_checked(site):
    site.deploy()
    site.hour()
    site.check()
    site.now += timedelta(minutes=1)
    again = site.check()
    assert statuses(again.observations, "drift.observed_share") == []
    assert statuses(again.standing, "drift.observed_share") == [Status.OK]
    assert len(site.history("drift.observed_share")) == 1


def test_how_old_a_model_is_is_noted_once_an_hour(site):
    site.deploy()
    for _ in range(4):
        site.now += timedelta(minutes=40)
        site.check()
    assert len(site.history("model.age_days")) == 2


def test_what_a_replaced_version_showed_stands_no_more(site):
    site.deploy()
    site.hour()
    assert statuses(site.check().standing, "drift.observed_share") == [Status.OK]
    site.deploy()
    site.now += timedelta(seconds=1)
    assert statuses(site.check().standing, "drift.observed_share") == []


def test_a_window_in_which_nothing_was_asked_is_not_computable(site):
    site.deploy()
    site.now += timedelta(hours=1)
    (one,) = [o for o in site.check().observations if o.metric == "drift.observed_share"]
    assert (one.status, one.reason) == (Status.NOT_COMPUTABLE, "nothing was asked in the window")


def test_a_monitor_that_was_away_judges_the_newest_windows_only(site):
    site.deploy()
    for _ in range(6):
        site.hour(rows=220)
    assert len(statuses(site.check().observations, "drift.observed_share")) == 3


def test_labels_are_judged_in_the_window_in_which_they_come(site):
    site.deploy()
    site.hour(2_000)
    site.label()
    checked = site.check()
    (auc,) = [one for one in checked.observations if one.metric == "performance.auc"]
    assert auc.status is Status.OK
    assert auc.evidence["label.coverage"] == 1.0
    assert auc.evidence["low"] < auc.value < auc.evidence["high"]
    assert statuses(checked.observations, "drift.concept") == [Status.OK]


def test_a_drop_of_performance_is_a_breach_in_the_window_of_its_labels(site):
    site.deploy()
    site.hour(2_000)
    site.label(honest=False)
    checked = site.check()
    assert statuses(checked.observations, "performance.auc") == [Status.BREACH]
    assert statuses(checked.observations, "drift.concept") == [Status.WARN]


def test_labels_in_the_words_of_the_table_are_judged_as_well_as_0_and_1(site):
    site.deploy(positive="yes")
    site.hour()
    site.label(words=("no", "yes"))
    site.check()
    (auc,) = site.history("performance.auc")
    assert auc.value > 0.7
    (coverage,) = site.history("label.coverage")
    assert (coverage.value, coverage.evidence["unreadable"]) == (1.0, 0)


def test_labels_that_the_model_cannot_read_are_not_covered(site):
    site.deploy(positive="1")
    site.hour()
    site.label(words=(0, "bad"))  # as from before labels were looked at
    site.check()
    (coverage,) = site.history("label.coverage")
    unreadable = coverage.evidence["unreadable"]
    assert 0 < unreadable < 500
    assert (coverage.value, coverage.evidence["labelled"]) == (
        1 - unreadable / 500,
        500 - unreadable,
    )
    (auc,) = site.history("performance.auc")
    assert auc.sample == 500 - unreadable


def test_without_labels_there_is_no_performance(site):
    site.deploy()
    site.hour()
    checked = site.check()
    assert statuses(checked.observations, "performance.auc") == []
    (one,) = [o for o in checked.observations if o.metric == "label.coverage"]
    assert (one.status, one.reason) == (Status.NOT_COMPUTABLE, "no label came in the window")


@pytest.mark.parametrize("window", ["n=300", "batch"])
def test_windows_by_number_and_by_batch_are_judged_once_each(site, window):
    site.set_monitoring(windows=(window,))
    site.deploy()
    site.hour(rows=300, request="first")
    site.hour(rows=320, request="second")
    first = site.check()
    samples = [o.sample for o in first.observations if o.metric == "drift.observed_share"]
    assert samples == ([300, 300] if window == "n=300" else [300, 320])
    site.now += timedelta(minutes=1)
    assert statuses(site.check().observations, "drift.observed_share") == []


def test_a_version_that_cannot_be_opened_is_told_and_the_rest_is_checked(site):
    site.deploy()
    for path in site.workspace.objects_dir.rglob("*"):
        if path.is_file():
            path.write_bytes(b"{}")
    site.hour()
    checked = site.check()
    assert list(checked.failures) == ["model credit/m in production"]
    assert statuses(checked.observations, "drift.observed_share") == [Status.NOT_COMPUTABLE]
    assert statuses(checked.observations, "monitor.failures") == [Status.BREACH]
    assert statuses(checked.observations, "queue.depth") == [Status.OK]


def test_an_endpoint_that_is_down_is_a_breach(site):
    site.set_monitoring(endpoints={"a": "http://a/"})
    assert statuses(site.check().observations, "serving.reachable", "a") == [Status.OK]
    site.down, site.now = True, site.now + timedelta(minutes=1)
    checked = site.check()
    assert [one.reason for one in checked.breaches] == ["connection refused"]


def test_a_second_check_at_once_is_refused_and_one_that_broke_off_is_not_in_the_way(
    site, monkeypatch
):
    def interrupted(*_):
        with pytest.raises(Locked):
            checking.check(site.workspace, ask=site.ask)
        raise RuntimeError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(checking, "look", interrupted)
        with pytest.raises(RuntimeError, match="cut"):
            site.check()
    site.now += timedelta(seconds=1)
    assert site.check() is not None
    with site.database.read() as conn:
        broken = rounds.listed(conn)[1]
    assert broken.finished_at is None
    assert broken.failures == {"check": "RuntimeError: cut"}


def test_a_failed_check_is_told_by_the_next(site):
    checked = site.check(before={"check at noon": "the database is down"})
    (own,) = [one for one in checked.observations if one.metric == "monitor.failures"]
    assert (own.status, own.value) == (Status.BREACH, 1.0)
    assert "check at noon: the database is down" in own.reason


def test_what_is_unlike_its_past_is_marked_and_then_told_to_be_over(site):
    site.set_monitoring(endpoints={"a": "http://a/"}, endpoint_probes=1)
    for minute in range(40):
        site.latency = 0.010 + 0.001 * (minute % 3)
        site.check()
        site.now += timedelta(minutes=1)
    assert site.history("history.anomaly", "serving.latency_p99_ms/a", "serving") == []
    for latency in (0.1, 0.011, 0.011):
        site.latency = latency
        site.check()
        site.now += timedelta(minutes=1)
    marked = site.history("history.anomaly", "serving.latency_p99_ms/a", "serving")
    assert [one.status for one in marked] == [Status.WARN, Status.OK]
    assert marked[0].reason == "100 is unlike the 11 that is usual"


def test_a_shadow_is_told_by_how_often_it_decides_as_the_champion_does(site):
    site.deploy()
    asked = site.hour()
    assert statuses(site.check().observations, "proxy.challenger_agreement") == []
    shadow = site.shadow()
    asked = site.hour()
    site.answer_beside(shadow, asked, alike=400)
    checked = site.check()
    (one,) = [o for o in checked.observations if o.metric == "proxy.challenger_agreement"]
    assert (one.value, one.sample) == (0.8, 500)
