"""What steers a run: requests, signals and the lease, looked at between two items."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job, JobStatus, Request
from pipewarden.errors import Fenced
from pipewarden.jobs.runners import outages
from pipewarden.jobs.runners.control import Aborted, Control
from pipewarden.store.state import items, jobs, outbox
from pipewarden.store.state.service import breakers

START = datetime(2026, 3, 1, tzinfo=UTC)


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def database(workspace):
    return workspace.database


@pytest.fixture
def lease(database):
    job = Job(id="run-1", pipeline="texts", source="in", created_at=START, created_by="ada")
    with database.write() as conn:
        jobs.insert(conn, job)
        return jobs.claim(conn, "run-1", owner="host:1:1", at=START, ttl_seconds=30)


@pytest.fixture
def control(database, lease, time):
    return Control(database, lease, "ada", 30.0, time.now, time.monotonic)


def request(database, what):
    with database.write() as conn:
        jobs.request(conn, "run-1", what, actor="bob", at=START, reason="lunch")


def job(database):
    with database.read() as conn:
        return jobs.get(conn, "run-1")


@pytest.mark.parametrize("what", list(Request))
def test_a_request_is_seen_within_a_fifth_of_a_second(control, database, time, what):
    request(database, what)
    control.poll()
    assert not control.stopping  # it looks at the clock before it looks at the database
    time.seconds = 0.2
    control.poll()
    assert (control.requested, control.stopping) == (what, True)


def test_a_cancel_wins_over_a_pause(control, database, time):
    request(database, Request.PAUSE)
    time.seconds = 1.0
    control.poll()
    request(database, Request.CANCEL)
    time.seconds = 2.0
    control.poll()
    assert control.requested is Request.CANCEL


def test_the_lease_is_renewed_every_third_of_its_life(control, database, time):
    time.seconds = 9.0
    control.poll()
    assert job(database).heartbeat_at == START
    time.seconds = 10.0
    control.poll()
    assert job(database).heartbeat_at == START + timedelta(seconds=10)
    assert job(database).lease_expires_at == START + timedelta(seconds=40)


def test_a_heartbeat_tells_the_world_how_far_the_job_is_if_it_has_come_further(
    control, database, lease, time
):
    def decide(*keys):
        results = {
            key: (ItemResult(key=key, outcome=Outcome.PUBLISHED), START.isoformat()) for key in keys
        }
        with database.write() as conn:
            items.put(conn, "run-1", results)

    def counts():
        with database.read() as conn:
            told = [event for _, event in outbox.page(conn) if event.type.endswith("progress")]
        assert len({event.id for event in told}) == len(told)
        assert {event.data["status"] for event in told} <= {"RUNNING"}
        return [event.data["progress"]["published"] for event in told]

    for seconds, keys, expected in (
        (10.0, (), []),
        (20.0, ("a", "b"), [2]),
        (25.0, ("c",), [2]),
        (30.0, ("d",), [2, 4]),
        (40.0, (), [2, 4]),
    ):
        decide(*keys)
        time.seconds = seconds
        control.poll()
        assert counts() == expected


def test_a_runner_that_was_replaced_stops(control, database, time):
    with database.write() as conn:
        late = START + timedelta(seconds=60)
        jobs.claim(conn, "run-1", owner="host:2:2", at=late, ttl_seconds=30)
    time.seconds = 61.0
    with pytest.raises(Fenced):
        control.poll()


def told(database):
    with database.read() as conn:
        return [(row.owner, row.name, row.job_id, row.failures) for row in breakers.known(conn)]


@pytest.fixture
def broker(time, monkeypatch):
    monkeypatch.setattr(outages, "_met", {})
    return outages.dependency("broker", time.now, outages.BROKER)


def test_others_are_told_at_the_next_look_what_the_job_waits_for(control, database, time, broker):
    broker.failed()
    broker.failed()
    assert told(database) == []
    time.seconds = 0.2
    control.poll()
    assert told(database) == [("host:1:1", "broker", "run-1", 2)]
    broker.answered()
    time.seconds = 0.4
    control.poll()
    assert told(database) == []


def test_what_lasts_is_said_again_with_each_heartbeat(control, database, time, broker):
    broker.failed()
    for seconds in (0.2, 0.4, 10.0):
        time.seconds = seconds
        control.poll()
    with database.read() as conn:
        (row,) = breakers.known(conn)
    assert row.told_at == START + timedelta(seconds=10)
    assert row.since == START


def test_a_job_that_ends_waits_for_nothing_any_more(control, database, time, broker):
    broker.failed()
    time.seconds = 0.2
    control.poll()
    control.telling.end(database)
    assert told(database) == []


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_one_signal_is_a_recorded_request_to_pause(control, database, number, reason):
    with control.signals():
        os.kill(os.getpid(), number)
        assert control.stopping
        control.poll()
    assert control.requested is Request.PAUSE
    assert (job(database).pause.actor, job(database).pause.reason) == ("ada", reason)
    assert job(database).status is JobStatus.RUNNING


def test_a_second_signal_ends_the_wait_for_results(control):
    def results():
        yield 1
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        yield 2

    seen = []
    with control.signals(), pytest.raises(Aborted):
        seen.extend(control.abortable(results()))
    assert control.stopping


def test_a_second_signal_never_cuts_what_is_done_with_a_result(control):
    done = []
    with control.signals(), pytest.raises(Aborted):
        for result in control.abortable(iter([1, 2])):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
            done.append(result)
    assert done == [1]


def test_the_handlers_of_before_are_put_back(control):
    before = signal.getsignal(signal.SIGINT)
    with control.signals():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
