"""A monitor goes on after a check that failed, and beside another one, until it is told to stop."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from pipewarden.core.monitoring.observations import ObservationStatus as Status
from pipewarden.errors import UsageError
from pipewarden.jobs.monitoring import running
from pipewarden.jobs.monitoring.digest import digest
from pipewarden.jobs.monitoring.drifting import drift
from pipewarden.jobs.monitoring.running import Monitor
from pipewarden.store.state.monitoring import rounds


@pytest.fixture
def monitor(site):
    return Monitor(site.workspace, 60.0, ask=site.ask)


def test_of_two_monitors_one_checks_each_round(site, monitor):
    other = Monitor(site.workspace, 60.0, ask=site.ask)
    made = []
    for _ in range(3):
        made.append([one.once().checked is not None for one in (monitor, other)])
        site.now += timedelta(seconds=60)
    assert made == [[True, False]] * 3
    with site.database.read() as conn:
        assert len(rounds.listed(conn)) == 3


def test_a_check_that_fails_ends_nothing_and_the_next_one_tells_of_it(site, monitor, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(running, "check", lambda *_, **__: 1 / 0)
        broken = monitor.once()
    assert broken.checked is None
    assert "ZeroDivisionError" in broken.failures["check"]
    site.now += timedelta(seconds=60)
    checked = monitor.once().checked
    (own,) = [one for one in checked.observations if one.metric == "monitor.failures"]
    assert own.status is Status.BREACH
    assert "ZeroDivisionError" in own.reason
    site.now += timedelta(seconds=60)
    (own,) = [o for o in monitor.once().checked.observations if o.metric == "monitor.failures"]
    assert own.status is Status.OK


def test_alerts_that_fail_are_told_and_end_nothing(site, monitor, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(running, "alerts_of", lambda *_: 1 / 0)
        done = monitor.once()
    assert done.checked is not None
    assert list(done.failures) == ["alerts"]


def test_it_runs_until_it_is_told_to_stop_and_ends_the_check_in_work(site, monitor):
    stop, made = threading.Event(), []

    def told(done):
        made.append(done)
        stop.set()

    monitor.run(stop, told)
    assert len(made) == 1
    assert made[0].checked is not None


def test_a_breach_of_a_check_raises_an_alert(site, monitor):
    site.set_monitoring(endpoints={"main": "http://main/"})
    site.down = True
    monitor.once()
    from pipewarden.store.state.monitoring.alerts import incidents

    with site.database.read() as conn:
        open_ = incidents.lasting(conn)
    assert any(held.metric == "serving.reachable" for held in open_)


def test_a_digest_tells_what_stands_what_is_over_and_when_nobody_checked(site):
    site.set_monitoring(endpoints={"main": "http://main/"})
    site.down = True
    site.check()
    site.now += timedelta(hours=5)
    during = digest(site.workspace, 24)
    assert [one.metric for one in during.standing] == ["serving.reachable"]
    site.down = False
    site.check()
    site.now += timedelta(minutes=1)
    after = digest(site.workspace, 24)
    assert (after.checks, after.broken) == (2, 0)
    assert [one.status for one in after.standing if one.metric == "serving.reachable"] == []
    assert [one.metric for one in after.over] == ["serving.reachable"]
    assert after.longest_gap == timedelta(hours=19, minutes=-1).total_seconds()


def test_a_day_without_a_check_is_no_quiet_day(site):
    assert digest(site.workspace, 24).longest_gap is None


def test_a_look_at_drift_judges_the_last_hours_and_stores_nothing(site):
    site.deploy()
    site.hour(shift=10)
    (look,) = drift(site.workspace, window="1h")
    assert {one.feature for one in look.drifted if one.metric == "drift.feature"} == {"income"}
    assert look.rows == 500
    assert site.history("drift.feature", "income") == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"environment": "nope"}, "no environment 'nope'"),
        ({"window": "0h"}, "'0h' is no time"),
        ({"window": "a day"}, "'a day' is no time"),
    ],
)
def test_a_look_at_nothing_is_refused(site, asked, words):
    site.deploy()
    with pytest.raises(UsageError, match=words):
        drift(site.workspace, **asked)
