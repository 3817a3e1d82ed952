"""The queue on both databases: reserved once, run once, given back, lost no more than so often."""

from __future__ import annotations

import pytest

from pipewarden.core.jobs import LOSSES, JobStatus, Request
from pipewarden.errors import IllegalTransition
from pipewarden.store.state import jobs

DEAD = {"host:9": False}.get


@pytest.fixture
def queued(new_job):
    """Return what makes queued jobs, each a second younger than the one before."""

    def make(*ids, later=None, **also):
        return [new_job(i, queued=True, **{"source": f"s-{i}", **also}) for i in ids]

    return make


def reserve(database, at, owner="service:1", limit=10):
    with database.write() as conn:
        found = jobs.reserve(conn, owner=owner, at=at, ttl_seconds=60, limit=limit)
    return [job.id for job in found]


def test_a_job_is_reserved_by_one_service_at_a_time_and_again_when_that_ran_out(
    database, queued, later
):
    queued("a", "b", "c")
    assert reserve(database, later(0), limit=2) == ["a", "b"]
    assert reserve(database, later(1), "service:2") == ["c"]
    assert reserve(database, later(59), "service:2") == []
    with database.write() as conn:
        jobs.renew(conn, ["a"], owner="service:1", at=later(59), ttl_seconds=60)
        jobs.renew(conn, ["b"], owner="service:2", at=later(59), ttl_seconds=60)  # not its own
    assert reserve(database, later(60), "service:2") == ["b"]


def test_only_what_was_submitted_is_taken(database, new_job, later):
    new_job("by-hand")
    assert reserve(database, later(0)) == []


def test_of_one_source_and_of_one_folder_of_lines_one_job_runs_at_a_time(database, queued, later):
    queued("a1", "a2", source="same")
    lines = {"lines": "words.jsonl", "output_dir": "/out"}
    queued("l1", "l2", options=lines)
    queued("other", options={**lines, "output_dir": "/elsewhere"})
    assert reserve(database, later(0)) == ["a1", "l1", "other"]
    with database.write() as conn:
        jobs.claim(conn, "a1", owner="host:9", at=later(1), ttl_seconds=600)
        jobs.claim(conn, "l1", owner="host:9", at=later(1), ttl_seconds=600)
    assert reserve(database, later(100)) == ["other"]
    with database.write() as conn:
        for job_id in ("a1", "l1"):
            jobs.transition(conn, job_id, JobStatus.COMPLETED, actor="ada", at=later(101))
    assert reserve(database, later(102)) == ["a2", "l2"]


def test_a_job_that_left_the_queue_is_refused_to_the_runner_that_was_started_for_it(
    database, queued, later
):
    queued("a")
    reserve(database, later(0))
    with database.write() as conn:
        jobs.request(conn, "a", Request.CANCEL, actor="ada", at=later(1))
        with pytest.raises(IllegalTransition, match="does not wait in the queue any more"):
            jobs.require_queued(conn, "a")
    assert reserve(database, later(2)) == []


@pytest.mark.parametrize("status", [JobStatus.PAUSED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_what_was_stopped_can_be_queued_with_a_clean_sheet(database, new_job, later, status):
    new_job("a", status)
    with database.write() as conn:
        job = jobs.enqueue(conn, "a", actor="ada", at=later(1))
    assert (job.status, job.queued, job.losses) == (JobStatus.QUEUED, True, 0)
    assert reserve(database, later(2)) == ["a"]


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.COMPLETED])
def test_nothing_else_can(database, new_job, later, status):
    new_job("a", status)
    with database.write() as conn, pytest.raises(IllegalTransition, match=f"job a is {status}"):
        jobs.enqueue(conn, "a", actor="ada", at=later(1))


def reaped(database, at):
    with database.write() as conn:
        jobs.claim(conn, "a", owner="host:9", at=at, ttl_seconds=600)
        (job,) = jobs.reap(conn, at=at, is_alive=DEAD)
    return job


def test_a_queued_job_that_lost_its_runner_waits_again_until_it_lost_too_many_in_a_row(
    database, queued, later
):
    queued("a")
    for number in range(1, LOSSES):
        job = reaped(database, later(number))
        assert (job.status, job.losses, job.error) == (JobStatus.QUEUED, number, "")
    job = reaped(database, later(9))
    assert job.status is JobStatus.FAILED
    assert f"runner lost {LOSSES} times in a row" in job.error


def test_what_was_decided_between_two_losses_begins_the_count_anew(
    database, queued, later, records
):
    from pipewarden.store.state import items

    queued("a")
    for number in range(1, 2 * LOSSES):
        with database.write() as conn:
            lease = jobs.claim(conn, "a", owner="host:9", at=later(number), ttl_seconds=600)
            (record,) = records(number, number, run_id="a")
            items.put(conn, lease.job_id, {record.key: (record.result, record.at)})
            (job,) = jobs.reap(conn, at=later(number), is_alive=DEAD)
        assert (job.status, job.losses) == (JobStatus.QUEUED, 1)


@pytest.mark.parametrize(
    ("what", "status"),
    [(Request.PAUSE, JobStatus.PAUSED), (Request.CANCEL, JobStatus.CANCELLED)],
)
def test_a_lost_job_that_was_asked_to_stop_stops(database, queued, later, what, status):
    queued("a")
    with database.write() as conn:
        jobs.claim(conn, "a", owner="host:9", at=later(1), ttl_seconds=600)
        jobs.request(conn, "a", what, actor="ada", at=later(2))
        (job,) = jobs.reap(conn, at=later(3), is_alive=DEAD)
    assert job.status is status


def fail_unstarted(database, at, *, final=False, owner="service:1"):
    with database.write() as conn:
        return jobs.fail_unstarted(conn, "a", owner=owner, at=at, error="no such", final=final)


def test_a_runner_that_ends_before_it_claims_counts_as_lost_and_one_without_hope_at_once(
    database, queued, later
):
    queued("a")
    for number in range(1, LOSSES):
        assert reserve(database, later(number)) == ["a"]
        assert fail_unstarted(database, later(number)).status is JobStatus.QUEUED
    reserve(database, later(5))
    assert fail_unstarted(database, later(5), owner="service:2") is None
    assert fail_unstarted(database, later(5)).status is JobStatus.FAILED
    with database.write() as conn:
        jobs.enqueue(conn, "a", actor="ada", at=later(6))
    reserve(database, later(6))
    ended = fail_unstarted(database, later(7), final=True)
    assert (ended.status, ended.error) == (JobStatus.FAILED, "no such")


def test_a_job_that_is_put_back_waits_until_its_time(database, queued, later):
    queued("a")
    reserve(database, later(0))
    with database.write() as conn:
        jobs.put_back(conn, "a", owner="service:1", until=later(5))
    assert reserve(database, later(4)) == []
    assert reserve(database, later(5)) == ["a"]


def test_events_of_a_job_tell_whose_request_it_was(database, queued):
    from pipewarden.store.state import outbox

    queued("a", request_id="r-1", traceparent="00-a-b-01")
    with database.read() as conn:
        ((_, event),) = outbox.page(conn)
    assert (event.data["request_id"], event.data["traceparent"]) == ("r-1", "00-a-b-01")
