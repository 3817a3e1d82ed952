"""A state database of either kind, and the smallest values to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job, JobStatus, Lease
from pipewarden.store.manifest.record import Record
from pipewarden.store.state import jobs
from pipewarden.store.state.database import Database

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "postgresql":
        address: str = request.getfixturevalue("postgres_url")
        return address
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Return an open, empty state database."""
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def later() -> Callable[[float], datetime]:
    """Return the time so many seconds after the tests' beginning."""
    return lambda seconds=0: START + timedelta(seconds=seconds)


@pytest.fixture
def new_job(database: Database) -> Callable[..., Job]:
    """Return what makes a job, brought to a status by legal steps."""
    steps = {
        JobStatus.QUEUED: (),
        JobStatus.PAUSED: (JobStatus.RUNNING, JobStatus.PAUSED),
        JobStatus.CANCELLED: (JobStatus.RUNNING, JobStatus.CANCELLED),
    }

    def make(job_id: str = "run-1", status: JobStatus = JobStatus.QUEUED, **also: Any) -> Job:
        fields = {"pipeline": "invoices", "source": "data/raw", "created_by": "ada", **also}
        job = Job(id=job_id, **{"created_at": START, **fields})
        path = steps.get(status, (JobStatus.RUNNING, status))
        with database.write() as conn:
            assert jobs.insert(conn, job)
            for step in dict.fromkeys(path):
                jobs.transition(conn, job_id, step, actor="ada", at=START)
            held = jobs.get(conn, job_id)
        assert held is not None
        return held

    return make


@pytest.fixture
def lease(database: Database, new_job: Callable[..., Job]) -> Lease:
    """Return the lease on a running job ``run-1``, valid for 30 s from the beginning."""
    new_job("run-1")
    with database.write() as conn:
        return jobs.claim(conn, "run-1", owner="host:1", at=START, ttl_seconds=30)


@pytest.fixture
def records() -> Callable[..., list[Record]]:
    """Return what makes records ``first`` to ``last`` of a run, all with one outcome."""

    def make(
        first: int,
        last: int,
        outcome: Outcome = Outcome.PUBLISHED,
        *,
        run_id: str = "run-1",
        keys: Sequence[str] = (),
        **result: Any,
    ) -> list[Record]:
        made = []
        for seq in range(first, last + 1):
            key = keys[seq - first] if keys else f"item-{seq:04d}"
            decided = ItemResult(key=key, outcome=outcome, **{"verdict": "PASS", **result})
            status = "failed" if outcome.quarantined else "success"
            made.append(
                Record(
                    run_id=run_id,
                    seq=seq,
                    at=(START + timedelta(seconds=seq)).isoformat(),
                    key=key,
                    entry={"hash": f"sha256:{seq:064x}", "status": status, "run_id": run_id},
                    result=decided,
                )
            )
        return made

    return make
