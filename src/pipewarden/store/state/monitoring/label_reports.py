"""Reports of labels: taken in, given to their predictions, and let go of again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from pipewarden.core.monitoring.labels import HeldLabel, LabelReport, settle
from pipewarden.store.state.column_types import storable
from pipewarden.store.state.models.schema import label_conflicts, labels, predictions
from pipewarden.store.state.schema import insert_or_replace

if TYPE_CHECKING:
    from pipewarden.store.state.models.predictions import Prediction

#: Ids that are looked for at once; both databases take more parameters than that.
_AT_ONCE = 1_000
#: What a label takes over from its prediction, beside its time.
_COPIED = ("model", "environment", "version", "role")
_UNKNOWN: Mapping[str, Any] = {
    "model": "", "environment": "", "version": 0, "role": "", "predicted_at": None
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What came of reports.

    Parameters
    ----------
    received
        All of them: ``new`` and ``repeated`` and ``conflicting``.
    labelled, unknown
        How many are for a prediction that is logged, and how many wait for theirs.
    replaced
        The predictions whose label that held holds no more; one may be there twice.
    """

    received: int = 0
    new: int = 0
    repeated: int = 0
    conflicting: int = 0
    labelled: int = 0
    unknown: int = 0
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """So many predictions, and labels of theirs."""

    predictions: int
    labels: int


def report(
    conn: Connection, reports: Sequence[LabelReport], *, at: datetime, source: str
) -> Reported:
    """Take reports in, in the order in which they arrived; return what they turned out to be.

    Parameters
    ----------
    conn
        An open write transaction.
    at
        When they arrived.
    source
        Who reports: a person, a key, a file.
    """
    total: Counter[str] = Counter()
    replaced: list[str] = []
    for start in range(0, len(reports), _AT_ONCE):
        counted, more = _reported(conn, reports[start : start + _AT_ONCE], at, source)
        total += counted
        replaced += more
    return Reported(received=len(reports), replaced=tuple(replaced), **total)


def _reported(
    conn: Connection, reports: Sequence[LabelReport], at: datetime, source: str
) -> tuple[Counter[str], list[str]]:
    named = [(storable(one.prediction_id), one) for one in reports]
    ids = list({name for name, _ in named})
    query = select(labels).where(labels.c.prediction_id.in_(ids))
    rows = {row["prediction_id"]: dict(row) for row in conn.execute(query).mappings()}
    origins = _origins(conn, [name for name in ids if name not in rows])
    counted: Counter[str] = Counter()
    lost, replaced = [], []
    for name, one in named:
        row = rows.get(name)
        settled = settle(None if row is None else _held(row), one, at=at, source=source)
        origin = row if row is not None else origins.get(name) or _UNKNOWN
        rows[name] = _row(name, settled.label, origin)
        counted[settled.arrival] += 1
        counted["labelled" if rows[name]["model"] else "unknown"] += 1
        if settled.lost is not None:
            if row is not None and settled.label.value != row["value"]:
                replaced.append(name)
            lost.append({"prediction_id": name, **_stated(settled.lost)})
    conn.execute(insert_or_replace(conn, labels), list(rows.values()))
    if lost:
        conn.execute(insert(label_conflicts), lost)
    return counted, replaced


def _stated(label: HeldLabel) -> dict[str, Any]:
    return {name: getattr(label, name) for name in ("value", "at", "received_at", "source")}


def _row(name: str, label: HeldLabel, origin: Mapping[str, Any]) -> dict[str, Any]:
    counts = {"reports": label.reports, "conflicts": label.conflicts}
    return {"prediction_id": name, **_stated(label), **counts,
            **{column: origin[column] for column in _UNKNOWN}}  # fmt: skip


def _held(row: Mapping[str, Any]) -> HeldLabel:
    return HeldLabel(**{name: row[name] for name in HeldLabel.__slots__})


def _origins(conn: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what a label takes over from its prediction, of those that are logged."""
    held = predictions.c
    query = select(
        held.id,
        held.model,
        held.environment,
        held.version,
        held.role,
        held.at.label("predicted_at"),
    ).where(held.id.in_(ids))
    return {row["id"]: dict(row) for row in conn.execute(query).mappings()} if ids else {}


def match(conn: Connection, rows: Sequence[Prediction], at: datetime | None = None) -> int:
    """Give labels that waited for these predictions to them; return how many.

    Parameters
    ----------
    conn
        The write transaction in which the predictions were logged.
    at
        The present time: only now can the labels be judged, so that they count as received now.
        None leaves them as they are.
    """
    named = {storable(row.id): row for row in rows}
    ids, held = list(named), labels.c
    query = select(held.prediction_id).where(held.model == "")
    portions = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    found = [
        named[name]
        for some in portions
        for name in conn.execute(query.where(held.prediction_id.in_(some))).scalars()
    ]
    if found:
        change = update(labels).where(held.prediction_id == bindparam("of"))
        columns: dict[str, Any] = {
            name: bindparam(f"its_{name}") for name in ("predicted_at", *_COPIED)
        }
        given = [
            {"of": storable(row.id), "its_predicted_at": row.at}
            | {f"its_{name}": getattr(row, name) for name in _COPIED}
            for row in found
        ]
        if at is not None:
            columns["received_at"] = at
        conn.execute(change.values(**columns), given)
    return len(found)


def reports_of(conn: Connection, prediction_id: str) -> tuple[HeldLabel | None, list[HeldLabel]]:
    """Return the label that holds, and what was reported otherwise, in order of arrival."""
    query = select(labels).where(labels.c.prediction_id == prediction_id)
    row = conn.execute(query).mappings().one_or_none()
    against = label_conflicts.c
    others = (
        select(against.value, against.at, against.received_at, against.source)
        .where(against.prediction_id == prediction_id)
        .order_by(against.id)
    )
    lost = [HeldLabel(**one) for one in conn.execute(others).mappings()]
    return None if row is None else _held(dict(row)), lost


def prune(conn: Connection, model: str, environment: str, before: datetime, limit: int) -> Counted:
    """Remove some of the oldest predictions made before a time, and what became true of them.

    Parameters
    ----------
    limit
        At most so many predictions; it may be called until it finds none.
    """
    made = predictions.c
    query = select(made.id).where(made.model == model, made.environment == environment)
    oldest = query.where(made.at < before).order_by(made.at, made.id).limit(limit)
    ids = list(conn.execute(oldest).scalars())
    number = 0
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        number += _forget(conn, some)
        conn.execute(delete(predictions).where(made.id.in_(some)))
    return Counted(predictions=len(ids), labels=number)


def prune_unknown(conn: Connection, before: datetime, limit: int) -> int:
    """Remove some labels that arrived before a time and have no prediction yet; return how many."""
    held = labels.c
    query = select(held.prediction_id).where(held.model == "", held.environment == "")
    oldest = query.where(held.received_at < before).order_by(held.received_at).limit(limit)
    ids = list(conn.execute(oldest).scalars())
    portions = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    return sum(_forget(conn, some) for some in portions)


def count_before(conn: Connection, model: str, environment: str, before: datetime) -> Counted:
    """Return what `prune` would remove in all."""
    made, held = predictions.c, labels.c
    old = select(func.count()).select_from(predictions).where(made.model == model)
    theirs = select(func.count()).select_from(labels).where(held.model == model)
    return Counted(
        predictions=conn.execute(
            old.where(made.environment == environment, made.at < before)
        ).scalar_one(),
        labels=conn.execute(
            theirs.where(held.environment == environment, held.predicted_at < before)
        ).scalar_one(),
    )


def count_unknown_before(conn: Connection, before: datetime) -> int:
    """Return what `prune_unknown` would remove in all."""
    held = labels.c
    query = select(func.count()).select_from(labels).where(held.model == "", held.environment == "")
    return conn.execute(query.where(held.received_at < before)).scalar_one()


def _forget(conn: Connection, ids: Sequence[str]) -> int:
    conn.execute(delete(label_conflicts).where(label_conflicts.c.prediction_id.in_(ids)))
    return conn.execute(delete(labels).where(labels.c.prediction_id.in_(ids))).rowcount
