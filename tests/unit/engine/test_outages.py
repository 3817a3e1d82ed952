"""A database that goes away in the middle of a job is waited for; nothing is lost or doubled."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

import pipewarden as pw
from pipewarden.core.jobs import JobStatus
from pipewarden.core.outages.breaker import BreakerState, Policy
from pipewarden.errors import DatabaseUnavailable
from pipewarden.jobs import requests
from pipewarden.jobs.queue.service import JobService
from pipewarden.jobs.run import Silent, run
from pipewarden.jobs.runners import execution, outages, publishing
from pipewarden.jobs.runners.outages import Dependency, Outages, Standing
from pipewarden.jobs.workspace import utc_now
from pipewarden.store.state.database import Database

START = datetime(2026, 3, 1, tzinfo=UTC)


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def database(time: Time) -> Dependency:
    policy = Policy(first_delay=1.0, longest_delay=8.0, open_after=3)
    return Dependency(time, policy, random=lambda: 0.999999)


def waits(database: Dependency, time: Time, patience: float = 1e6) -> tuple[Outages, list[str]]:
    told: list[str] = []
    return Outages(database, patience, time, told.append, time.sleep), told


def tries(*outcomes: int | None) -> Any:
    """Return what fails for each None and answers with each number."""
    left = iter(outcomes)

    def again() -> int:
        reached = next(left)
        if reached is None:
            raise DatabaseUnavailable("it does not answer")
        return reached

    return again


GONE = DatabaseUnavailable("the state database does not answer")


def test_it_is_tried_less_and_less_often_and_told_once(database, time):
    waiting, told = waits(database, time)
    waiting.outlast(GONE, tries(None, None, None, None, 7))
    assert (time.now - START).total_seconds() == pytest.approx(1 + 2 + 4 + 8 + 8, abs=0.01)
    assert [note.partition(" database ")[2] for note in told] == [
        "does not answer; the job waits for it, and nothing is lost",
        "answers again after 23 s; the job goes on",
    ]
    assert database.standing == Standing()


def test_what_health_sees_of_an_outage(database, time):
    seen = []

    def sleep(seconds: float) -> None:
        seen.append(database.standing)
        time.sleep(seconds)

    Outages(database, 1e6, time, lambda _: None, sleep).outlast(GONE, tries(None, None, None, 1))
    closed, opened = BreakerState.CLOSED, BreakerState.OPEN
    assert [one.state for one in seen] == [closed, closed, opened, opened]
    assert [one.failures for one in seen] == [1, 2, 3, 4]
    assert {one.since for one in seen} == {START}


def test_patience_ends_and_the_error_is_the_last_one(database, time):
    waiting, told = waits(database, time, patience=10.0)
    with pytest.raises(DatabaseUnavailable, match="it does not answer"):
        waiting.outlast(GONE, tries(*[None] * 9))
    assert (time.now - START).total_seconds() <= 10
    assert len(told) == 1


def test_a_database_that_fails_at_one_point_again_and_again_is_one_outage(database, time):
    waiting, _ = waits(database, time, patience=100.0)
    waiting.outlast(GONE, tries(5))
    assert database.standing.failures == 0  # something was decided since: a new outage
    with pytest.raises(DatabaseUnavailable):
        for _ in range(1_000):
            waiting.outlast(GONE, tries(5))
    assert database.standing.failures > 10


def test_what_a_process_knows_of_its_dependencies_has_their_names(time, monkeypatch):
    monkeypatch.setattr(outages, "_met", {})
    outages.dependency("database", time).failed()
    assert outages.dependency("database", time) is outages.dependency("database", time)
    assert {name: one.failures for name, one in outages.breakers().items()} == {"database": 1}


def test_the_queue_waits_behind_the_breaker_and_goes_on(workspace, monkeypatch):
    monkeypatch.setattr(outages, "_met", {})
    service, rounds, seen = JobService(workspace, slots=0), iter([True, True, True, False]), []

    def round_() -> None:
        if next(rounds):
            raise GONE

    class Stop(threading.Event):
        def wait(self, timeout=None):
            seen.append((timeout, outages.breakers()["database"]))
            if not seen[-1][1].failures:
                self.set()
            return self.is_set()

    monkeypatch.setattr(service, "round", round_)
    service.run(Stop())
    assert [one.failures for _, one in seen] == [1, 2, 3, 0]
    assert [one.state for _, one in seen][2:] == [BreakerState.OPEN, BreakerState.CLOSED]
    assert 0.25 <= seen[0][0] <= 0.5 <= seen[1][0] <= 1.0 <= seen[2][0] <= 2.0


# ── a job ────────────────────────────────────────────────────────────────────────────────────


class Listener(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def count(record: dict[str, Any]) -> dict[str, Any]:
    if record["text"] == "bad":
        raise pw.BadInput("as_ordered", "no retry will mend this")
    return {"id": record["id"], "words": len(record["text"].split())}


def read(path: Any) -> dict[str, Any]:
    return {"text": path.read_text()}


KINDS = {
    "files": pw.Pipeline(name="texts", process=read),
    "lines": pw.Pipeline(name="lines", process=count, records="id", lines="lines.jsonl"),
}


@pytest.mark.parametrize(("kind", "odd"), [("files", "before"), ("lines", "after")])
def test_wherever_it_goes_away_the_job_goes_on(workspace, tmp_path, monkeypatch, kind, odd):
    """The n-th transaction of a claimed job fails: before it began, or after it was committed."""
    even = {"before": "after", "after": "before"}[odd]
    monkeypatch.setattr(publishing, "BATCH_ITEMS", 2)
    at_once = Dependency(utc_now, Policy(first_delay=0.0))
    monkeypatch.setattr(outages, "_met", {"database": at_once})
    told = 0
    for n in itertools.count(1):
        source = filled(tmp_path / str(n), kind)
        with monkeypatch.context() as patch:
            calls, listener = fail_at(patch, n, odd if n % 2 else even), Listener()
            report = run(
                KINDS[kind], source, workspace=workspace, listener=listener, executor="inline",
                output_dir=str(tmp_path / str(n) / "out"),
            )  # fmt: skip
        assert_complete(workspace, report, tmp_path / str(n) / "out", bad=kind == "lines")
        if not calls["failed"]:
            break
        told += any("answers again" in note for note in listener.notes)
    assert told > 5


def filled(folder: Path, kind: str) -> Path:
    """Return a source of three items."""
    folder.mkdir()
    if kind == "files":
        (folder / "in").mkdir()
        for number in range(3):
            (folder / "in" / f"{number}.txt").write_text(f"text {number}")
        return folder / "in"
    rows = [{"id": f"r{n}", "text": "bad" if n == 1 else "a b"} for n in range(3)]
    (folder / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return folder / "rows.jsonl"


def assert_complete(workspace, report: pw.RunReport, out: Path, *, bad: bool) -> None:
    assert report.status is JobStatus.COMPLETED
    assert requests.find(workspace, report.run_id).status is JobStatus.COMPLETED
    assert (report.progress.seen, report.progress.accounted) == (3, 3)
    assert (report.progress.published, report.progress.quarantined) == (3 - bad, bad)
    keys = [path.name for path in out.rglob("*.json")]
    if bad:
        lines = (out / "lines.jsonl").read_bytes().splitlines()
        keys = [orjson.loads(line)["id"] for line in lines]
    assert len(keys) == len(set(keys)) == 3 - bad


def fail_at(patch, n: int, when: str) -> dict[str, Any]:
    """Let the n-th transaction after the claim fail."""
    state = {"seen": 0, "failed": False, "armed": False}
    begin = execution.Execution.carry_out

    def carry_out(self, lease):
        state["armed"] = True
        return begin(self, lease)

    def failing(real):
        @contextmanager
        def transaction(self):
            state["seen"] += state["armed"]
            hit = state["armed"] and state["seen"] == n
            state["failed"] |= hit
            if hit and when == "before":
                raise DatabaseUnavailable("the state database does not answer")
            with real(self) as conn:
                yield conn
            if hit:
                raise DatabaseUnavailable("the state database does not answer")

        return transaction

    patch.setattr(execution.Execution, "carry_out", carry_out)
    patch.setattr(Database, "write", failing(Database.write))
    patch.setattr(Database, "read", failing(Database.read))
    return state
