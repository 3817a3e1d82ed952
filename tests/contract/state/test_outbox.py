"""The outbox: CloudEvents, in order, with the change that they tell of."""

from __future__ import annotations

import pytest
from sqlalchemy import exc, select

from pipewarden.store.state import outbox
from pipewarden.store.state.outbox import OutboxEvent
from pipewarden.store.state.schema import outbox as table


def event(number, later):
    return OutboxEvent(
        type="io.pipewarden.job.started",
        subject=f"run-{number}",
        data={"n": number},
        at=later(number),
        id=f"event-{number}",
    )


def test_events_are_paged_in_the_order_they_were_written(database, later):
    events = [event(number, later) for number in range(5)]
    with database.write() as conn:
        outbox.append(conn, events[:3])
        outbox.append(conn, events[3:])
        outbox.append(conn, [])
    with database.read() as conn:
        first = outbox.page(conn, limit=3)
        rest = outbox.page(conn, after=first[-1][0], limit=3)
        assert [told for _, told in first + rest] == events


def test_an_event_bears_the_cloud_events_names(database, later):
    with database.write() as conn:
        outbox.append(conn, [event(1, later)])
        row = conn.execute(select(table)).mappings().one()
    named = {name: row[name] for name in row if name != "seq"}
    assert named == event(1, later).as_cloud_event() | {"time": later(1)}
    assert named["specversion"] == "1.0"


def test_the_same_fact_is_not_told_under_two_numbers(database, later):
    with database.write() as conn:
        outbox.append(conn, [event(1, later)])
    with pytest.raises(exc.IntegrityError), database.write() as conn:
        outbox.append(conn, [event(1, later)])
