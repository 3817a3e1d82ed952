"""How long it takes to list and to filter many jobs: what ``GET /v1/jobs`` does for a page.

A page is 50 jobs with the true total, read, made into the answer of the API and written as JSON;
the network is left out. Of the rounds the median counts; the others are told. PostgreSQL is
measured where ``PIPEWARDEN_TEST_POSTGRES_URL``,
or the usual local address, answers.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from measuring import Claim, Result, in_turn, main, ms, scratch

POSTGRESQL = os.environ.get(
    "PIPEWARDEN_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test"
).replace("+psycopg", "")
SCHEMA = "pipewarden_benchmark_jobs"
JOBS, QUICK_JOBS = 100_000, 10_000
ROUNDS, QUICK_ROUNDS = 15, 3
#: Milliseconds for one page.
ASKED = 50
PIPELINES = ("articles", "filings", "sales", "credit")
START = datetime(2026, 1, 1, tzinfo=UTC)


def measure(quick: bool) -> Result:
    """Return the figures."""
    number, rounds = (QUICK_JOBS, QUICK_ROUNDS) if quick else (JOBS, ROUNDS)
    result = Result(
        f"Listing and filtering {number:,} jobs",
        ("page of 50", "database", "fastest", "median", "slowest"),
    )
    with scratch() as folder:
        _measure(result, "SQLite", f"sqlite:///{folder / 'state.db'}", number, rounds)
    with _postgresql() as url:
        if url is None:
            result.claims.append(Claim("PostgreSQL", "no server answers", None))
        else:
            _measure(result, "PostgreSQL", url, number, rounds)
    return result.without_verdicts() if quick else result


def _measure(result: Result, database: str, url: str, number: int, rounds: int) -> None:
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.settings import Settings

    workspace = Workspace(Settings(database_url=url))
    _fill(workspace, number)
    taken = in_turn(
        {name: _page(workspace, asked) for name, asked in _asked(number).items()}, rounds
    )
    for name, seconds in taken.items():
        figures = (min(seconds), statistics.median(seconds), max(seconds))
        result.rows.append((name, database, *map(ms, figures)))
    typical = {name: statistics.median(seconds) for name, seconds in taken.items()}
    name, worst = max(typical.items(), key=lambda pair: pair[1])
    result.claims.append(
        Claim(
            f"each page within {ASKED} ms on {database}",
            f"{ms(worst)} at most ({name})",
            worst * 1000 <= ASKED,
        )
    )
    workspace.database.close()


def _asked(number: int) -> dict[str, dict[str, Any]]:
    from pipewarden.core.jobs import JobStatus

    recent = START + timedelta(seconds=number - number // 100)
    done = JobStatus.COMPLETED
    return {
        "all, the newest": {},
        "all, the middle": {"offset": number // 2},
        "all, the oldest": {"offset": number - 50},
        "one in ten thousand: RUNNING": {"status": JobStatus.RUNNING},
        "one in fifty: FAILED": {"status": JobStatus.FAILED},
        "nearly all: COMPLETED": {"status": done},
        "nearly all: COMPLETED, the middle": {"status": done, "offset": number // 2},
        "nearly all: COMPLETED, the oldest": {"status": done, "offset": number * 95 // 100},
        "a quarter: one pipeline": {"pipeline": "sales"},
        "FAILED of one pipeline": {"pipeline": "sales", "status": JobStatus.FAILED},
        "COMPLETED of one pipeline": {"pipeline": "sales", "status": done},
        "one source": {"source": "/srv/inbox/7"},
        "FAILED of one source": {"source": "/srv/inbox/7", "status": JobStatus.FAILED},
        "the last hundredth of the time": {"since": recent},
        "FAILED in that time": {"since": recent, "status": JobStatus.FAILED},
        "one pipeline, all of the time": {"since": START, "pipeline": "sales"},
        "a pipeline that there is not": {"pipeline": "nix"},
    }


def _page(workspace: Any, asked: dict[str, Any]) -> Any:
    from pipewarden.app.api.views import JobPageView, JobView
    from pipewarden.jobs.requests import list_jobs

    def page() -> None:
        held = list_jobs(workspace, limit=50, **asked)
        views = [JobView.of(job) for job in held.jobs]
        made = JobPageView(jobs=views, total=held.total, limit=50, offset=asked.get("offset", 0))
        made.model_dump_json()

    return page


def _fill(workspace: Any, number: int) -> None:
    """Write so many jobs; PostgreSQL then looks at them, as it does by itself."""
    from sqlalchemy import insert

    from pipewarden.store.state.jobs.rows import values_of
    from pipewarden.store.state.schema import jobs

    chance = random.Random(1)
    for start in range(0, number, 10_000):
        end = min(number, start + 10_000)
        rows = [values_of(_job(n, number, chance)) for n in range(start, end)]
        with workspace.database.write() as conn:
            conn.execute(insert(jobs), rows)
    if workspace.database.dialect == "postgresql":
        import psycopg

        address = workspace.settings.database_url.replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as bare:
            bare.execute("VACUUM ANALYZE jobs")  # which autovacuum does within a minute


def _job(n: int, number: int, chance: random.Random) -> Any:
    """Return the n-th of so many jobs: the last few run, one in fifty failed."""
    from pipewarden.core.jobs import Job, JobStatus, Progress
    from pipewarden.jobs.options import RunOptions

    at, pipeline = START + timedelta(seconds=n), PIPELINES[n % len(PIPELINES)]
    source = f"/srv/inbox/{chance.randrange(1_000)}"
    status = JobStatus.FAILED if chance.random() < 1 / 50 else JobStatus.COMPLETED
    if n >= number - max(1, number // 10_000):
        status = JobStatus.RUNNING
    options = RunOptions(pipeline=pipeline, source=source, settings={"entities": {}})
    return Job(
        id=f"{at:%Y%m%d_%H%M%S}_{pipeline}_{n:07x}",
        pipeline=pipeline,
        source=source,
        status=status,
        created_at=at,
        created_by="benchmark",
        started_at=at,
        finished_at=at + timedelta(seconds=60),
        options=options.as_dict(),
        progress=Progress(seen=1_000, published=990, quarantined=10),
    )


@contextmanager
def _postgresql() -> Iterator[str | None]:
    """Give the URL of an empty schema, which goes away; None where no server answers."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    try:
        connection = psycopg.connect(POSTGRESQL, connect_timeout=3, autocommit=True)
    except psycopg.OperationalError:
        yield None
        return
    with connection as conn:
        drop = SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(SCHEMA))
        conn.execute("SET client_min_messages = warning")
        conn.execute(drop)
        conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(SCHEMA)))
        joint = "&" if "?" in POSTGRESQL else "?"
        address = POSTGRESQL.replace("postgresql://", "postgresql+psycopg://", 1)
        try:
            yield f"{address}{joint}options=-csearch_path%3D{SCHEMA}"
        finally:
            conn.execute(drop)


if __name__ == "__main__":
    sys.exit(main(measure))
