"""The runner's side: it waits for a broker that is down, and believes the first answer only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipewarden.engine.task import Task, Work, Worked
from pipewarden.errors import InvalidSettings, StorageUnavailable
from pipewarden.jobs.runners.celery.broker import Unreachable
from pipewarden.jobs.runners.celery.executor import CeleryExecutor
from pipewarden.jobs.runners.celery.messages import (
    Answer,
    Brief,
    Chunk,
    Sign,
    decode_chunk,
    encode_answer,
)
from pipewarden.settings import CelerySettings

BRIEF = Brief(
    job="j",
    token=1,
    answers="q",
    pipeline="sums:sums",
    settings={},
    prints=("a", "b", "c"),
    source="/in.jsonl",
    output_dir="/out",
    validate=True,
    line_bytes=1_000,
    silence=15.0,
)


class Broker:
    """A line to a broker with one worker, which does what it is told to do with each chunk."""

    def __init__(self, work: Callable[[Chunk], list[Answer]]) -> None:
        self.work = work
        self.up = False
        self.refusing = 0
        self.breaks: list[str] = []
        self.sent: list[Chunk] = []
        self.answers: list[str] = []
        self.deleted = False

    def connect(self) -> None:
        if self.refusing:
            self.refusing -= 1
            raise Unreachable("connection refused")
        self.up = True

    def send(self, body: str) -> None:
        self._maybe_break("send")
        chunk = decode_chunk(body)
        self.sent.append(chunk)
        self.answers += map(encode_answer, self.work(chunk))

    def receive(self, seconds: float) -> list[str]:
        self._maybe_break("receive")
        got, self.answers = self.answers, []
        return got

    def close(self, *, delete: bool) -> None:
        self.deleted = delete
        self.up = False

    def _maybe_break(self, where: str) -> None:
        if where in self.breaks:
            self.breaks.remove(where)
            self.up = False
            raise Unreachable("reset by peer")


def done(chunk: Chunk, **fields: Any) -> list[Answer]:
    results = tuple(
        Worked(key=s.task.key, work=Work.JUDGED, line=b"{}\n", **fields) for s in chunk.tasks
    )
    return [
        Answer(sign=Sign.TAKEN, number=chunk.number, worker="w:1"),
        Answer(sign=Sign.WORKED, number=chunk.number, worker="w:1", results=results),
    ]


class Time:
    """Seconds that pass while somebody sleeps, and a little with every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def executor(broker: Broker, told: list[str] | None = None, **options: Any) -> CeleryExecutor:
    time = Time()
    settings = CelerySettings(**{"chunk_items": 3, "chunks_ahead": 2, **options.pop("celery", {})})
    tell = (told if told is not None else []).append
    line: Any = broker
    return CeleryExecutor(BRIEF, line, settings, tell=tell, clock=time, sleep=time.sleep, **options)


def tasks(number: int, size: int = 1) -> list[Task]:
    return [Task(f"k{n}", Path("/in.jsonl"), record=b"x" * size) for n in range(number)]


def keys(results: Iterator[Worked | None]) -> list[str]:
    return [worked.key for worked in results if worked is not None]


def test_every_task_is_answered_once() -> None:
    broker = Broker(done)
    assert keys(executor(broker).results(iter(tasks(8)))) == [f"k{n}" for n in range(8)]
    assert [len(chunk.tasks) for chunk in broker.sent] == [3, 3, 2]
    assert broker.deleted


def test_no_more_is_taken_than_the_chunks_ahead_hold() -> None:
    broker, taken = Broker(lambda _: []), []
    results = executor(broker).results(task for task in tasks(50) if not taken.append(task))  # type: ignore[func-returns-value]
    for _ in range(10):
        assert next(results) is None
    assert len(taken) == 6
    results.close()


def test_no_more_is_handed_out_than_the_lead_allows() -> None:
    def all_but_the_first(chunk: Chunk) -> list[Answer]:
        told = done(chunk)
        late = tuple(worked for worked in told[1].results if worked.key != "k0")
        return [told[0], Answer(sign=Sign.WORKED, number=chunk.number, worker="w", results=late)]

    broker, taken = Broker(all_but_the_first), []
    run = executor(broker, lead=7, celery={"silence_seconds": 1e6})
    results = run.results(task for task in tasks(50) if not taken.append(task))  # type: ignore[func-returns-value]
    for _ in range(30):
        next(results)
    assert len(taken) == 8
    results.close()


def test_a_broker_that_is_down_is_told_once_and_waited_for() -> None:
    broker, told = Broker(done), []
    broker.refusing = 20
    results = list(executor(broker, told).results(iter(tasks(2))))
    assert keys(iter(results)) == ["k0", "k1"]
    assert results.count(None) >= 20  # the runner went on sending its heartbeat
    assert [note.partition(",")[0] for note in told[:1]] == ["the broker does not answer"]
    assert len(told) == 2
    assert "answers again" in told[1]


@pytest.mark.parametrize("where", ["send", "receive"])
def test_a_connection_that_breaks_loses_nothing(where: str) -> None:
    broker, told = Broker(done), []
    broker.breaks = [where] * 3
    run = executor(broker, told, celery={"silence_seconds": 0.5})
    assert sorted(keys(run.results(iter(tasks(8))))) == [f"k{n}" for n in range(8)]


def test_a_broker_that_forgets_is_sent_everything_again() -> None:
    forgetful = [True, True]
    broker = Broker(lambda chunk: [] if forgetful and forgetful.pop() else done(chunk))
    run = executor(broker, celery={"silence_seconds": 0.5})
    assert sorted(keys(run.results(iter(tasks(6))))) == [f"k{n}" for n in range(6)]


def test_without_a_worker_the_runner_says_so_once() -> None:
    broker, told = Broker(lambda _: []), []
    results = executor(broker, told, celery={"silence_seconds": 0.5}).results(iter(tasks(3)))
    for _ in range(2_000):
        assert next(results) is None
    (note,) = told
    assert "no worker has given a sign for 0.5 s" in note
    assert "pipewarden worker --pipelines sums:sums" in note
    results.close()


def test_the_staged_document_of_a_second_answer_is_removed(tmp_path: Path) -> None:
    def twice(chunk: Chunk) -> list[Answer]:
        told = []
        for number in (1, 2):
            staged = tmp_path / f"{number}.tmp"
            staged.touch()
            worked = Worked(key=chunk.tasks[0].task.key, work=Work.JUDGED, staged=staged)
            told.append(
                Answer(sign=Sign.WORKED, number=chunk.number, worker="w", results=(worked,))
            )
        return told

    (worked,) = filter(None, executor(Broker(twice)).results(iter(tasks(1))))
    assert worked.staged == tmp_path / "1.tmp"
    assert [path.name for path in tmp_path.iterdir()] == ["1.tmp"]


def test_a_long_line_is_read_from_its_file_which_is_then_gone(tmp_path: Path) -> None:
    spool = tmp_path / "spooled"
    spool.write_bytes(b'{"long": 1}\n')

    def spooled(chunk: Chunk) -> list[Answer]:
        worked = (Worked(key="k0", work=Work.JUDGED),)
        return [
            Answer(
                sign=Sign.WORKED,
                number=1,
                worker="w",
                results=worked,
                spooled={"k0": str(spool)},
            )
        ]

    (worked,) = filter(None, executor(Broker(spooled)).results(iter(tasks(1))))
    assert (worked.line, spool.exists()) == (b'{"long": 1}\n', False)


def test_a_document_that_is_not_there_tells_that_storage_is_not_shared(tmp_path: Path) -> None:
    away = Broker(lambda chunk: done(chunk, staged=tmp_path / "nowhere"))
    with pytest.raises(StorageUnavailable, match="which is not there") as raised:
        list(executor(away).results(iter(tasks(1))))
    assert "every worker mounts" in raised.value.next_step


def test_a_worker_that_refuses_stops_the_run_with_its_own_words() -> None:
    refused = InvalidSettings("another code", next_step="restart the workers")
    broker = Broker(
        lambda chunk: [Answer(sign=Sign.REFUSED, number=chunk.number, worker="w", error=refused)]
    )
    with pytest.raises(InvalidSettings, match="another code"):
        list(executor(broker).results(iter(tasks(1))))
    assert broker.deleted


def test_stopping_does_not_wait_for_what_no_worker_has_begun() -> None:
    asked = []
    broker = Broker(lambda chunk: done(chunk)[:1] if chunk.number == 1 else [])
    results = executor(broker, stopping=lambda: bool(asked)).results(iter(tasks(50)))
    for _ in range(3):
        assert next(results) is None
    asked.append("pause")
    first = broker.sent[0]
    broker.answers += map(encode_answer, done(first))
    assert keys(results) == ["k0", "k1", "k2"]


def test_records_stay_where_they_lie_unless_the_settings_say_otherwise() -> None:
    place = {f"k{n}": (10 * n, 9) for n in range(3)}.get
    broker = Broker(done)
    list(executor(broker, place=place).results(iter(tasks(3))))
    held = [(s.task.record, s.place) for s in broker.sent[0].tasks]
    assert held == [(None, (0, 9)), (None, (10, 9)), (None, (20, 9))]

    broker = Broker(done)
    run = executor(broker, place=place, celery={"records_in_messages": True})
    list(run.results(iter(tasks(3))))
    assert [(s.task.record, s.place) for s in broker.sent[0].tasks] == [(b"x", None)] * 3


def test_a_message_is_bounded_in_bytes() -> None:
    place = {f"k{n}": (10 * n, 9) for n in range(9)}.get
    broker = Broker(done)
    bounds = {"records_in_messages": True, "message_bytes": 1_000, "chunk_items": 9}
    many = [*tasks(8, size=400), Task("k8", Path("/in.jsonl"), record=b"x" * 5_000)]
    run = executor(broker, place=place, celery=bounds)
    assert sorted(keys(run.results(iter(many)))) == [f"k{n}" for n in range(9)]
    for chunk in broker.sent:
        assert sum(len(s.task.record or b"") for s in chunk.tasks) <= 1_000
    (last,) = [s for chunk in broker.sent for s in chunk.tasks if s.task.key == "k8"]
    assert (last.task.record, last.place) == (None, (80, 9))  # too long for any message
