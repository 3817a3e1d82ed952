"""The manifest in the database: one transaction commits everything that follows from a record."""

from __future__ import annotations

import dataclasses

import pytest

from pipewarden.core.items import Outcome
from pipewarden.core.jobs import Progress
from pipewarden.errors import Fenced
from pipewarden.store.manifest.table import TableManifest
from pipewarden.store.state import jobs, ledger


@pytest.fixture
def manifest(database):
    return TableManifest(database, "articles")


def progress(database):
    with database.read() as conn:
        return jobs.get(conn, "run-1").progress


def test_entries_come_back_as_they_were_committed(manifest, lease, records):
    batch = records(1, 3)
    assert manifest.commit(batch, lease) == 3
    assert dict(manifest.entries()) == {record.key: record.entry for record in batch}
    assert manifest.get("item-0002") == batch[1].entry
    assert manifest.get("nobody") is None
    assert manifest.next_seq("run-1") == 4


def test_entry_ledger_and_progress_are_committed_together(manifest, database, lease, records):
    manifest.commit([*records(1, 3), *records(4, 5, Outcome.REJECTED, reason="too_short")], lease)
    assert manifest.statistics() == {"total": 5, "success": 3, "failed": 2}
    assert progress(database) == Progress(published=3, quarantined=2)
    with database.read() as conn:
        assert ledger.head(conn).count == 2


def test_a_stale_runner_commits_nothing(manifest, database, lease, records, later):
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=later(60), ttl_seconds=30)
    with pytest.raises(Fenced):
        manifest.commit(records(1, 3), lease)
    assert list(manifest.entries()) == []
    assert progress(database) == Progress()


def test_a_record_offered_again_does_not_undo_a_later_one(manifest, lease, records):
    (old,) = records(1, 1)
    (new,) = records(2, 2, keys=[old.key])
    manifest.commit([old], lease)
    manifest.commit([new], lease)
    assert manifest.commit([old], lease) == 0
    assert manifest.get(old.key) == new.entry


def test_moved_and_forgotten_items_leave_no_trace(manifest, lease, records):
    manifest.commit(records(1, 3), lease)
    manifest.save_stats([(f"item-000{n}", [n]) for n in (1, 2, 3)])
    (moved,) = records(4, 4, keys=["moved"])
    (gone,) = records(5, 5, keys=["item-0002"])
    manifest.commit(
        [
            dataclasses.replace(moved, moved_from="item-0001"),
            dataclasses.replace(gone, entry=None, result=None),
        ],
        lease,
    )
    assert [key for key, _ in manifest.entries()] == ["item-0003", "moved"]
    assert list(manifest.stats()) == [("item-0003", (3,))]


def test_within_one_batch_the_records_act_in_order(manifest, lease, records):
    there_and_back = [
        *records(1, 1, keys=["a"]),
        dataclasses.replace(records(2, 2, keys=["b"])[0], moved_from="a"),
        dataclasses.replace(records(3, 3, keys=["a"])[0], moved_from="b"),
    ]
    manifest.commit(there_and_back, lease)
    assert [key for key, _ in manifest.entries()] == ["a"]


def test_a_record_without_a_number_changes_the_manifest_only(manifest, database, lease, records):
    (record,) = records(1, 1)
    assert manifest.commit([dataclasses.replace(record, seq=0)]) == 1
    assert manifest.get(record.key) == record.entry
    assert progress(database) == Progress()


def test_sources_do_not_see_each_other(manifest, database, lease, records):
    other = TableManifest(database, "other")
    manifest.commit(records(1, 2), lease)
    manifest.save_stats([("item-0001", [1])])
    manifest.put_run_config("run-1", {"a": 1})
    assert list(other.entries()) == list(other.stats()) == []
    assert other.get("item-0001") is None
    assert other.run_config("run-1") is None
    assert other.statistics() == {"total": 0, "success": 0, "failed": 0}
    assert other.next_seq("run-1") == 1


def test_keys_stream_in_bytewise_order_and_are_found_in_bulk(manifest, lease, records):
    keys = [f"{prefix}/{n}" for n in range(700) for prefix in ("b", "B", "ä", "a b")]
    manifest.commit(records(1, len(keys), keys=keys), lease)
    assert [key for key, _ in manifest.entries()] == sorted(keys, key=str.encode)
    found = manifest.get_many([*keys, "nobody"])
    assert set(found) == set(keys)


def test_signatures_are_kept_replaced_and_dropped(manifest):
    huge = [12, 1_700_000_000_123_456_789, 2**64 - 1, -1]
    manifest.save_stats([("a", huge), ("b", [[1, 2], None])])
    manifest.save_stats([("b", [3])], removed=["a"])
    manifest.save_stats([("c", huge)])
    manifest.save_stats([])
    assert list(manifest.stats()) == [("b", (3,)), ("c", tuple(huge))]


def test_a_run_config_is_kept_by_run(manifest):
    manifest.put_run_config("run-1", {"git": None, "nested": {"ü": [1.5]}})
    manifest.put_run_config("run-1", {"git": "abc"})
    assert manifest.run_config("run-1") == {"git": "abc"}
    assert manifest.run_config("run-2") is None


def test_entries_may_be_read_while_they_are_written(manifest, lease, records):
    manifest.commit(records(1, 50), lease)
    seen = 0
    for seq, (key, _) in enumerate(manifest.entries(), 51):
        manifest.commit(records(seq, seq, keys=[f"{key}-again"]), lease)
        seen += 1
    assert seen == 50
    assert manifest.statistics()["total"] == 100
