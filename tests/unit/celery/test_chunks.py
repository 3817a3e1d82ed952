"""The worker's side: it works for living runners only, never twice for nothing, and says so."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import rows

from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job, JobStatus, Request
from pipewarden.engine.records import RecordSource
from pipewarden.engine.task import Task, Worked
from pipewarden.errors import InvalidSettings
from pipewarden.jobs.queue import tracing
from pipewarden.jobs.runners.celery.messages import (
    Answer,
    Brief,
    Chunk,
    Sent,
    decode_answer,
    decode_chunk,
    encode_chunk,
)
from pipewarden.jobs.runners.celery.workers import chunks
from pipewarden.jobs.runners.celery.workers.answers import Answers
from pipewarden.jobs.runners.celery.workers.chunks import ChunkWorker
from pipewarden.jobs.runners.celery.workers.loaded import Loaded, prints_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state import items, jobs

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOG = logging.getLogger(__name__)


@dataclass
class Bench:
    """A claimed job, a file of records, and a worker for it."""

    folder: Path
    workspace: Workspace
    loaded: Loaded
    brief: Brief
    told: list[Answer]
    stopping: bool = False
    now: datetime = NOW
    workers: list[ChunkWorker] = field(default_factory=list)

    def worker(self) -> ChunkWorker:
        def publish(queue: str, text: str) -> bool:
            assert queue == self.brief.answers
            self.told.append(decode_answer(text))
            return True

        worker = ChunkWorker(self.workspace, self.loaded, publish, lambda: self.stopping)
        self.workers.append(worker)
        return worker

    def chunk(self, *numbers: int, **fields: Any) -> str:
        """Write records into the source, and return the chunk that sends them by their place."""
        marks = str(self.folder / "marks")
        lines = [
            json.dumps({"id": f"r{n}", "numbers": [n, 1], "marks": marks, **fields})
            for n in numbers
        ]
        source = self.folder / "in.jsonl"
        source.write_text("".join(line + "\n" for line in lines))
        scan = RecordSource(source, "id").scan()
        sent = [
            Sent(Task(key, source, known_hash=scan.hashes[key]), tuple(scan.found[key]))
            for key in scan.found
        ]
        return encode_chunk(Chunk(1, self.brief, tuple(sent)))

    @property
    def worked_on(self) -> list[str]:
        marks = self.folder / "marks"
        return marks.read_text().split() if marks.exists() else []

    @property
    def signs(self) -> list[str]:
        return [str(answer.sign) for answer in self.told]

    @property
    def results(self) -> list[Worked]:
        return [worked for answer in self.told for worked in answer.results]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made: list[Bench] = []
    settings = Settings(home=tmp_path)
    workspace = Workspace(settings, lambda: made[0].now)
    with workspace.database.write() as conn:
        jobs.insert(
            conn, Job(id="j1", pipeline="rows", source="s", created_at=NOW, created_by="tester")
        )
        lease = jobs.claim(conn, "j1", owner="host:1:1", at=NOW, ttl_seconds=30)
    (tmp_path / "in.jsonl").touch()
    brief = Brief(
        job="j1",
        token=lease.token,
        answers="answers",
        pipeline="rows:rows",
        settings={},
        prints=prints_of(rows.rows),
        source=str(tmp_path / "in.jsonl"),
        output_dir=str(tmp_path / "out"),
        validate=True,
        line_bytes=1_000,
        silence=60.0,
    )
    made.append(Bench(tmp_path, workspace, Loaded(settings, 1), brief, []))
    yield made[0]
    for worker in made[0].workers:
        worker.close()
    made[0].loaded.unload()
    workspace.database.close()


def test_a_chunk_is_worked_on_and_answered(bench: Bench) -> None:
    assert bench.worker().carry_out(bench.chunk(1, 2, 3)) == "done"
    assert bench.worked_on == ["r1", "r2", "r3"]
    assert bench.signs[0] == "taken"
    lines = [json.loads(worked.line or b"") for worked in bench.results]
    assert [line["sum"] for line in lines] == [2, 3, 4]
    assert [set(worked.stages) for worked in bench.results] == [{"add"}] * 3


def test_the_worker_of_the_last_chunk_is_used_for_the_next(bench: Bench) -> None:
    worker = bench.worker()
    worker.carry_out(bench.chunk(1))
    executor = bench.loaded.executor(bench.brief)
    child = executor._slots[0].process.pid
    worker.carry_out(bench.chunk(2, 3))
    assert executor._slots[0].process.pid == child


def test_a_second_delivery_computes_nothing_and_is_told(bench: Bench) -> None:
    chunk = bench.chunk(1, 2)
    bench.worker().carry_out(chunk)
    told = len(bench.told)
    assert bench.worker().carry_out(chunk, again=True) == "returned"
    assert bench.worked_on == ["r1", "r2"]
    assert [str(answer.sign) for answer in bench.told[told:]] == ["returned"]


@pytest.mark.parametrize("status", [s for s in JobStatus if s.finished or s is JobStatus.PAUSED])
def test_a_chunk_of_a_job_that_has_ended_is_dropped(bench: Bench, status: JobStatus) -> None:
    with bench.workspace.database.write() as conn:
        jobs.transition(conn, "j1", status, actor="tester", at=NOW)
    assert bench.worker().carry_out(bench.chunk(1)) == "dropped"
    assert (bench.worked_on, bench.told) == ([], [])


def test_a_chunk_of_a_runner_that_was_replaced_is_dropped(bench: Bench) -> None:
    with bench.workspace.database.write() as conn:
        jobs.claim(conn, "j1", owner="host:2:2", at=NOW, ttl_seconds=30, steal_from="host:1:1")
    assert bench.worker().carry_out(bench.chunk(1)) == "dropped"
    assert (bench.worked_on, bench.told) == ([], [])


def test_a_chunk_of_a_runner_whose_lease_has_run_out_is_dropped(bench: Bench) -> None:
    bench.now = NOW + timedelta(seconds=31)
    assert bench.worker().carry_out(bench.chunk(1)) == "dropped"
    assert (bench.worked_on, bench.told) == ([], [])


@pytest.mark.parametrize("request_", list(Request))
def test_a_chunk_of_a_job_that_was_asked_to_stop_is_dropped(
    bench: Bench, request_: Request
) -> None:
    with bench.workspace.database.write() as conn:
        jobs.request(conn, "j1", request_, actor="tester", at=NOW)
    assert bench.worker().carry_out(bench.chunk(1)) == "dropped"


def test_a_worker_that_stops_gives_everything_back(bench: Bench) -> None:
    bench.stopping = True
    assert bench.worker().carry_out(bench.chunk(1, 2)) == "returned"
    assert (bench.signs, bench.worked_on) == (["returned"], [])


def test_a_worker_asked_to_stop_finishes_what_is_in_work_and_gives_back_the_rest(
    bench: Bench,
) -> None:
    asked = iter(range(1_000))
    worker = bench.worker()
    worker._stopping = lambda: next(asked) > 5  # once for the chunk, then before each task
    assert worker.carry_out(bench.chunk(*range(40))) == "returned"
    assert bench.signs[-1] == "returned"
    assert [worked.key for worked in bench.results] == [f"r{n}" for n in range(5)]
    assert bench.worked_on == [f"r{n}" for n in range(5)]


def test_a_worker_with_other_code_refuses(bench: Bench) -> None:
    bench.brief = replace(bench.brief, prints=("1/other/other", *bench.brief.prints[1:]))
    assert bench.worker().carry_out(bench.chunk(1)) == "refused"
    error = bench.told[-1].error
    assert isinstance(error, InvalidSettings)
    assert "its code or settings differ" in error.message
    assert bench.worked_on == []


def test_a_worker_that_does_not_know_the_job_says_so(bench: Bench) -> None:
    bench.brief = replace(bench.brief, job="nobody-knows")
    assert bench.worker().carry_out(bench.chunk(1)) == "refused"
    error = bench.told[-1].error
    assert error is not None
    assert "database_url" in error.next_step


def test_a_worker_that_cannot_see_the_source_says_so(bench: Bench) -> None:
    bench.brief = replace(bench.brief, source=str(bench.folder / "mounted-elsewhere"))
    assert bench.worker().carry_out(bench.chunk(1)) == "refused"
    error = bench.told[-1].error
    assert error is not None
    assert "cannot see the source" in error.message


def test_a_record_too_long_for_messages_is_asked_of_a_source_that_is_seen(bench: Bench) -> None:
    chunk = bench.chunk(1)
    bench.brief = replace(bench.brief, source="")
    chunk = encode_chunk(replace(decode_chunk(chunk), brief=bench.brief))
    (bench.folder / "in.jsonl").rename(bench.folder / "elsewhere.jsonl")
    assert bench.worker().carry_out(chunk) == "refused"
    error = bench.told[-1].error
    assert error is not None
    assert "message_bytes" in error.next_step


def test_a_runner_of_another_version_is_told_that_it_is_one(bench: Bench) -> None:
    plain = json.loads(bench.chunk(1)) | {"version": 2}
    assert bench.worker().carry_out(json.dumps(plain)) == "refused"
    (told,) = bench.told
    assert told.error is not None
    assert "different versions" in told.error.message
    assert bench.worked_on == []


def test_a_pipeline_that_no_longer_loads_is_told(bench: Bench) -> None:
    bench.brief = replace(bench.brief, pipeline="rows:gone")
    assert bench.worker().carry_out(bench.chunk(1)) == "refused"


def test_a_failure_of_our_own_reaches_the_runner(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loaded, "executor", lambda *_: 1 / 0)
    assert bench.worker().carry_out(bench.chunk(1)) == "refused"
    error = bench.told[-1].error
    assert error is not None
    assert "ZeroDivisionError" in error.message


def test_a_chunk_sent_again_is_not_done_again_where_it_was_committed(bench: Bench) -> None:
    chunk = decode_chunk(bench.chunk(1, 2, 3))
    done = ItemResult(key="r2", outcome=Outcome.PUBLISHED)
    with bench.workspace.database.write() as conn:
        items.put(conn, "j1", {"r2": (done, NOW.isoformat())})
    assert bench.worker().carry_out(encode_chunk(replace(chunk, repeated=True))) == "done"
    assert bench.worked_on == ["r1", "r3"]


def test_a_line_too_long_for_a_message_is_left_in_a_file(bench: Bench) -> None:
    bench.worker().carry_out(bench.chunk(1, 2, long=2_000))
    spooled = {k: v for answer in bench.told for k, v in (answer.spooled or {}).items()}
    assert sorted(spooled) == ["r1", "r2"]
    assert all(worked.line is None for worked in bench.results)
    for path in map(Path, spooled.values()):
        assert len(json.loads(path.read_bytes())["long"]) == 2_000


def test_a_record_that_was_edited_meanwhile_is_deferred(bench: Bench) -> None:
    chunk = bench.chunk(1)
    source = bench.folder / "in.jsonl"
    source.write_text(source.read_text().replace("[1, 1]", "[9, 9]"))
    bench.worker().carry_out(chunk)
    assert [(str(w.work), w.reason) for w in bench.results] == [("deferred", "changed")]
    assert bench.worked_on == []


def test_a_source_that_was_replaced_is_read_anew(bench: Bench) -> None:
    worker = bench.worker()
    worker.carry_out(bench.chunk(1))
    (bench.folder / "in.jsonl").rename(bench.folder / "before.jsonl")
    worker.carry_out(bench.chunk(7))
    assert bench.worked_on == ["r1", "r7"]


def test_without_the_database_a_worker_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipewarden.errors import DatabaseUnavailable

    def away(*_: Any) -> None:
        raise DatabaseUnavailable("it does not answer")

    monkeypatch.setattr(type(bench.workspace.database), "read", away)
    assert bench.worker().carry_out(bench.chunk(1)) == "done"


def test_answers_wait_for_a_broker_that_is_down(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "Answers", partial(Answers, sleep=lambda _: None))
    worker, refusals = bench.worker(), [True] * 4
    publish = worker._publish
    worker._publish = lambda queue, text: not (refusals and refusals.pop()) and publish(queue, text)
    assert worker.carry_out(bench.chunk(1, 2)) == "done"
    assert [worked.key for worked in bench.results] == ["r1", "r2"]


class Named(logging.Handler):
    """Keeps who each line of the log is for, as its writer knew it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.getMessage(), getattr(record, "request_id", "")))


def test_what_a_worker_logs_names_the_request_whose_chunk_it_has(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = Named()
    monkeypatch.setattr(logging.getLogger(), "handlers", [named])
    tracing.name_turns()
    worker = bench.worker()

    def unwanted(_: Brief) -> bool:
        LOG.warning("looking")
        return False

    monkeypatch.setattr(worker, "_wanted", unwanted)
    for trace in ({"request_id": "r-1"}, {}, {"request_id": "r-2"}):
        bench.brief = replace(bench.brief, trace=trace)
        thread = Thread(target=worker.carry_out, args=(bench.chunk(1),))
        thread.start()
        thread.join()
        LOG.warning("idle")
    assert [who for _, who in named.lines] == ["r-1", "", "", "", "r-2", ""]


def test_the_child_of_a_worker_is_told_whose_record_each_is(
    bench: Bench, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    worker = bench.worker()
    for n, trace in ((1, {"request_id": "r-1"}), (2, {"request_id": "r-2", "traceparent": "00"})):
        bench.brief = replace(bench.brief, trace=trace)
        assert worker.carry_out(bench.chunk(n, says="look")) == "done"
    said = [line for line in capfd.readouterr().err.splitlines() if "look" in line]
    assert said == [
        "WARNING:rows:r1: look  request_id='r-1'",
        "WARNING:rows:r2: look  request_id='r-2'  traceparent='00'",
    ]


def test_a_chunk_of_an_older_runner_says_nothing_of_a_request(bench: Bench) -> None:
    plain = json.loads(bench.chunk(1))
    del plain["trace"]
    assert decode_chunk(json.dumps(plain)).brief == bench.brief
