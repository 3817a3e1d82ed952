"""The log of predictions: nothing that was answered is lost, whatever the database does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipewarden.errors import DatabaseUnavailable, StorageUnavailable
from pipewarden.models.serving.log import PredictionLog
from pipewarden.models.serving.spill import Spill
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction

AT = datetime(2026, 3, 2, tzinfo=UTC)
PATIENCE = 60.0


def row(number: int) -> Prediction:
    return Prediction(
        id=f"{number:08d}",
        at=AT,
        model="m",
        version=1,
        environment="production",
        role="champion",
        entity="",
        inputs={"age": number},
        answer={"score": 0.5},
        request_id="",
    )


def later(held: Prediction) -> Callable[[], Prediction]:
    return lambda: held


class Store:
    """A database that can be taken away; it knows a prediction by its id."""

    def __init__(self) -> None:
        self.rows: dict[str, Prediction] = {}
        self.down = False
        self.tries = 0
        self.held = threading.Event()
        self.held.set()

    def write(self, rows: Sequence[Prediction]) -> None:
        self.held.wait(PATIENCE)
        self.tries += 1
        if self.down:
            raise DatabaseUnavailable("it does not answer")
        for one in rows:
            self.rows.setdefault(one.id, one)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(tmp_path / "spill")


@pytest.fixture
def opened(store: Store, spill: Spill):
    logs: list[PredictionLog] = []

    def open_log(*, room: int = 1000, monotonic: Callable[[], float] = lambda: 0.0):
        log = PredictionLog(store.write, spill, room=room, monotonic=monotonic)
        logs.append(log)
        log.start()
        return log

    yield open_log
    store.held.set()
    for log in logs:
        log.close()


def test_what_was_answered_is_stored_at_a_clean_end(opened, store):
    log = opened()
    for number in range(700):
        log.add([later(row(number))])
    assert log.close() == 0
    assert len(store.rows) == 700
    assert log.standing().stored == 700


def test_one_can_wait_until_an_answer_is_stored(opened, store):
    log = opened()
    number = log.add([later(row(1)), later(row(2))])
    assert log.wait(number, PATIENCE)
    assert sorted(store.rows) == ["00000001", "00000002"]


def test_while_the_database_is_down_answers_are_on_disk_and_come_back(opened, store, spill):
    log = opened()
    store.down = True
    number = log.add([later(row(1)), later(row(2))])
    assert log.wait(number, PATIENCE)
    assert spill.pending
    standing = log.standing()
    assert (standing.spilled, standing.failure) == (2, "it does not answer")
    log.add([later(row(3))])
    assert log.close() == 0
    assert store.tries == 1  # it was left alone meanwhile
    store.down = False
    assert spill.replay(store.write) == 3
    assert sorted(store.rows) == ["00000001", "00000002", "00000003"]
    assert not spill.pending


def test_what_a_dead_process_left_is_stored_by_the_next(opened, store, spill):
    spill.append([row(1)])
    log = opened()
    log.wait(log.add([later(row(2))]), PATIENCE)
    log.close()
    assert sorted(store.rows) == ["00000001", "00000002"]
    assert not spill.pending


def test_memory_is_bounded_and_what_finds_no_room_is_on_disk_before_it_is_answered(
    opened, store, spill
):
    store.held.clear()
    log = opened(room=10)
    for number in range(50):
        log.add([later(row(number))])
    standing = log.standing()
    assert standing.waiting <= 10
    assert standing.waiting + standing.spilled == 50
    store.held.set()
    assert log.close() == 0
    spill.replay(store.write)
    assert len(store.rows) == 50


def test_what_can_be_written_nowhere_is_counted(opened, store, spill, monkeypatch):
    def full(_rows):
        raise StorageUnavailable("no space left")

    monkeypatch.setattr(spill, "append", full)
    store.down = True
    log = opened(room=2)
    log.add([later(row(1)), later(row(2))])
    with pytest.raises(StorageUnavailable):
        log.add([later(row(3))])  # it is not answered then
    assert log.close() == 2
    assert log.standing().lost == 2


def test_half_a_line_that_a_killed_process_left_costs_nothing_else(spill, store, tmp_path):
    spill.append([row(1)])
    file = tmp_path / "spill" / "predictions.jsonl"
    file.write_bytes(file.read_bytes() + b'{"id": "half')
    spill.append([row(2)])
    assert spill.replay(store.write) == 2


def test_half_a_line_at_the_end_is_not_stored_and_told(spill, store, tmp_path, caplog):
    spill.append([row(1)])
    file = tmp_path / "spill" / "predictions.jsonl"
    file.write_bytes(file.read_bytes() + b'{"id": "half')
    assert spill.replay(store.write) == 1
    assert "does not read" in caplog.text


def test_a_replay_that_fails_forgets_nothing_and_stores_nothing_twice(spill, tmp_path):
    spill.append([row(number) for number in range(700)])
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    calls = []

    def write(rows):
        calls.append(len(rows))
        if len(calls) == 2:
            raise DatabaseUnavailable("it went away")
        with database.write() as conn:
            predictions.append(conn, rows)

    with pytest.raises(DatabaseUnavailable):
        spill.replay(write)
    spill.append([row(700)])
    assert spill.replay(write) == 701
    with database.read() as conn:
        assert predictions.count(conn, "m") == 701
        assert predictions.get(conn, "00000007") == row(7)
    database.close()
