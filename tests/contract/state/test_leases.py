"""The lease: one runner at a time, and none that was replaced can commit."""

from __future__ import annotations

import pytest

from pipewarden.core.jobs import JobStatus, Request
from pipewarden.errors import Fenced, IllegalTransition, Locked
from pipewarden.store.state import jobs

UNKNOWN = {}.get
LIVING = {"host:1": True}.get
DEAD = {"host:1": False}.get


def reap(database, at, is_alive=UNKNOWN):
    with database.write() as conn:
        return jobs.reap(conn, at=at, is_alive=is_alive)


def status_of(database):
    with database.read() as conn:
        return jobs.get(conn, "run-1").status


@pytest.mark.parametrize(
    "status", [JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.FAILED, JobStatus.CANCELLED]
)
def test_a_job_that_nobody_runs_is_claimed(database, new_job, later, status):
    new_job(status=status)
    with database.write() as conn:
        lease = jobs.claim(conn, "run-1", owner="host:1", at=later(5), ttl_seconds=30)
        job = jobs.get(conn, "run-1")
    assert job.status is JobStatus.RUNNING
    assert (job.lease_owner, job.lease_token) == ("host:1", lease.token)
    assert job.lease_expires_at == lease.expires_at == later(35)


def test_a_completed_job_is_not_claimed(database, new_job, later):
    new_job(status=JobStatus.COMPLETED)
    with database.write() as conn, pytest.raises(IllegalTransition) as refused:
        jobs.claim(conn, "run-1", owner="host:1", at=later(5), ttl_seconds=30)
    assert refused.value.next_step == "pipewarden rerun run-1"


def test_a_running_job_is_held_against_others_who_learn_by_whom_and_until_when(
    database, lease, later
):
    with database.write() as conn, pytest.raises(Locked) as refused:
        jobs.claim(conn, "run-1", owner="host:2", at=later(29), ttl_seconds=30)
    assert "host:1" in refused.value.message
    assert later(30).isoformat() in refused.value.message


def test_an_expired_lease_is_taken_over_with_a_greater_token(database, lease, later):
    with database.write() as conn:
        taken = jobs.claim(conn, "run-1", owner="host:2", at=later(30), ttl_seconds=30)
        assert taken.token > lease.token
        for attempt in (
            lambda: jobs.heartbeat(conn, lease, at=later(31), ttl_seconds=30),
            lambda: jobs.set_seen(conn, lease, 1, 0),
            lambda: jobs.check_fence(conn, lease),
        ):
            with pytest.raises(Fenced, match="host:1 no longer holds job run-1"):
                attempt()
        assert jobs.history(conn, "run-1")[-1].reason == "taken over from host:1"


def test_a_lease_is_stolen_only_from_the_owner_named_as_dead(database, lease, later):
    with database.write() as conn:
        with pytest.raises(Locked):
            jobs.claim(
                conn, "run-1", owner="host:2", at=later(1), ttl_seconds=30, steal_from="host:9"
            )
        stolen = jobs.claim(
            conn, "run-1", owner="host:2", at=later(1), ttl_seconds=30, steal_from="host:1"
        )
    assert stolen.token == lease.token + 1


def test_the_first_token_of_every_claim_is_new(database, new_job, later):
    new_job()
    tokens = []
    with database.write() as conn:
        for _ in range(3):
            lease = jobs.claim(conn, "run-1", owner="host:1", at=later(0), ttl_seconds=30)
            tokens.append(lease.token)
            jobs.transition(
                conn, "run-1", JobStatus.PAUSED, actor="host:1", at=later(1), lease=lease
            )
    assert tokens == sorted(set(tokens))


def test_an_exclusive_claim_waits_for_the_other_job_of_the_source(database, lease, new_job, later):
    new_job("run-2")
    with database.write() as conn:
        with pytest.raises(Locked, match="run-1"):
            jobs.claim(conn, "run-2", owner="host:2", at=later(1), ttl_seconds=30, exclusive=True)
        jobs.transition(conn, "run-1", JobStatus.PAUSED, actor="o", at=later(2), lease=lease)
        jobs.claim(conn, "run-2", owner="host:2", at=later(3), ttl_seconds=30, exclusive=True)


def test_a_heartbeat_renews_the_lease_and_shows_the_intents(database, lease, later):
    with database.write() as conn:
        jobs.request(conn, "run-1", Request.PAUSE, actor="bob", at=later(5), reason="lunch")
        job = jobs.heartbeat(conn, lease, at=later(20), ttl_seconds=30)
    assert job.lease_expires_at == later(50)
    assert job.heartbeat_at == later(20)
    assert job.pause is not None and job.pause.reason == "lunch"
    assert reap(database, later(49)) == []


def test_a_released_job_may_be_claimed_at_once(database, lease, later):
    with database.write() as conn:
        jobs.release(conn, lease)
        jobs.claim(conn, "run-1", owner="host:2", at=later(1), ttl_seconds=30)
        jobs.release(conn, lease)
        assert jobs.get(conn, "run-1").lease_owner == "host:2"


def test_leaving_running_gives_the_lease_back(database, lease, later):
    with database.write() as conn:
        job = jobs.transition(
            conn, "run-1", JobStatus.COMPLETED, actor="host:1", at=later(1), lease=lease
        )
        assert (job.lease_owner, job.lease_expires_at) == (None, None)
        with pytest.raises(Fenced):
            jobs.heartbeat(conn, lease, at=later(2), ttl_seconds=30)


@pytest.mark.parametrize(
    ("seconds", "is_alive", "reaped"),
    [
        (29, UNKNOWN, False),
        (30, UNKNOWN, True),
        (29, DEAD, True),
        (29, LIVING, False),
        (3000, LIVING, False),
    ],
)
def test_a_job_is_reaped_when_its_runner_is_known_dead_or_silent(
    database, lease, later, seconds, is_alive, reaped
):
    assert bool(reap(database, later(seconds), is_alive)) is reaped
    assert status_of(database) is (JobStatus.FAILED if reaped else JobStatus.RUNNING)


@pytest.mark.parametrize(
    ("requests", "ends", "error"),
    [
        ([], JobStatus.FAILED, "runner lost"),
        ([Request.PAUSE], JobStatus.PAUSED, ""),
        ([Request.CANCEL], JobStatus.CANCELLED, ""),
        ([Request.PAUSE, Request.CANCEL], JobStatus.CANCELLED, ""),
    ],
)
def test_a_reaped_job_ends_as_it_was_asked_to(database, lease, later, requests, ends, error):
    with database.write() as conn:
        for what in requests:
            jobs.request(conn, "run-1", what, actor="bob", at=later(1))
    (job,) = reap(database, later(60))
    assert (job.status, job.error) == (ends, error)
    with database.read() as conn:
        last = jobs.history(conn, "run-1")[-1]
    assert (last.to_status, last.reason) == (ends, "runner lost: host:1")


def test_reaping_never_touches_what_is_not_running(database, new_job, later):
    for status in JobStatus:
        if status is not JobStatus.RUNNING:
            new_job(f"run-{status}", status)
    assert reap(database, later(9999), lambda owner: False) == []


def test_a_runner_that_was_only_asleep_is_fenced_off_after_reaping(database, lease, later):
    reap(database, later(60))
    with database.write() as conn, pytest.raises(Fenced):
        jobs.heartbeat(conn, lease, at=later(61), ttl_seconds=30)
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=later(62), ttl_seconds=30)
        with pytest.raises(Fenced):
            jobs.check_fence(conn, lease)


def test_a_heartbeat_that_came_meanwhile_wins_over_reaping(database, lease, later):
    with database.write() as conn:
        jobs.heartbeat(conn, lease, at=later(31), ttl_seconds=30)
    assert reap(database, later(32)) == []
    assert status_of(database) is JobStatus.RUNNING


def test_a_reaped_job_is_resumed_like_any_other(database, lease, later):
    reap(database, later(60))
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=later(61), ttl_seconds=30)
        job = jobs.get(conn, "run-1")
    assert (job.status, job.started_at, job.error) == (JobStatus.RUNNING, later(0), "")
