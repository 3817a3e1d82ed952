"""Committed manifest records, applied to items, ledger, outbox and progress exactly once.

The cursor of (manifest, run) moves in the same transaction as what the records cause, so a crash
before the commit leaves nothing and one after it leaves everything. Records may be offered again at
any time; what the cursor has passed is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipewarden.core.chain import Act
from pipewarden.core.items import ItemResult
from pipewarden.core.jobs import Lease
from pipewarden.store.manifest import line_files
from pipewarden.store.manifest.record import Record
from pipewarden.store.state import items, ledger, outbox
from pipewarden.store.state.column_types import storable
from pipewarden.store.state.jobs import check_fence, traces
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.versions import Registration
from pipewarden.store.state.outbox import OutboxEvent
from pipewarden.store.state.schema import manifest_cursors
from pipewarden.store.windows import Window, passing


def apply_records(
    conn: Connection, records: Sequence[Record], *, manifest: str, lease: Lease | None = None
) -> int:
    """Apply those of the records that were not applied before; return how many that were.

    Parameters
    ----------
    conn
        The caller's open write transaction; `Window.APPLY_COMMITTED` is the caller's to pass.
    records
        In order of ``seq`` within each run. A record without a number (``seq`` 0) belongs to no run
        and is not applied.
    manifest
        The manifest's identity: of a file its absolute path.
    lease
        The runner's, to be refused if it is stale; None when what a dead runner left is caught up.

    Raises
    ------
    Fenced
        The lease is another's by now; nothing was applied.
    """
    if lease is not None:
        check_fence(conn, lease)
    fresh = unapplied(conn, records, manifest)
    if fresh:
        _apply(conn, fresh, manifest)
    passing(Window.APPLY_OPEN)
    return len(fresh)


def unapplied(conn: Connection, records: Sequence[Record], manifest: str) -> list[Record]:
    """Return the records that the cursors have not passed, each once."""
    reached: dict[str, int] = {}
    fresh = []
    for record in records:
        if record.run_id not in reached:
            reached[record.run_id] = applied_through(conn, manifest, record.run_id)
        if record.seq > reached[record.run_id]:
            reached[record.run_id] = record.seq
            fresh.append(record)
    return fresh


def applied_through(conn: Connection, manifest: str, run_id: str) -> int:
    """Return the number of the last record of the run that was applied; 0 before the first."""
    query = select(manifest_cursors.c.seq).where(
        manifest_cursors.c.manifest == manifest, manifest_cursors.c.run_id == run_id
    )
    return conn.execute(query).scalar() or 0


def next_seq(conn: Connection, manifest: str, run_id: str) -> int:
    """Return the number that the run's next record takes, once all that are pending are applied."""
    return applied_through(conn, manifest, run_id) + 1


def _apply(conn: Connection, fresh: Sequence[Record], manifest: str) -> None:
    runs: dict[str, dict[str, tuple[ItemResult, str]]] = {}
    reached: dict[str, int] = {}
    ends: dict[str, int] = {}
    quarantined: list[tuple[Record, ItemResult]] = []
    acts, events = _of_models(conn, fresh)
    for record in fresh:
        reached[record.run_id] = record.seq
        if record.act is not None:
            acts.append((record.act, record.at))
        if record.appended is not None:
            ends[record.appended[0]] = record.appended[1]
        result = record.result
        if result is None:
            continue
        runs.setdefault(record.run_id, {})[storable(result.key)] = (result, record.at)
        if result.outcome.quarantined:
            acts.append((_act(record, result), record.at))
            quarantined.append((record, result))
    # Runs from before the database was lost have no job to count for, but their acts happened.
    known = traces(conn, list(runs))
    for run_id, results in runs.items():
        if run_id in known:
            items.put(conn, run_id, results)
    events += [_event(*told, known.get(told[0].run_id, {})) for told in quarantined]
    if acts:
        ledger.append_dated(conn, acts)
        outbox.append(conn, events)
    line_files.advance(conn, ends)
    _advance(conn, manifest, reached)


def _advance(conn: Connection, manifest: str, reached: Mapping[str, int]) -> None:
    """Move the cursor of each run to its last record."""
    for run_id, seq in reached.items():
        change = update(manifest_cursors).where(
            manifest_cursors.c.manifest == manifest, manifest_cursors.c.run_id == run_id
        )
        if conn.execute(change.values(seq=seq)).rowcount == 0:
            new = insert(manifest_cursors).values(manifest=manifest, run_id=run_id, seq=seq)
            conn.execute(new)


def _of_models(
    conn: Connection, fresh: Sequence[Record]
) -> tuple[list[tuple[Act, str]], list[OutboxEvent]]:
    """Register what was trained; return what ledger and outbox learn of it."""
    registrations = [
        Registration(
            trained=record.trained,
            run_id=record.run_id,
            item_key=record.key,
            at=datetime.fromisoformat(record.at),
        )
        for record in fresh
        if record.trained is not None
    ]
    made = versions.register(conn, registrations)
    acts = [(versions.act_of(version), version.created_at.isoformat()) for version in made]
    return acts, [versions.event_of(version) for version in made]


def _act(record: Record, result: ItemResult) -> Act:
    return Act(
        actor="pipewarden",
        action="item.quarantined",
        subject=f"{record.run_id}/{result.key}",
        reason=result.reason,
        details=_facts(result),
    )


def _facts(result: ItemResult) -> dict[str, Any]:
    return {
        "outcome": str(result.outcome),
        "verdict": result.verdict,
        "attempt": result.attempt,
        "quarantine_path": result.quarantine_path,
    }


def _event(record: Record, result: ItemResult, trace: Mapping[str, str]) -> OutboxEvent:
    return OutboxEvent(
        type="io.pipewarden.item.quarantined",
        subject=f"{record.run_id}/{result.key}",
        data={
            "run_id": record.run_id,
            "key": result.key,
            "reason": result.reason,
            **_facts(result),
            **trace,
        },
        at=datetime.fromisoformat(record.at),
        id=f"{record.run_id}/record/{record.seq}",
    )
