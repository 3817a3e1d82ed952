"""Incidents: what is wrong, since when, and who cares for it.

Every change is compare-and-set on the incident's revision, and the unique index on what lasts makes
a second lasting incident of one fingerprint impossible, whichever monitors race.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    Table,
    case,
    func,
    insert,
    select,
    update,
)

from pipewarden.core.chain import Act
from pipewarden.core.monitoring.alerts.incidents import LASTING, Incident, IncidentState
from pipewarden.core.monitoring.alerts.messages import facts, headline
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Mute
from pipewarden.core.monitoring.observations import SubjectKind
from pipewarden.errors import Conflict, UnknownName
from pipewarden.store.state.column_types import Name, Time
from pipewarden.store.state.outbox import OutboxEvent
from pipewarden.store.state.schema import metadata, only_where, serial

_states = ", ".join(f"'{state}'" for state in IncidentState)
_lasting = "state IN ({})".format(", ".join(f"'{s}'" for s in IncidentState if s.lasting))

incidents = Table(
    "incidents",
    metadata,
    Column("id", serial, primary_key=True),
    Column("revision", Integer, nullable=False),
    *(
        Column(name, Name, nullable=False)
        for name in ("fingerprint", "state", "severity", "rule", "condition", "kind", "subject")
    ),
    *(Column(name, Name, nullable=False) for name in ("environment", "metric", "feature")),
    Column("missing", Integer, nullable=False),
    Column("version", Integer),
    Column("window", Name, nullable=False),
    Column("value", Float),
    Column("limit", Float),
    Column("sample", Integer),
    *(Column(name, Name, nullable=False) for name in ("reason", "owner", "runbook", "check_id")),
    *(Column(name, Integer, nullable=False) for name in ("count", "good", "level")),
    *(Column(name, Time, nullable=False) for name in ("started_at", "seen_at", "bad_at")),
    *(Column(name, Time) for name in ("raised_at", "told_at", "level_at", "reminded_at")),
    Column("acknowledged_at", Time),
    *(Column(f"acknowledged_{name}", Name, nullable=False) for name in ("by", "reason")),
    Column("resolved_at", Time),
    *(Column(f"resolved_{name}", Name, nullable=False) for name in ("by", "reason")),
    CheckConstraint(f"state IN ({_states})", name="state"),
    Index(
        "ix_incidents_lasting",
        "fingerprint",
        unique=True,
        info=only_where(_lasting),
    ),
    Index(None, "fingerprint", "id"),
    Index(None, "state", "id"),
    sqlite_autoincrement=True,
)

#: When nobody is to be told of what.
alert_mutes = Table(
    "alert_mutes",
    metadata,
    Column("id", serial, primary_key=True),
    Column("incident", BigInteger),
    *(Column(name, Name, nullable=False) for name in ("rule", "subject", "metric")),
    *(Column(name, Time, nullable=False) for name in ("since", "until")),
    *(Column(name, Name, nullable=False) for name in ("actor", "reason")),
    Column("ended_at", Time),
    Index(None, "until"),
    sqlite_autoincrement=True,
)

#: Up to which change of a job alerts have read, by the name of the reader.
alert_cursors = Table(
    "alert_cursors",
    metadata,
    Column("name", Name, primary_key=True),
    Column("position", BigInteger, nullable=False),
)


def latest(conn: Connection, fingerprints: Sequence[str]) -> dict[str, Incident]:
    """Return the last incident of each fingerprint that ever had one, over or not."""
    newest = (
        select(func.max(incidents.c.id))
        .where(incidents.c.fingerprint.in_(fingerprints))
        .group_by(incidents.c.fingerprint)
    )
    query = select(incidents).where(incidents.c.id.in_(newest))
    return {row["fingerprint"]: _incident(row) for row in conn.execute(query).mappings()}


def save(conn: Connection, held: Incident) -> Incident:
    """Write an incident, new or changed; return it with its id and new revision.

    Raises
    ------
    Conflict
        It was changed by another since it was read; nothing is written.
    """
    values = {name: getattr(held, name) for name in Incident.__slots__ if name != "id"}
    values["missing"] = int(held.missing)
    if held.id == 0:
        made = conn.execute(insert(incidents).values(**values)).inserted_primary_key
        assert made is not None
        return replace(held, id=made[0])
    mine = (incidents.c.id == held.id, incidents.c.revision == held.revision)
    values["revision"] = held.revision + 1
    if conn.execute(update(incidents).where(*mine).values(**values)).rowcount == 0:
        raise Conflict(
            f"alert {held.id} was changed by another meanwhile",
            left_behind="nothing was changed",
            next_step=f"pipewarden alerts show {held.id}",
        )
    return replace(held, revision=held.revision + 1)


def get(conn: Connection, incident_id: int) -> Incident:
    """Return one incident.

    Raises
    ------
    UnknownName
        There is none of this number.
    """
    query = select(incidents).where(incidents.c.id == incident_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownName(f"there is no alert {incident_id}", next_step="pipewarden alerts list")
    return _incident(row)


def lasting(conn: Connection) -> list[Incident]:
    """Return every incident that is not over, the oldest first."""
    query = select(incidents).where(incidents.c.state.in_(LASTING)).order_by(incidents.c.id)
    return [_incident(row) for row in conn.execute(query).mappings()]


def page(
    conn: Connection,
    states: Sequence[IncidentState],
    *,
    severity: Severity | None = None,
    subject: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[Incident], int]:
    """Return some incidents, the gravest and newest first, and how many there are in all."""
    where: list[ColumnElement[bool]] = [incidents.c.state.in_(states)]
    if severity is not None:
        where.append(incidents.c.severity == severity)
    if subject is not None:
        where.append(incidents.c.subject == subject)
    total = conn.execute(select(func.count()).select_from(incidents).where(*where)).scalar_one()
    grave = case((incidents.c.severity == Severity.CRITICAL, 0), else_=1)
    query = select(incidents).where(*where).order_by(grave, incidents.c.id.desc())
    rows = conn.execute(query.limit(limit).offset(offset)).mappings()
    return [_incident(row) for row in rows], total


def add_mute(conn: Connection, mute: Mute) -> Mute:
    """Write a mute; return it with its number."""
    values = {name: getattr(mute, name) for name in Mute.__slots__ if name != "id"}
    made = conn.execute(insert(alert_mutes).values(**values)).inserted_primary_key
    assert made is not None
    return replace(mute, id=made[0])


def end_mute(conn: Connection, mute_id: int, at: datetime) -> Mute:
    """End a mute before its time; return it.

    Raises
    ------
    UnknownName
        There is no such mute, or it has ended.
    """
    lasts = (alert_mutes.c.id == mute_id, alert_mutes.c.ended_at.is_(None))
    change = update(alert_mutes).where(*lasts, alert_mutes.c.until > at).values(ended_at=at)
    if conn.execute(change).rowcount == 0:
        raise UnknownName(
            f"no mute {mute_id} is in force", next_step="pipewarden alerts list shows which are"
        )
    row = conn.execute(select(alert_mutes).where(alert_mutes.c.id == mute_id)).mappings().one()
    return Mute(**dict(row))


def mutes(conn: Connection, since: datetime) -> list[Mute]:
    """Return the mutes that were in force at a time or after it, the oldest first."""
    query = select(alert_mutes).where(alert_mutes.c.until > since).order_by(alert_mutes.c.id)
    return [Mute(**dict(row)) for row in conn.execute(query).mappings()]


def cursor(conn: Connection, name: str) -> int | None:
    """Return how far a reader has read; None: it never did."""
    query = select(alert_cursors.c.position).where(alert_cursors.c.name == name)
    found = conn.execute(query).scalar()
    return None if found is None else int(found)


def move_cursor(conn: Connection, name: str, position: int) -> None:
    """Take note of how far a reader has read; it never goes back."""
    held = cursor(conn, name)
    if held is None:
        conn.execute(insert(alert_cursors).values(name=name, position=position))
    elif position > held:
        moved = update(alert_cursors).where(alert_cursors.c.name == name)
        conn.execute(moved.values(position=position))


def act_of(held: Incident, action: str, *, actor: str, reason: str = "", **details: Any) -> Act:
    """Return what the ledger learns of an incident.

    Parameters
    ----------
    action
        The verb: ``raised``, ``acknowledged``, ``escalated``, ``resolved``, ``muted``.
    """
    about = {
        "what": headline(held),
        "severity": str(held.severity),
        "rule": held.rule,
        "count": held.count,
        "check": held.check_id,
    }
    return Act(
        actor=actor,
        action=f"alert.{action}",
        subject=f"alert:{held.id}",
        reason=reason,
        details={**about, **details},
    )


def event_of(held: Incident, fate: str, at: datetime) -> OutboxEvent:
    """Return what the world learns of an incident: ``raised``, ``escalated`` or ``resolved``."""
    return OutboxEvent(
        type=f"io.pipewarden.alert.{fate}",
        subject=f"alert:{held.id}",
        data={**facts(held), "what": headline(held)},
        at=at,
        id=f"alert/{held.id}/{fate}/{held.severity}/{held.level}",
    )


def _incident(row: Mapping[Any, Any]) -> Incident:
    kinds = {
        "state": IncidentState(row["state"]),
        "severity": Severity(row["severity"]),
        "kind": SubjectKind(row["kind"]),
        "missing": bool(row["missing"]),
    }
    return Incident(**{**row, **kinds})
