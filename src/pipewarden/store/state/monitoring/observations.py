"""Observations: written once, read in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    Table,
    delete,
    func,
    insert,
    select,
)

from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.store.state.column_types import Json, Name, Time
from pipewarden.store.state.monitoring.windows import Stream
from pipewarden.store.state.schema import metadata, serial

observations = Table(
    "observations",
    metadata,
    Column("id", serial, primary_key=True),
    Column("check_id", Name, nullable=False),
    Column("at", Time, nullable=False),
    Column("kind", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("metric", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("value", Float),
    Column("environment", Name, nullable=False),
    Column("version", Integer),
    Column("feature", Name, nullable=False),
    Column("window", Name, nullable=False),
    Column("threshold", Float),
    Column("sample", Integer),
    Column("reason", Name, nullable=False),
    Column("evidence", Json, nullable=False),
    Index(None, "check_id"),
    Index(None, "subject", "metric", "feature", "at"),
    Index(None, "metric", "at"),
    Index(None, "kind", "at"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was observed again and again, and how often in the time that was asked for."""

    kind: SubjectKind
    subject: str
    environment: str
    metric: str
    feature: str
    window: str
    number: int


def append(conn: Connection, rows: Sequence[Observation]) -> None:
    """Write observations."""
    if rows:
        names = Observation.__slots__
        conn.execute(
            insert(observations), [{name: getattr(row, name) for name in names} for row in rows]
        )


def of_check(conn: Connection, check_id: str) -> list[Observation]:
    """Return what one check observed, in the order in which it did."""
    query = select(observations).where(observations.c.check_id == check_id)
    return [_read(row) for row in conn.execute(query.order_by(observations.c.id)).mappings()]


def history(
    conn: Connection,
    subject: str,
    metric: str,
    *,
    feature: str = "",
    environment: str | None = None,
    since: datetime | None = None,
    limit: int = 1_000,
) -> list[Observation]:
    """Return the newest observations of one figure, the oldest of them first.

    Parameters
    ----------
    environment
        None: of any.
    since
        None: from the beginning.
    """
    held = observations.c
    query = select(observations).where(
        held.subject == subject, held.metric == metric, held.feature == feature
    )
    if environment is not None:
        query = query.where(held.environment == environment)
    if since is not None:
        query = query.where(held.at >= since)
    rows = conn.execute(query.order_by(held.at.desc(), held.id.desc()).limit(limit)).mappings()
    return [_read(row) for row in rows][::-1]


def newest(
    conn: Connection, stream: Stream, metric: str, window: str, *, limit: int = 1
) -> list[Observation]:
    """Return the newest observations of a version in windows of one kind, the newest first."""
    held = observations.c
    query = (
        select(observations)
        .where(*_of(stream, window), held.metric == metric, held.feature == "")
        .order_by(held.at.desc(), held.id.desc())
    )
    return [_read(row) for row in conn.execute(query.limit(limit)).mappings()]


def of_checks(
    conn: Connection, check_ids: Sequence[str], stream: Stream, window: str
) -> list[Observation]:
    """Return what some checks observed of a version in windows of one kind, in order."""
    held = observations.c
    query = select(observations).where(held.check_id.in_(check_ids), *_of(stream, window))
    return [_read(row) for row in conn.execute(query.order_by(held.id)).mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A figure that was in one status, how often in a time, and from when to when (UTC)."""

    kind: SubjectKind
    subject: str
    environment: str
    metric: str
    feature: str
    window: str
    status: ObservationStatus
    number: int
    first: datetime
    last: datetime


def troubles(
    conn: Connection, statuses: Sequence[ObservationStatus], *, since: datetime, until: datetime
) -> list[Trouble]:
    """Return the figures that were in some status in a time, in order of kind and subject.

    Parameters
    ----------
    since, until
        The first is included, the second is not.
    """
    held = observations.c
    place = [held[name] for name in Trouble.__slots__[:7]]
    query = (
        select(
            *place, func.count().label("number"), func.min(held.at).label("first"),
            func.max(held.at).label("last"),
        )
        .where(held.at >= since, held.at < until, held.status.in_(list(statuses)))
        .group_by(*place)
        .order_by(*place)
    )  # fmt: skip
    rows = conn.execute(query).mappings()
    return [
        Trouble(**{**row, "kind": SubjectKind(row["kind"]),
                   "status": ObservationStatus(row["status"])})
        for row in rows
    ]  # fmt: skip


def values(
    conn: Connection, of: Observation | Figure, *, since: datetime, limit: int
) -> list[tuple[datetime, float]]:
    """Return time and value of the newest observations of a figure, the oldest of them first."""
    held = observations.c
    query = select(held.at, held.value).where(
        held.subject == of.subject,
        held.metric == of.metric,
        held.feature == of.feature,
        held.environment == of.environment,
        held.window == of.window,
        held.at >= since,
        held.value.is_not(None),
    )
    rows = conn.execute(query.order_by(held.at.desc(), held.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows][::-1]


def lasting(conn: Connection, metric: str, *, since: datetime) -> set[tuple[str, str, str, str]]:
    """Return subject, environment, feature and window where the newest of a metric is not ok."""
    held = observations.c
    place = (held.subject, held.environment, held.feature, held.window)
    newest = (
        select(func.max(held.id)).where(held.metric == metric, held.at >= since).group_by(*place)
    )
    query = select(*place).where(held.id.in_(newest), held.status != ObservationStatus.OK)
    return {(row[0], row[1], row[2], row[3]) for row in conn.execute(query)}


def standing(conn: Connection, kind: SubjectKind, since: datetime) -> list[Observation]:
    """Return the newest observation since a time of each figure of each version, in order."""
    held = observations.c
    every = [held[name] for name in ("subject", "environment", "version", "metric", "feature")]
    within = (held.kind == kind, held.at >= since)
    newest = select(func.max(held.id)).where(*within).group_by(*every, held.window)
    query = select(observations).where(held.id.in_(newest))
    order = (held.subject, held.environment, held.metric, held.feature, held.id)
    return [_read(row) for row in conn.execute(query.order_by(*order)).mappings()]


def _of(stream: Stream, window: str) -> tuple[ColumnElement[bool], ...]:
    held = observations.c
    return (
        held.subject == stream.model,
        held.environment == stream.environment,
        held.version == stream.version,
        held.window == window,
    )


def figures(conn: Connection, *, since: datetime, until: datetime) -> list[Figure]:
    """Return which figures were observed in a time, each with how often, in order.

    Parameters
    ----------
    since, until
        The first is included, the second is not.
    """
    held = observations.c
    names = [held[name] for name in Figure.__slots__ if name != "number"]
    query = (
        select(*names, func.count().label("number"))
        .where(held.at >= since, held.at < until)
        .group_by(*names)
        .order_by(*names)
    )
    return [
        Figure(**{**row, "kind": SubjectKind(row["kind"])})
        for row in conn.execute(query).mappings()
    ]


def subjects(conn: Connection, kind: SubjectKind | None = None) -> list[str]:
    """Return whatever was observed, of one kind or of any, in order."""
    held = observations.c
    query = select(held.subject).distinct().order_by(held.subject)
    return list(conn.execute(query if kind is None else query.where(held.kind == kind)).scalars())


def last_of_each(conn: Connection, *, since: datetime) -> list[Observation]:
    """Return of each figure, whatever its window and version, the last observation since a time."""
    held = observations.c
    figure = [held[name] for name in ("kind", "subject", "environment", "metric", "feature")]
    newest = select(func.max(held.id)).where(held.at >= since).group_by(*figure)
    query = select(observations).where(held.id.in_(newest)).order_by(held.id)
    return [_read(row) for row in conn.execute(query).mappings()]


def prune(conn: Connection, before: datetime) -> int:
    """Remove what was observed before a time; return how many."""
    return conn.execute(delete(observations).where(observations.c.at < before)).rowcount


def _read(row: object) -> Observation:
    held = {name: row[name] for name in Observation.__slots__}  # type: ignore[index]
    held["kind"] = SubjectKind(held["kind"])
    held["status"] = ObservationStatus(held["status"])
    return Observation(**held)
