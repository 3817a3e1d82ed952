"""The log of predictions: which version answered what, to which question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from pipewarden.errors import UnknownName
from pipewarden.store.state.models.schema import predictions


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


def append(conn: Connection, rows: Sequence[Prediction]) -> None:
    """Write predictions."""
    if rows:
        names = Prediction.__slots__
        conn.execute(insert(predictions), [{n: getattr(row, n) for n in names} for row in rows])


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
