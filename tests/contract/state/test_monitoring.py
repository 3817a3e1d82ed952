"""What is watched, in the state database: rounds of checks, limits, figures of runs, windows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pipewarden.core.jobs import Job, JobStatus, Progress
from pipewarden.errors import Fenced, Locked, UnknownName
from pipewarden.store.state import jobs
from pipewarden.store.state.jobs import figures as runs
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import limits, rounds, windows
from pipewarden.store.state.monitoring.limits import AppliedLimit
from pipewarden.store.state.monitoring.windows import Place, Stream


def begin(conn, check_id: str, at: datetime, **also) -> bool:
    asked = {"owner": "here:1:1", "actor": "ada", "lease_seconds": 60.0, **also}
    return rounds.begin(conn, check_id, at=at, **asked)


def test_a_second_check_is_refused_while_one_runs(database, later):
    with database.write() as conn:
        assert begin(conn, "a", later(0))
        with pytest.raises(Locked, match="here:1:1"):
            begin(conn, "b", later(59))
        rounds.finish(conn, "a", at=later(60), counts={"ok": 2}, failures={})
        assert begin(conn, "b", later(61))
        first, second = rounds.get(conn, "a"), rounds.get(conn, "b")
    assert (first.running, first.finished_at, first.counts) == (None, later(60), {"ok": 2})
    assert (second.running, second.finished_at) == (1, None)


def test_a_check_that_outlived_its_lease_stores_nothing_once_another_began(database, later):
    with database.write() as conn:
        begin(conn, "slow", later(0))
        begin(conn, "next", later(60))
        with pytest.raises(Fenced, match="slow"):
            rounds.finish(conn, "slow", at=later(61), counts={}, failures={})
        lost = rounds.get(conn, "slow")
    assert lost.finished_at is None
    assert "did not end it in time" in lost.failures["check"]


def test_a_slow_check_may_end_as_long_as_nobody_took_its_place(database, later):
    with database.write() as conn:
        begin(conn, "slow", later(0))
        rounds.finish(conn, "slow", at=later(600), counts={}, failures={})
        assert rounds.get(conn, "slow").finished_at == later(600)


def test_of_two_monitors_of_one_round_one_checks(database, later):
    with database.write() as conn:
        assert begin(conn, "a", later(0), not_since=later(-30))
        rounds.finish(conn, "a", at=later(1), counts={}, failures={})
        assert not begin(conn, "b", later(2), not_since=later(-28))
        assert begin(conn, "c", later(60), not_since=later(30))
        assert [one.check_id for one in rounds.listed(conn)] == ["c", "a"]


def test_a_check_that_nobody_knows_is_named(database):
    with database.read() as conn, pytest.raises(UnknownName, match="'none'"):
        rounds.get(conn, "none")


def test_the_newest_limit_of_a_metric_counts_until_it_is_taken_back(database, later):
    def put(at, warn, breach, subject=""):
        one = AppliedLimit(
            metric="queue.depth", subject=subject, warn=warn, breach=breach,
            actor="ada", reason="quiet nights", at=at,
        )  # fmt: skip
        limits.put(conn, one)
        return one

    with database.write() as conn:
        put(later(0), 10.0, 20.0)
        newest = put(later(1), 11.0, None)
        put(later(2), 1.0, 2.0, "mine")
        put(later(3), None, None, "mine")
        assert limits.in_force(conn) == {("queue.depth", ""): newest}
    assert newest.act(None).details == {"warn": 11.0, "breach": None, "before": None}


@pytest.fixture
def ended(database):
    """Return what writes a run that ended."""

    def write(job_id: str, status: JobStatus, at: datetime, **progress: int) -> None:
        job = Job(
            id=job_id, pipeline="invoices", source="in", created_by="ada", status=status,
            created_at=at - timedelta(minutes=1), started_at=at, finished_at=at,
            progress=Progress(**progress),
        )  # fmt: skip
        with database.write() as conn:
            jobs.insert(conn, job)

    return write


def test_runs_are_counted_by_how_and_when_they_ended(database, ended, later):
    ended("long ago", JobStatus.COMPLETED, later(-7200), published=5)
    ended("good", JobStatus.COMPLETED, later(-600), published=8, quarantined=1)
    ended("bad", JobStatus.FAILED, later(-300), published=1, quarantined=1)
    ended("stopped", JobStatus.CANCELLED, later(-200), published=9)
    with database.read() as conn:
        found = runs.figures(conn, since=later(-3600), until=later(0))
        begun = runs.last_begun(conn, "invoices"), runs.last_begun(conn, "orders")
    assert list(found) == ["invoices"]
    figures = found["invoices"]
    assert figures.last_completed == later(-600)
    assert (figures.completed, figures.failed) == (1, 1)
    assert (figures.published, figures.quarantined) == (9, 2)
    assert begun == (later(-260), None)


STREAM = Stream(model="m", environment="production", version=1)


@pytest.fixture
def answered(database, later):
    """Return what logs predictions, one a second, and yields their ids."""

    def log(number: int, start: float = 0, **also) -> list[str]:
        fields = {
            "model": "m", "version": 1, "environment": "production", "role": "champion",
            "entity": "", "inputs": {}, "answer": {}, "request_id": "", **also,
        }  # fmt: skip
        rows = [
            Prediction(id=f"{start:05}-{i:03}", at=later(start + i), **fields)
            for i in range(number)
        ]
        with database.write() as conn:
            predictions.append(conn, rows)
        return [row.id for row in rows]

    return log


def test_a_window_holds_its_first_instant_and_not_its_last(database, answered, later):
    ids = answered(10)
    answered(3, 100, role="challenger")
    with database.read() as conn:
        rows, total = windows.between(conn, STREAM, since=later(2), until=later(5), limit=100)
    assert ([row.id for row in rows], total) == (ids[2:5], 3)


def test_of_a_large_window_every_nth_prediction_is_drawn(database, answered, later):
    ids = answered(100)
    with database.read() as conn:
        rows, total = windows.between(conn, STREAM, since=later(0), until=later(100), limit=30)
    assert total == 100
    assert [row.id for row in rows] == ids[3::4]


def test_windows_by_number_follow_each_other_without_gap_or_overlap(database, answered, later):
    ids = answered(25)
    place, seen = Place(at=later(0)), []
    with database.read() as conn:
        while len(rows := windows.following(conn, STREAM, place, 10)) == 10:
            seen += [row.id for row in rows]
            place = Place(at=rows[-1].at, id=rows[-1].id)
    assert seen == ids[:20]


def test_batches_are_the_requests_with_enough_predictions(database, answered, later):
    first = answered(5, 0, request_id="first")
    answered(2, 100, request_id="few")
    answered(5, 200, request_id="second")
    answered(9, 300)
    with database.read() as conn:
        found = list(windows.requests(conn, STREAM, since=later(0), rows=5))
        rows, total = windows.of_request(conn, STREAM, "first", since=later(0), limit=9)
    assert [name for name, _, _ in found] == ["first", "second"]
    assert found[0][1:] == (later(0), later(4))
    assert ([row.id for row in rows], total) == (first, 5)
