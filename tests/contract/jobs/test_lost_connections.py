"""PostgreSQL hangs up in the middle of a job's commits: the job goes on, and each line is once."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

import pipewarden as pw
from pipewarden.core.jobs import JobStatus
from pipewarden.core.outages.breaker import Policy
from pipewarden.jobs import requests
from pipewarden.jobs.run import Silent, run
from pipewarden.jobs.runners import outages, publishing
from pipewarden.jobs.workspace import Workspace, utc_now
from pipewarden.settings import Settings
from pipewarden.store.manifest import table

RECORDS = 1_000
#: Of how many commits one is cut; which, is drawn from a seed.
ONE_IN = 10


class Listener(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def count(record: dict[str, Any]) -> dict[str, Any]:
    return {"id": record["id"], "words": len(record["text"].split())}


lines = pw.Pipeline(name="lines", process=count, records="id", lines="lines.jsonl")


def test_a_job_outlives_connections_that_are_cut(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": f"r{n}", "text": "a b c"} for n in range(RECORDS)]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    monkeypatch.setattr(publishing, "BATCH_ITEMS", 8)
    at_once = outages.Dependency(utc_now, Policy(first_delay=0.0))
    monkeypatch.setattr(outages, "_met", {"database": at_once})
    draw, commits, cuts, real = random.Random(4), [0], [0], table.apply_records

    def cut(conn: Any, records: Any, **rest: Any) -> int:
        commits[0] += 1
        # The third commit is the very batch that is done again after the cut of the second.
        if commits[0] in (2, 3) or draw.randrange(ONE_IN) == 0:
            cuts[0] += 1
            conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return real(conn, records, **rest)

    monkeypatch.setattr(table, "apply_records", cut)
    workspace, listener = Workspace(Settings(home=tmp_path, database_url=postgres_url)), Listener()
    report = run(
        lines, tmp_path / "rows.jsonl", workspace=workspace, listener=listener, executor="inline"
    )
    assert report.status is JobStatus.COMPLETED
    assert (report.progress.seen, report.progress.published) == (RECORDS, RECORDS)
    assert [event.to_status for event in requests.history(workspace, report.run_id)] == [
        JobStatus.QUEUED,
        JobStatus.RUNNING,
        JobStatus.COMPLETED,
    ]
    workspace.database.close()
    written = (tmp_path / "data/processed/lines/lines.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["id"] for line in written] == [row["id"] for row in rows]
    gone = [note for note in listener.notes if "waits for it" in note]
    assert len(gone) == len([note for note in listener.notes if "answers again" in note])
    assert len(gone) == cuts[0] >= RECORDS // 8 // ONE_IN // 2
