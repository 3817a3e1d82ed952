"""The log of predictions: which version answered what, to which question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from pipewarden.errors import UnknownName
from pipewarden.store.state.models.schema import predictions
from pipewarden.store.state.monitoring import label_reports
from pipewarden.store.state.schema import insert_new

#: Ids that are looked for at once; both databases take more parameters than that.
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One answer of a model.

    Parameters
    ----------
    id
        A UUIDv7 (RFC 9562).
    role
        ``champion``, or ``challenger`` where that one answered or was asked beside it.
    entity
        Whom it is about, where the caller said so.
    inputs
        The named features, or what was asked of a forecaster.
    """

    id: str
    at: datetime
    model: str
    version: int
    environment: str
    role: str
    entity: str
    inputs: Mapping[str, Any]
    answer: Mapping[str, Any]
    request_id: str


def append(conn: Connection, rows: Sequence[Prediction], at: datetime | None = None) -> None:
    """Write predictions; one that is there already is left as it is.

    A label that waited for one of them is given to it, and counts as received then.

    Parameters
    ----------
    at
        The present time; None leaves a waiting label as received when it came.
    """
    if rows:
        names = Prediction.__slots__
        values = [{name: getattr(row, name) for name in names} for row in rows]
        conn.execute(insert_new(conn, predictions), values)
        label_reports.match(conn, rows, at)


def versions_of(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return model and version of those of these predictions that are logged, by their ids."""
    held = predictions.c
    query = select(held.id, held.model, held.version)
    portions = (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
    return {
        row.id: (row.model, row.version)
        for some in portions
        for row in conn.execute(query.where(held.id.in_(some)))
    }


def get(conn: Connection, prediction_id: str) -> Prediction:
    """Return one prediction.

    Raises
    ------
    UnknownName
        It was never logged, or is logged no more.
    """
    query = select(predictions).where(predictions.c.id == prediction_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownName(f"there is no prediction {prediction_id!r}")
    return Prediction(**row)


def count(conn: Connection, model: str, version: int | None = None) -> int:
    """Return how many answers of a model, or of one of its versions, are logged."""
    query = select(func.count()).select_from(predictions).where(predictions.c.model == model)
    if version is not None:
        query = query.where(predictions.c.version == version)
    return conn.execute(query).scalar_one()


def latest(conn: Connection, model: str, version: int, limit: int) -> list[Prediction]:
    """Return the newest answers of a version, the newest first."""
    query = (
        select(predictions)
        .where(predictions.c.model == model, predictions.c.version == version)
        .order_by(predictions.c.at.desc(), predictions.c.id.desc())
        .limit(limit)
    )
    return [Prediction(**row) for row in conn.execute(query).mappings()]


def models(conn: Connection) -> list[tuple[str, str]]:
    """Return every model and environment of which predictions are logged, in order.

    It asks for one after the other, each by the index: there are few, and predictions are many.
    """
    held = predictions.c
    query = select(held.model, held.environment).limit(1)
    order = query.order_by(held.model, held.environment)
    found: list[tuple[str, str]] = []
    row = conn.execute(order.where(held.model >= "")).one_or_none()
    while row is not None:
        model, environment = row
        found.append((model, environment))
        # Two questions, since SQLite walks through a whole model to find the next of a pair.
        same = query.where(held.model == model, held.environment > environment)
        row = conn.execute(same.order_by(held.environment)).one_or_none()
        row = row or conn.execute(order.where(held.model > model)).one_or_none()
    return found
