"""Windows of predictions: by time, by number, or by the request that they came in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.models.schema import predictions

_HELD = predictions.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The predictions of one version in one environment, in one role."""

    model: str
    environment: str
    version: int
    role: str = "champion"

    @property
    def where(self) -> tuple[ColumnElement[bool], ...]:
        """The condition of its rows."""
        return (
            _HELD.model == self.model,
            _HELD.version == self.version,
            _HELD.environment == self.environment,
            _HELD.role == self.role,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A prediction as a place in its stream; the empty id stands before all of its instant."""

    at: datetime
    id: str = ""


def between(
    conn: Connection, stream: Stream, *, since: datetime, until: datetime, limit: int
) -> tuple[list[Prediction], int]:
    """Return the predictions of a time in order, and how many there are of it.

    Parameters
    ----------
    since, until
        The first is included, the second is not.
    limit
        Of more than so many, every n-th is returned.
    """
    where = (*stream.where, _HELD.at >= since, _HELD.at < until)
    return _drawn(conn, where, limit)


def of_request(
    conn: Connection, stream: Stream, request_id: str, *, since: datetime, limit: int
) -> tuple[list[Prediction], int]:
    """Return the predictions that came in one request, as `between` does."""
    where = (*stream.where, _HELD.request_id == request_id, _HELD.at >= since)
    return _drawn(conn, where, limit)


def following(conn: Connection, stream: Stream, after: Place, number: int) -> list[Prediction]:
    """Return the next predictions after a place, at most ``number``, in order."""
    behind = or_(_HELD.at > after.at, and_(_HELD.at == after.at, _HELD.id > after.id))
    query = select(predictions).where(*stream.where, _HELD.at >= after.at, behind)
    rows = conn.execute(query.order_by(_HELD.at, _HELD.id).limit(number)).mappings()
    return [Prediction(**row) for row in rows]


def requests(
    conn: Connection, stream: Stream, *, since: datetime, rows: int
) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield the requests with at least ``rows`` predictions, each with its first and last time."""
    first, last = func.min(_HELD.at), func.max(_HELD.at)
    query = (
        select(_HELD.request_id, first, last)
        .where(*stream.where, _HELD.at >= since, _HELD.request_id != "")
        .group_by(_HELD.request_id)
        .having(func.count() >= rows)
        .order_by(first, _HELD.request_id)
    )
    for row in conn.execute(query):
        yield row[0], row[1], row[2]


def _drawn(
    conn: Connection, where: tuple[ColumnElement[bool], ...], limit: int
) -> tuple[list[Prediction], int]:
    total = conn.execute(select(func.count()).select_from(predictions).where(*where)).scalar_one()
    query = select(predictions).where(*where)
    if total > limit:
        step = -(-total // limit)
        place = func.row_number().over(order_by=(_HELD.at, _HELD.id)).label("place")
        numbered = select(_HELD.id, place).where(*where).subquery()
        chosen = select(numbered.c.id).where(numbered.c.place % step == 0)
        query = query.where(_HELD.id.in_(chosen))
    rows = conn.execute(query.order_by(_HELD.at, _HELD.id)).mappings()
    return [Prediction(**row) for row in rows], total
