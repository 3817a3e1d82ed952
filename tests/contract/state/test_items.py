"""Outcomes of items, paged and counted."""

from __future__ import annotations

import pytest

from pipewarden.core.items import Outcome
from pipewarden.errors import Fenced
from pipewarden.store.state import apply, items, jobs


@pytest.fixture
def filled(database, lease, records):
    with database.write() as conn:
        batch = [
            *records(
                1,
                4,
                seconds=1.0,
                facts={"words": 3, "nested": [1, {"a": None}]},
                stages={"parse": 0.5},
            ),
            *records(5, 7, Outcome.REJECTED, reason="too_short", seconds=9.0, message="<b>"),
            *records(8, 8, Outcome.ERRORED, reason="timeout", seconds=60.0),
        ]
        apply.apply_records(conn, batch, manifest="m", lease=lease)
    return batch


def test_items_come_back_as_they_were_recorded(database, filled):
    with database.read() as conn:
        assert list(items.iterate(conn, "run-1")) == [record.result for record in filled]


def test_pages_have_true_totals_and_filter_by_outcome(database, filled):
    with database.read() as conn:
        first = items.page(conn, "run-1", limit=3)
        assert ([item.key for item in first.items], first.total) == (
            ["item-0001", "item-0002", "item-0003"],
            8,
        )
        rejected = items.page(conn, "run-1", outcome=Outcome.REJECTED, limit=2, offset=2)
        assert ([item.key for item in rejected.items], rejected.total) == (["item-0007"], 3)
        assert items.page(conn, "nobody").total == 0


def test_reasons_slowest_keys_and_totals(database, filled):
    with database.read() as conn:
        assert items.reasons(conn, "run-1") == {"too_short": 3, "timeout": 1}
        assert [item.key for item in items.slowest(conn, "run-1", 2)] == ["item-0008", "item-0005"]
        assert len(items.keys(conn, "run-1")) == 8
        assert items.totals(conn, "run-1") == jobs.get(conn, "run-1").progress


def test_keys_sort_bytewise_on_every_database(database, lease, records):
    keys = ["b", "a", "B", "ä", "a/b", "a-b", "東", "Z"]
    with database.write() as conn:
        apply.apply_records(conn, records(1, 8, keys=keys), manifest="m")
        listed = [item.key for item in items.iterate(conn, "run-1")]
    assert listed == sorted(keys, key=str.encode)


def test_only_the_holder_of_the_lease_may_defer(database, lease, records, later):
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=later(60), ttl_seconds=1)
        with pytest.raises(Fenced):
            items.defer(conn, lease, [], at=later(61))


def test_reopening_drops_what_was_deferred_and_nothing_else(database, filled, lease, records):
    waiting = [record.result for record in records(9, 10, Outcome.DEFERRED, reason="paused")]
    with database.write() as conn:
        before = jobs.get(conn, "run-1").progress
        items.defer(conn, lease, waiting, at=lease.expires_at)
        assert jobs.get(conn, "run-1").progress.deferred == 2
        items.reopen(conn, lease)
        assert jobs.get(conn, "run-1").progress == before == items.totals(conn, "run-1")
        items.reopen(conn, lease)
        assert items.page(conn, "run-1").total == 8
