"""One suite over the manifest's stores: a JSON file, a table in SQLite, a table in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipewarden.core.chain import Act
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job, Lease
from pipewarden.errors import Fenced
from pipewarden.store.files.folder_lock import Holder
from pipewarden.store.manifest.contract import FileStore, ManifestStore, TableStore
from pipewarden.store.manifest.manifest_file import ManifestFile
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.manifest.table import TableManifest
from pipewarden.store.state import items, jobs, ledger
from pipewarden.store.state.database import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Stores = Callable[[], ManifestStore]


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Stores]]:
    """The database, and a function that opens the manifest anew, as a new process would."""
    url = f"sqlite:///{tmp_path}/state.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    database = Database.open(url)
    path = tmp_path / "in" / ".manifest.json"
    path.parent.mkdir()

    def opened() -> ManifestStore:
        if request.param == "file":
            return FileStore(ManifestFile(path, lambda: NOW), database)
        return TableStore(TableManifest(database, "source"), path.parent)

    yield database, opened
    database.close()


def started(database: Database, run: str = "run1") -> Lease:
    job = Job(id=run, pipeline="p", source="s", created_at=NOW, created_by="me")
    with database.write() as conn:
        assert jobs.insert(conn, job)
        return jobs.claim(conn, run, owner="host:1:1", at=NOW, ttl_seconds=60)


def entry(number: int, status: str = "success") -> Entry:
    return {"hash": f"sha256:{number}", "status": status, "run_id": "run1"}  # type: ignore[typeddict-item]


def record(seq: int, key: str, outcome: Outcome = Outcome.PUBLISHED, run: str = "run1") -> Record:
    failed = outcome.quarantined
    return Record(
        run_id=run,
        seq=seq,
        at=NOW.isoformat(),
        key=key,
        entry=entry(seq, "failed" if failed else "success"),
        result=ItemResult(key=key, outcome=outcome, reason="why" if failed else ""),
    )


def locked(store: ManifestStore) -> ManifestStore:
    store.lock(Holder("host", 1, "run1", "now"), 0, lambda _: None)
    return store


def test_what_is_committed_is_there_for_the_next_process(world: tuple[Database, Stores]) -> None:
    database, opened = world
    store = locked(opened())
    store.commit([record(1, "b"), record(2, "a", Outcome.REJECTED)], started(database))
    store.close()
    again = opened()
    assert dict(again.entries()) == {"a": entry(2, "failed"), "b": entry(1)}
    assert [key for key, _, _ in again.in_order()] == ["a", "b"]
    assert again.get("b") == entry(1)
    assert again.get("z") is None


def test_ledger_and_progress_learn_of_each_record_once(world: tuple[Database, Stores]) -> None:
    database, opened = world
    lease = started(database)
    store = locked(opened())
    records = [record(1, "a"), record(2, "b", Outcome.ERRORED)]
    store.commit(records, lease)
    store.catch_up()
    store.close()
    again = locked(opened())
    again.catch_up()
    with database.read() as conn:
        job = jobs.get(conn, "run1")
        acts = [e.action for e in ledger.entries(conn)]
        assert items.totals(conn, "run1").quarantined == 1
    assert job is not None
    assert (job.progress.published, job.progress.quarantined) == (1, 1)
    assert acts.count("item.quarantined") == 1
    assert again.next_seq("run1") == 3


def test_a_stale_runner_commits_nothing_to_the_ledger(world: tuple[Database, Stores]) -> None:
    database, opened = world
    stale = started(database)
    with database.write() as conn:
        jobs.claim(conn, "run1", owner="host:2:2", at=NOW, ttl_seconds=60, steal_from="host:1:1")
    store = locked(opened())
    with pytest.raises(Fenced):
        store.commit([record(1, "a")], stale)
    with database.read() as conn:
        assert items.totals(conn, "run1").published == 0


def test_a_moved_item_has_its_new_key_only(world: tuple[Database, Stores]) -> None:
    database, opened = world
    store = locked(opened())
    lease = started(database)
    store.commit([record(1, "old")], lease)
    moved = Record(
        run_id="run1", seq=2, at=NOW.isoformat(), key="new", entry=entry(1), moved_from="old"
    )
    store.commit([moved], lease)
    store.close()
    assert dict(opened().entries()) == {"new": entry(1)}


def test_a_forgotten_item_is_gone_with_its_signatures(world: tuple[Database, Stores]) -> None:
    database, opened = world
    store = locked(opened())
    lease = started(database)
    store.commit([record(1, "a")], lease)
    store.remember("a", (1, 2, 3, 4), None)
    store.commit([Record(run_id="run1", seq=2, at=NOW.isoformat(), key="a", entry=None)], lease)
    store.forget(["a"])
    store.save()
    store.close()
    again = opened()
    assert dict(again.entries()) == {}
    assert list(again.in_order()) == []


def test_signatures_are_remembered_over_processes(world: tuple[Database, Stores]) -> None:
    database, opened = world
    store = locked(opened())
    store.commit([record(1, "a")], started(database))
    store.remember("a", (1, 2, 3, 4), (5, 6, 7, 8))
    store.save()
    store.close()
    assert list(opened().in_order()) == [("a", entry(1), [[1, 2, 3, 4], [5, 6, 7, 8]])]


def test_an_act_of_a_person_is_ledgered_with_its_record(world: tuple[Database, Stores]) -> None:
    database, opened = world
    store = locked(opened())
    store.commit([record(1, "a", Outcome.REJECTED)], started(database))
    act = Act(actor="me", action="item.released", subject="run1/a", reason="it is fine")
    freed = Record(run_id="run1", seq=2, at=NOW.isoformat(), key="a", entry=entry(1), act=act)
    store.commit([freed], None)
    store.save()
    store.close()
    with database.read() as conn:
        assert [e.reason for e in ledger.entries(conn, action="item.released")] == ["it is fine"]
    assert dict(opened().entries()) == {"a": entry(1)}
