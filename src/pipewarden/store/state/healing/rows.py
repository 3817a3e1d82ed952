"""Reading healings: one, the one that is open, those of a model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from pipewarden.core.healing.states import ENDS, Action, Healing, HealingState, Trigger
from pipewarden.errors import UnknownName
from pipewarden.store.state.healing.schema import healings

#: The states of what goes on.
OPEN = sorted(set(HealingState) - ENDS)


def get(conn: Connection, healing_id: int) -> Healing:
    """Return one healing.

    Raises
    ------
    UnknownName
        There is none of this number.
    """
    found = _listed(conn, healings.c.id == healing_id)
    if not found:
        raise UnknownName(f"there is no healing {healing_id}", next_step="pipewarden heal status")
    return found[0]


def opened(conn: Connection, model: str, environment: str) -> Healing | None:
    """Return the healing of a model that goes on, or None."""
    found = _listed(conn, *_of(model, environment), healings.c.state.in_(OPEN))
    return found[0] if found else None


def all_open(conn: Connection) -> list[Healing]:
    """Return every healing that goes on, the oldest first."""
    return _listed(conn, healings.c.state.in_(OPEN))[::-1]


def latest(conn: Connection, model: str, environment: str) -> Healing | None:
    """Return the newest decision about a model; None where there was none."""
    return next(iter(_listed(conn, *_of(model, environment), limit=1)), None)


def history(
    conn: Connection,
    *,
    model: str | None = None,
    environment: str | None = None,
    acted: bool = False,
    since: datetime | None = None,
    limit: int | None = 100,
) -> list[Healing]:
    """Return healings, the newest first.

    Parameters
    ----------
    acted
        Only those of decisions to act.
    since
        Only those that were opened at this time or later.
    """
    where: list[ColumnElement[bool]] = []
    if model is not None:
        where.append(healings.c.model == model)
    if environment is not None:
        where.append(healings.c.environment == environment)
    if acted:
        where.append(healings.c.state != HealingState.DECLINED)
    if since is not None:
        where.append(healings.c.opened_at >= since)
    return _listed(conn, *where, limit=limit)


def _of(model: str, environment: str) -> tuple[ColumnElement[bool], ...]:
    return (healings.c.model == model, healings.c.environment == environment)


def _listed(
    conn: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Healing]:
    query = select(healings).where(*where).order_by(healings.c.id.desc()).limit(limit)
    return [_healing(row) for row in conn.execute(query).mappings()]


def _healing(row: Mapping[Any, Any]) -> Healing:
    held = {name: row[name] for name in Healing.__slots__}
    return Healing(
        **{
            **held,
            "state": HealingState(held["state"]),
            "trigger": Trigger(held["trigger"]),
            "action": Action(held["action"]),
        }
    )
