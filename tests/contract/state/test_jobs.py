"""Jobs: what may follow what, who asked for it, and what the world is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipewarden.core.jobs import TRANSITIONS, Intent, Job, JobStatus, Progress, Request
from pipewarden.errors import Fenced, IllegalTransition, UnknownName
from pipewarden.store.state import jobs, outbox
from pipewarden.store.state.jobs import transitions

ALL = list(JobStatus)
LEGAL = [(source, target) for source, targets in TRANSITIONS.items() for target in sorted(targets)]
ILLEGAL = [(s, t) for s in ALL for t in ALL if t not in TRANSITIONS[s]]


def history_of(database, job_id="run-1"):
    with database.read() as conn:
        return jobs.history(conn, job_id)


def told(database):
    with database.read() as conn:
        return [event for _, event in outbox.page(conn, limit=1000)]


def test_a_job_comes_back_as_it_was_written(database, later):
    job = Job(
        id="20260301_120000_invoices_abc1234",
        pipeline="invoices",
        source="data/raw/Ünïcode",
        status=JobStatus.PAUSED,
        parent_id="earlier",
        created_at=later(0),
        created_by="ada",
        started_at=later(1.5),
        options={"workers": 4, "nested": {"a": [1, None, 2.5]}},
        error="what went wrong",
        pause=Intent("bob", later(2), "lunch"),
        cancel=Intent("eve", later(3), ""),
        lease_owner="host:1",
        lease_token=7,
        lease_expires_at=later(30),
        heartbeat_at=later(4),
        progress=Progress(seen=10, skipped=1, published=5, quarantined=2, deferred=1, warned=3),
    )
    with database.write() as conn:
        assert jobs.insert(conn, job)
    with database.read() as conn:
        assert jobs.get(conn, job.id) == job


def test_an_id_that_is_taken_is_reported_and_changes_nothing(database, new_job, later):
    held = new_job("run-1")
    with database.write() as conn:
        other = Job(id="run-1", pipeline="other", source="s", created_at=later(9), created_by="eve")
        assert not jobs.insert(conn, other)
    with database.read() as conn:
        assert jobs.get(conn, "run-1") == held
    assert len(history_of(database)) == 1


def test_there_is_no_job_of_an_unknown_name(database, later):
    with database.write() as conn:
        assert jobs.get(conn, "nobody") is None
        with pytest.raises(UnknownName, match="nobody"):
            jobs.transition(conn, "nobody", JobStatus.RUNNING, actor="ada", at=later(0))
        with pytest.raises(UnknownName):
            jobs.request(conn, "nobody", Request.PAUSE, actor="ada", at=later(0))
        with pytest.raises(UnknownName):
            jobs.claim(conn, "nobody", owner="o", at=later(0), ttl_seconds=1)


@pytest.mark.parametrize(("source", "target"), LEGAL)
def test_a_legal_transition_is_made_noted_and_told(database, new_job, later, source, target):
    new_job(status=source)
    before, events = len(history_of(database)), len(told(database))
    with database.write() as conn:
        job = jobs.transition(conn, "run-1", target, actor="bob", at=later(60), reason="because")
    assert job.status is target
    (event,) = history_of(database)[before:]
    assert (event.from_status, event.to_status) == (source, target)
    assert (event.actor, event.reason, event.at) == ("bob", "because", later(60))
    (published,) = told(database)[events:]
    assert published.type == f"io.pipewarden.job.{event.event}"
    assert (published.subject, published.data["status"]) == ("run-1", target)


@pytest.mark.parametrize(("source", "target"), ILLEGAL)
def test_an_illegal_transition_is_refused_and_changes_nothing(
    database, new_job, later, source, target
):
    held = new_job(status=source)
    before = history_of(database)
    with database.write() as conn, pytest.raises(IllegalTransition) as refused:
        jobs.transition(conn, "run-1", target, actor="bob", at=later(60))
    assert f"is {source} and cannot become {target}" in refused.value.message
    assert refused.value.next_step
    assert all(allowed in refused.value.message for allowed in TRANSITIONS[source])
    with database.read() as conn:
        assert jobs.get(conn, "run-1") == held
    assert history_of(database) == before


def test_the_store_itself_refuses_a_move_from_a_state_that_is_gone(database, new_job, later):
    stale = new_job(status=JobStatus.RUNNING)
    with database.write() as conn:
        jobs.transition(conn, "run-1", JobStatus.COMPLETED, actor="ada", at=later(1))
    with database.write() as conn, pytest.raises(IllegalTransition):
        transitions.move(conn, stale, JobStatus.FAILED, actor="late", at=later(2))
    with database.read() as conn:
        assert jobs.get(conn, "run-1").status is JobStatus.COMPLETED


def test_started_is_kept_and_finished_is_renewed_when_a_job_resumes(database, new_job, later):
    new_job()
    with database.write() as conn:

        def to(status, seconds, **also):
            return jobs.transition(conn, "run-1", status, actor="ada", at=later(seconds), **also)

        assert to(JobStatus.RUNNING, 1).started_at == later(1)
        failed = to(JobStatus.FAILED, 2, error="disk full")
        assert (failed.finished_at, failed.error) == (later(2), "disk full")
        resumed = to(JobStatus.RUNNING, 3)
        assert (resumed.started_at, resumed.finished_at, resumed.error) == (later(1), None, "")
        done = to(JobStatus.COMPLETED, 4)
        assert (done.started_at, done.finished_at) == (later(1), later(4))
    names = [event.event for event in history_of(database)]
    assert names == ["queued", "started", "failed", "resumed", "completed"]
    assert history_of(database)[2].reason == "disk full"


def test_a_later_write_leaves_the_error_alone(database, new_job, later):
    new_job(status=JobStatus.RUNNING)
    with database.write() as conn:
        jobs.transition(conn, "run-1", JobStatus.FAILED, actor="a", at=later(1), error="lost")
        requeued = jobs.transition(conn, "run-1", JobStatus.QUEUED, actor="a", at=later(2))
        assert requeued.error == ""
    assert history_of(database)[-2].reason == "lost"


@pytest.mark.parametrize("end", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.PAUSED])
def test_any_exit_after_a_cancel_request_ends_cancelled(database, lease, later, end):
    with database.write() as conn:
        jobs.request(conn, "run-1", Request.CANCEL, actor="bob", at=later(1), reason="wrong data")
        ended = jobs.transition(conn, "run-1", end, actor="host:1", at=later(2), lease=lease)
    assert ended.status is JobStatus.CANCELLED
    assert ended.cancel is None


def test_a_late_pause_does_not_undo_completion(database, lease, later):
    with database.write() as conn:
        jobs.request(conn, "run-1", Request.PAUSE, actor="bob", at=later(1))
        ended = jobs.transition(
            conn, "run-1", JobStatus.COMPLETED, actor="host:1", at=later(2), lease=lease
        )
    assert ended.status is JobStatus.COMPLETED


@pytest.mark.parametrize("what", list(Request))
def test_a_request_to_a_running_job_is_recorded_once_and_is_not_a_state(
    database, lease, later, what
):
    with database.write() as conn:
        asked = jobs.request(conn, "run-1", what, actor="bob", at=later(1), reason="why")
        again = jobs.request(conn, "run-1", what, actor="eve", at=later(2), reason="me too")
    intent = asked.pause if what is Request.PAUSE else asked.cancel
    assert asked.status is JobStatus.RUNNING
    assert intent == Intent("bob", later(1), "why")
    assert again == asked
    assert [e.event for e in history_of(database)].count(f"{what}_requested") == 1


@pytest.mark.parametrize(
    ("status", "what", "ends"),
    [
        (JobStatus.QUEUED, Request.PAUSE, JobStatus.PAUSED),
        (JobStatus.QUEUED, Request.CANCEL, JobStatus.CANCELLED),
        (JobStatus.PAUSED, Request.PAUSE, JobStatus.PAUSED),
        (JobStatus.PAUSED, Request.CANCEL, JobStatus.CANCELLED),
    ],
)
def test_a_request_to_a_job_that_nobody_runs_acts_at_once(
    database, new_job, later, status, what, ends
):
    new_job(status=status)
    with database.write() as conn:
        job = jobs.request(conn, "run-1", what, actor="bob", at=later(1), reason="why")
    assert job.status is ends
    assert job.pause is None and job.cancel is None


@pytest.mark.parametrize("what", list(Request))
@pytest.mark.parametrize("status", [status for status in ALL if status.finished])
def test_a_finished_job_refuses_requests(database, new_job, later, status, what):
    new_job(status=status)
    with database.write() as conn, pytest.raises(IllegalTransition, match=status):
        jobs.request(conn, "run-1", what, actor="bob", at=later(1))


def test_resuming_clears_what_was_asked_before(database, lease, later):
    with database.write() as conn:
        jobs.request(conn, "run-1", Request.PAUSE, actor="bob", at=later(1))
        jobs.transition(conn, "run-1", JobStatus.FAILED, actor="host:1", at=later(2), lease=lease)
        lease = jobs.claim(conn, "run-1", owner="host:2", at=later(3), ttl_seconds=30)
        job = jobs.heartbeat(conn, lease, at=later(4), ttl_seconds=30)
    assert job.pause is None


def test_a_transition_under_a_stale_lease_is_fenced(database, lease, later):
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=later(31), ttl_seconds=30)
        with pytest.raises(Fenced, match="host:2"):
            jobs.transition(
                conn, "run-1", JobStatus.COMPLETED, actor="host:1", at=later(32), lease=lease
            )


def test_pages_are_newest_first_with_true_totals(database, new_job, later):
    for number in range(7):
        new_job(
            f"run-{number}",
            JobStatus.COMPLETED if number % 2 else JobStatus.QUEUED,
            created_at=later(number // 2),
            pipeline="even" if number % 2 == 0 else "odd",
        )
    with database.read() as conn:
        first = jobs.page(conn, limit=3)
        second = jobs.page(conn, limit=3, offset=3)
        ids = [job.id for job in first.jobs + second.jobs]
        assert ids == ["run-6", "run-5", "run-4", "run-3", "run-2", "run-1"]
        assert first.total == second.total == 7
        done = jobs.page(conn, status=JobStatus.COMPLETED, limit=1)
        assert (len(done.jobs), done.total) == (1, 3)
        assert jobs.page(conn, pipeline="even").total == 4
        assert jobs.page(conn, source="elsewhere") == jobs.JobPage((), 0)
        assert jobs.page(conn, limit=1, offset=99).total == 7
        for limit in range(1, 9):  # whichever end is nearer, every job is on one page
            pages = [jobs.page(conn, limit=limit, offset=at) for at in range(0, 9, limit)]
            walked = [job.id for page in pages for job in page.jobs]
            assert walked == [f"run-{number}" for number in range(6, -1, -1)]


def test_the_latest_job_of_each_source_and_pipeline_is_found(database, new_job, later):
    new_job("old", source="b", created_at=later(1))
    new_job("new", source="b", created_at=later(2))
    new_job("other-pipeline", source="b", pipeline="articles", created_at=later(1))
    new_job("other-source", source="a", created_at=later(0))
    with database.read() as conn:
        latest = [job.id for job in jobs.latest_of_each_source(conn)]
    assert latest == ["other-source", "other-pipeline", "new"]


def test_the_plan_is_recorded_under_the_lease_only(database, lease, later):
    with database.write() as conn:
        jobs.set_seen(conn, lease, 100, 40)
        progress = jobs.get(conn, "run-1").progress
        assert (progress.seen, progress.skipped) == (100, 40)
        jobs.claim(conn, "run-1", owner="host:2", at=later(31), ttl_seconds=30)
        with pytest.raises(Fenced):
            jobs.set_seen(conn, lease, 1, 1)


def test_nothing_of_a_transition_survives_a_rolled_back_transaction(database, new_job, later):
    held = new_job()
    before = (history_of(database), told(database))
    with pytest.raises(RuntimeError), database.write() as conn:
        jobs.transition(conn, "run-1", JobStatus.RUNNING, actor="ada", at=later(1))
        raise RuntimeError
    with database.read() as conn:
        assert jobs.get(conn, "run-1") == held
    assert (history_of(database), told(database)) == before


def test_a_naive_time_is_refused(database, new_job, later):
    naive = (later(0) + timedelta(hours=1)).replace(tzinfo=None)
    new_job()
    with pytest.raises(Exception, match="naive"), database.write() as conn:
        jobs.transition(conn, "run-1", JobStatus.RUNNING, actor="ada", at=naive)


def test_text_that_no_database_takes_is_spelled_out(database, new_job, later):
    new_job(status=JobStatus.RUNNING)
    with database.write() as conn:
        job = jobs.transition(
            conn, "run-1", JobStatus.FAILED, actor="a", at=later(1), error="bad \x00 name \udc80"
        )
    assert job.error == "bad \\x00 name \\udc80"
