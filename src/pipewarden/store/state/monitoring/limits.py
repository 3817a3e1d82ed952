"""Limits that somebody put in force: never changed, the newest of a metric counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Float, Index, Table, insert, select

from pipewarden.core.chain import Act
from pipewarden.store.state.column_types import Name, Time
from pipewarden.store.state.schema import metadata, serial

#: Every limit that was ever put in force over what the settings say.
metric_limits = Table(
    "metric_limits",
    metadata,
    Column("id", serial, primary_key=True),
    Column("metric", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("warn", Float(53)),
    Column("breach", Float(53)),
    Column("actor", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("at", Time, nullable=False),
    Index(None, "metric", "subject", "id"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedLimit:
    """What is held against a metric, by whose word, since when, and why.

    Parameters
    ----------
    subject
        Of which model, pipeline or service; empty: of all.
    warn, breach
        Both None: what the settings say counts again.
    """

    metric: str
    subject: str
    warn: float | None
    breach: float | None
    actor: str
    reason: str
    at: datetime

    def act(self, before: AppliedLimit | None) -> Act:
        """Return what the ledger learns of it."""
        held = {"warn": self.warn, "breach": self.breach}
        earlier = None if before is None else {"warn": before.warn, "breach": before.breach}
        return Act(
            actor=self.actor,
            action="threshold.changed",
            subject=f"{self.metric}/{self.subject}" if self.subject else self.metric,
            reason=self.reason,
            details={**held, "before": earlier},
        )


def put(conn: Connection, limit: AppliedLimit) -> None:
    """Write a limit that counts from now on."""
    values = {name: getattr(limit, name) for name in AppliedLimit.__slots__}
    conn.execute(insert(metric_limits).values(values))


def in_force(conn: Connection) -> dict[tuple[str, str], AppliedLimit]:
    """Return the newest limit of each metric and subject; those that were taken back are not."""
    columns = [metric_limits.c[name] for name in AppliedLimit.__slots__]
    rows = conn.execute(select(*columns).order_by(metric_limits.c.id)).mappings()
    newest = {(row["metric"], row["subject"]): AppliedLimit(**row) for row in rows}
    return {
        key: held
        for key, held in newest.items()
        if held.warn is not None or held.breach is not None
    }
