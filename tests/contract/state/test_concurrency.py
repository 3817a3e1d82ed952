"""Several writers at once: one wins, the others are told, nothing is lost."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest

from pipewarden.core.audit import audit
from pipewarden.core.chain import Act
from pipewarden.core.jobs import Job, JobStatus, Request
from pipewarden.errors import Fenced, IllegalTransition, Locked
from pipewarden.store.state import jobs, ledger
from pipewarden.store.state.database import Database
from pipewarden.store.state.verify import verify_ledger

ROUNDS = 5


def race(database, *contenders):
    """Let each contender loose in a thread and transaction of its own; return result or error."""
    start = threading.Barrier(len(contenders))
    results = [None] * len(contenders)

    def run(i):
        start.wait()
        try:
            with database.write() as conn:
                results[i] = contenders[i](conn)
        except (Locked, Fenced, IllegalTransition) as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(contenders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("_", range(ROUNDS))
def test_of_several_claims_one_wins(database, new_job, later, _):
    new_job()

    def claim(owner):
        return lambda conn: jobs.claim(conn, "run-1", owner=owner, at=later(0), ttl_seconds=30)

    results = race(database, *(claim(f"host:{i}") for i in range(4)))
    won = [result for result in results if not isinstance(result, Exception)]
    assert len(won) == 1
    assert sum(isinstance(result, Locked) for result in results) == 3
    with database.read() as conn:
        assert jobs.get(conn, "run-1").lease_owner == won[0].owner


@pytest.mark.parametrize("_", range(ROUNDS))
def test_of_several_takeovers_of_a_dead_runner_one_wins(database, lease, later, _):
    def take(owner):
        return lambda conn: jobs.claim(conn, "run-1", owner=owner, at=later(60), ttl_seconds=30)

    results = race(database, *(take(f"host:{i}") for i in range(2, 5)))
    assert sum(isinstance(result, Locked) for result in results) == 2


@pytest.mark.parametrize("_", range(ROUNDS))
def test_a_late_cancel_and_a_completion_agree_on_one_end(database, lease, later, _):
    completed, cancelled = race(
        database,
        lambda conn: jobs.transition(
            conn, "run-1", JobStatus.COMPLETED, actor="host:1", at=later(1), lease=lease
        ),
        lambda conn: jobs.request(conn, "run-1", Request.CANCEL, actor="bob", at=later(1)),
    )
    with database.read() as conn:
        end = jobs.get(conn, "run-1").status
    if isinstance(cancelled, IllegalTransition):
        assert end is JobStatus.COMPLETED
    else:
        assert end is completed.status is JobStatus.CANCELLED


@pytest.mark.parametrize("_", range(ROUNDS))
def test_reaping_and_a_heartbeat_agree_on_whether_the_runner_lives(database, lease, later, _):
    reaped, beat = race(
        database,
        lambda conn: jobs.reap(conn, at=later(40), is_alive=lambda owner: None),
        lambda conn: jobs.heartbeat(conn, lease, at=later(40), ttl_seconds=30),
    )
    with database.read() as conn:
        end = jobs.get(conn, "run-1").status
    if isinstance(beat, Fenced):
        assert len(reaped) == 1 and end is JobStatus.FAILED
    else:
        assert reaped == [] and end is JobStatus.RUNNING


@pytest.mark.parametrize("_", range(ROUNDS))
def test_reaping_never_overwrites_a_terminal_state(database, lease, later, _):
    reaped, done = race(
        database,
        lambda conn: jobs.reap(conn, at=later(40), is_alive=lambda owner: False),
        lambda conn: jobs.transition(
            conn, "run-1", JobStatus.COMPLETED, actor="host:1", at=later(40), lease=lease
        ),
    )
    with database.read() as conn:
        end = jobs.get(conn, "run-1").status
    assert end is (JobStatus.FAILED if reaped else JobStatus.COMPLETED)
    assert isinstance(done, Fenced) is bool(reaped)


def test_one_of_two_inserts_of_one_id_is_told_that_it_is_taken(database, later):
    job = Job(id="run-1", pipeline="p", source="s", created_at=later(0), created_by="ada")

    def insert(conn):
        return jobs.insert(conn, job)

    assert sorted(race(database, insert, insert)) == [False, True]


def test_concurrent_appends_keep_one_chain(database, later):
    def append(name):
        acts = [Act(actor=name, action="test.done", subject=str(i)) for i in range(5)]
        return lambda conn: ledger.append(conn, acts, later(0))

    anchors = race(database, *(append(f"thread-{i}") for i in range(8)))
    with database.read() as conn:
        found = verify_ledger(conn, anchors)
    assert found.holds
    assert found.entries == 40


def append_from_process(url, name, start):
    database = Database.open(url)
    start.wait()
    for i in range(10):
        with database.write() as conn:
            act = Act(actor=name, action="test.done", subject=str(i))
            ledger.append(conn, [act], datetime(2026, 1, 1, tzinfo=UTC))
    database.close()


def test_processes_that_open_a_new_database_at_once_make_one_schema_and_one_chain(url):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    processes = [
        context.Process(target=append_from_process, args=(url, f"process-{i}", start))
        for i in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with closing(Database.open(url)) as database, database.read() as conn:
        entries = list(ledger.entries(conn))
    assert audit(entries).holds
    assert len(entries) == 30
