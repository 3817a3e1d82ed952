"""Millions of predictions and labels: how fast they come in, and how fast they are asked for.

``PIPEWARDEN_BENCH_ROWS`` says how many predictions; by default ten million, of four models. Every
second one has a label: all of two models. Questions are about an hour among a hundred days, or all
of a model. ``PIPEWARDEN_BENCH_POSTGRES`` names a PostgreSQL to measure beside SQLite, as SQLAlchemy
writes its URL; the tables are made in a schema of their own, which goes away again.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import Claim, Result, main, scratch

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import label_reports, labels

ROWS, QUICK_ROWS = 10_000_000, 200_000
MODELS, PORTION, DAYS = 4, 20_000, 100
START = datetime(2026, 1, 1, tzinfo=UTC)
#: Seconds within which a question about an hour, and about everything, is answered.
AN_HOUR, EVERYTHING = 0.25, 30.0
FEATURES = {f"feature_{number}": number / 7 for number in range(10)}


def measure(quick: bool) -> Result:
    """Return the figures."""
    rows = int(os.environ.get("PIPEWARDEN_BENCH_ROWS") or (QUICK_ROWS if quick else ROWS))
    result = Result(f"{rows:,} predictions, half of them labelled", ("what", "database", "figure"))
    slowest = {"hour": 0.0, "all": 0.0}
    for name, opened in _databases():
        with opened as database:
            _filled(result, name, database, rows)
            for what, span, ask in _questions():
                seconds = min(_timed(database, ask) for _ in range(3))
                slowest[span] = max(slowest[span], seconds)
                result.rows.append((what, name, f"{1000 * seconds:,.1f} ms"))
            if isinstance(database.url.database, str) and name == "SQLite":
                size = Path(database.url.database).stat().st_size
                result.notes.append(f"the file of SQLite has {size / rows:,.0f} bytes a prediction")
    for asked, span, limit in (
        (f"a window of an hour within {AN_HOUR:g} s", "hour", AN_HOUR),
        (f"all of a model within {EVERYTHING:g} s", "all", EVERYTHING),
    ):
        told = f"{slowest[span]:.3f} s at most"
        result.claims.append(Claim(asked, told, slowest[span] <= limit))
    return result.without_verdicts() if rows < ROWS else result


def _databases() -> Iterator[tuple[str, AbstractContextManager[Database]]]:
    yield "SQLite", _sqlite()
    if url := os.environ.get("PIPEWARDEN_BENCH_POSTGRES"):
        yield "PostgreSQL", _postgresql(url)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with scratch() as folder:
        database = Database.open(f"sqlite:///{folder / 'state.db'}")
        yield database
        database.close()


@contextmanager
def _postgresql(url: str) -> Iterator[Database]:
    import psycopg

    schema = f"pipewarden_bench_{uuid.uuid4().hex}"
    plain = url.replace("+psycopg", "", 1)
    with psycopg.connect(plain, autocommit=True) as conn:
        conn.execute(f"CREATE SCHEMA {schema}")
        try:
            joint = "&" if "?" in url else "?"
            database = Database.open(f"{url}{joint}options=-csearch_path%3D{schema}")
            yield database
            database.close()
        finally:
            conn.execute(f"DROP SCHEMA {schema} CASCADE")


def _filled(result: Result, name: str, database: Database, rows: int) -> None:
    step = timedelta(days=DAYS) / rows
    spent = {"predictions": 0.0, "labels": 0.0}
    for start in range(0, rows, PORTION):
        made = [_prediction(number, step) for number in range(start, min(start + PORTION, rows))]
        reports = [
            LabelReport(prediction_id=row.id, value=number % 2, at=row.at + timedelta(days=3))
            for number, row in enumerate(made[::2])
        ]
        began = time.perf_counter()
        with database.write() as conn:
            predictions.append(conn, made)
        between = time.perf_counter()
        with database.write() as conn:
            label_reports.report(conn, reports, at=START + timedelta(days=DAYS), source="bench")
        spent["predictions"] += between - began
        spent["labels"] += time.perf_counter() - between
    with database.write() as conn:
        conn.exec_driver_sql("ANALYZE")
    for what, number in (("predictions", rows), ("labels", rows // 2)):
        result.rows.append((f"{what} in", name, f"{number / spent[what]:,.0f} rows/s"))


def _prediction(number: int, step: timedelta) -> Prediction:
    at = START + number * step
    milliseconds = int(at.timestamp() * 1000)
    return Prediction(
        id=f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7000-8000-{number:012x}",
        at=at,
        model=f"model-{number % MODELS}",
        version=1 + number % 8 // 4,
        environment="production",
        role="champion",
        entity="",
        inputs=FEATURES,
        answer={"probability": 0.25, "prediction": 0},
        request_id="r",
    )


Ask = Callable[[Any], object]


def _questions() -> Iterator[tuple[str, str, Ask]]:
    of = ("model-2", "production")  # all of its predictions have labels
    middle = START + timedelta(days=50)
    hour: dict[str, Any] = {"since": middle, "until": middle + timedelta(hours=1)}
    whole: dict[str, Any] = {"since": START, "until": START + timedelta(days=DAYS)}
    yield "counts of an hour", "hour", lambda conn: labels.counts(conn, *of, **hour)
    yield "labelled ones of an hour", "hour", lambda conn: list(labels.labelled(conn, *of, **hour))
    yield (
        "newest 2,000 labelled",
        "hour",
        lambda conn: list(labels.labelled(conn, *of, **whole, limit=2_000)),
    )
    yield "newest labelled", "hour", lambda conn: labels.newest(conn, *of)
    yield "labels without a prediction", "hour", labels.unknown
    yield "models", "hour", predictions.models
    yield "counts of everything", "all", lambda conn: labels.counts(conn, *of, **whole)


def _timed(database: Database, ask: Ask) -> float:
    began = time.perf_counter()
    with database.read() as conn:
        ask(conn)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main(measure))
