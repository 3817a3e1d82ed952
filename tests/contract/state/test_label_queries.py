"""Questions about millions of predictions and labels go by an index, on both databases."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import label_reports, labels

ROWS = 900


@pytest.fixture
def filled(database, later):
    """Return a database with enough rows for a plan to matter."""
    rows = [
        Prediction(
            id=f"{n:08d}", at=later(n), model=f"m{n % 3}", version=1 + n % 2, role="champion",
            environment="production", entity="", inputs={}, answer={}, request_id="",
        )
        for n in range(ROWS)
    ]  # fmt: skip
    other = [LabelReport(prediction_id=row.id, value=0, at=row.at) for row in rows[:300:2]]
    reports = [LabelReport(prediction_id=row.id, value=1, at=row.at) for row in rows[::2]]
    waiting = [LabelReport(prediction_id=f"x{n}", value=1, at=later(n)) for n in range(20)]
    with database.write() as conn:
        predictions.append(conn, rows)
        label_reports.report(
            conn, [*reports, *reports[:9], *other, *waiting], at=later(0), source="k"
        )
        for table in ("predictions", "labels", "label_conflicts"):  # others test beside us
            conn.execute(text(f"ANALYZE {table}"))
    return database


@contextmanager
def recorded(conn):
    """Give the list of the statements that are executed meanwhile, with their parameters."""
    found = []

    def keep(_conn, _cursor, statement, parameters, _context, _many):
        found.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        event.remove(conn, "before_cursor_execute", keep)


def scans(conn, statement, parameters):
    """Return the lines of a plan that read a whole table or index of ours."""
    if conn.dialect.name == "sqlite":
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        lines = [row[3] for row in plan]
        ours = ("predictions", "labels", "label_conflicts")
        return [line for line in lines if line.split()[:1] == ["SCAN"] and line.split()[1] in ours]
    # A small table is read whole, whatever its indexes: the question is whether it would have to.
    for way in ("seqscan", "hashjoin", "mergejoin"):
        conn.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    plan = conn.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    lines = [row[0].strip() for row in plan]
    whole = [
        line
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
        if "Index" in line and "Scan" in line and "Cond" not in below and "Cond" not in line
        and "Bitmap Heap" not in line
    ]  # fmt: skip
    return [line for line in lines if "Seq Scan" in line] + whole


def asks(later):
    whole = {"since": later(100), "until": later(200)}
    of = ("m1", "production")
    return {
        "counts of a window": lambda conn: labels.counts(conn, *of, **whole),
        "newest labelled": lambda conn: labels.newest(conn, *of),
        "labelled": lambda conn: list(labels.labelled(conn, *of, **whole, version=1)),
        "newest some": lambda conn: list(labels.labelled(conn, *of, **whole, limit=5)),
        "arrived": lambda conn: list(labels.arrived(conn, *of, **whole, role="champion")),
        "waiting": labels.unknown,
        "models": predictions.models,
        "reports of one": lambda conn: label_reports.reports_of(conn, "00000001"),
        "how many are old": lambda conn: label_reports.count_before(conn, *of, later(9)),
        "old ones": lambda conn: label_reports.prune(conn, *of, later(9), 100),
        "old waiting ones": lambda conn: label_reports.prune_unknown(conn, later(9), 100),
        "logged ones": lambda conn: predictions.versions_of(conn, ["00000001", "00000002"]),
        "waits": lambda conn: list(labels.waits(conn, *of, **whole, limit=9)),
    }


@pytest.mark.parametrize("question", sorted(asks(lambda _: None)))
def test_no_question_reads_a_whole_table(filled, later, question):
    with filled.write() as conn:
        with recorded(conn) as statements:
            asks(later)[question](conn)
        assert statements
        for statement, parameters in statements:
            assert scans(conn, statement, parameters) == [], statement


def test_taking_reports_and_predictions_in_reads_no_whole_table(filled, later):
    report = LabelReport(prediction_id="00000001", value=0, at=later(1))
    more = Prediction(
        id="x1", at=later(5), model="m1", version=1, environment="production", role="champion",
        entity="", inputs={}, answer={}, request_id="",
    )  # fmt: skip
    with filled.write() as conn:
        with recorded(conn) as statements:
            label_reports.report(conn, [report], at=later(0) + timedelta(days=1), source="k")
            predictions.append(conn, [more])
        asked = [pair for pair in statements if pair[0].lstrip().startswith(("SELECT", "UPDATE"))]
        assert len(asked) >= 4
        for statement, parameters in asked:
            assert scans(conn, statement, parameters) == [], statement


def test_a_question_without_an_index_is_recognised(filled):
    with filled.write() as conn:
        for query in (
            "SELECT count(*) FROM labels WHERE source = 'k'",
            "SELECT * FROM predictions WHERE request_id = 'r'",
        ):
            assert scans(conn, query, ())
