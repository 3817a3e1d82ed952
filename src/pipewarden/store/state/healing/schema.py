"""The tables of healings, and of what people said about healing."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table

from pipewarden.core.healing.states import HealingState
from pipewarden.store.state.column_types import Json, Name, Time
from pipewarden.store.state.schema import metadata, only_where, serial

_states = ", ".join(f"'{state}'" for state in HealingState)
_going_on = ", ".join(f"'{state}'" for state in HealingState if not state.ended)

#: Every decision about a model; at most one a model and environment is open. ``lease_token`` only
#: grows: it is the fence.
healings = Table(
    "healings",
    metadata,
    Column("id", serial, primary_key=True),
    Column("model", Name, nullable=False),
    Column("environment", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("trigger", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("champion", Integer, nullable=False),
    Column("candidate", Integer),
    Column("key", Name, nullable=False),
    Column("decision", Json, nullable=False),
    Column("facts", Json, nullable=False),
    Column("reason", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("times", Integer, nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("last_at", Time, nullable=False),
    Column("entered_at", Time, nullable=False),
    Column("ended_at", Time),
    Column("attempts", Integer, nullable=False),
    Column("error", Name, nullable=False),
    Column("paused_at", Time),
    Column("paused_by", Name, nullable=False),
    Column("lease_owner", Name, nullable=False),
    Column("lease_token", BigInteger, nullable=False),
    Column("lease_expires_at", Time),
    CheckConstraint(f"state IN ({_states})", name="state"),
    Index(
        "ix_healings_open",
        "model",
        "environment",
        unique=True,
        info=only_where(f"state IN ({_going_on})"),
    ),
    Index(None, "model", "environment", "id"),
    Index(None, "state", "id"),
    sqlite_autoincrement=True,
)

#: What people said about the healing of a model in an environment; an empty model means all.
healing_holds = Table(
    "healing_holds",
    metadata,
    Column("model", Name, primary_key=True),
    Column("environment", Name, primary_key=True),
    Column("paused_at", Time),
    Column("paused_by", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("reset_at", Time),
)
