"""What people said about the healing of a model: paused, or the breaker closed again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from pipewarden.core.healing.states import Hold
from pipewarden.store.state.healing.schema import healing_holds
from pipewarden.store.state.schema import insert_or_replace

#: The model of what is said of every model.
ALL = ""


def of(conn: Connection, model: str, environment: str) -> list[Hold]:
    """Return what was said of every model, and of this one, in this order."""
    t = healing_holds.c
    query = select(healing_holds).where(t.model.in_([ALL, model]), t.environment == environment)
    return [_hold(row) for row in conn.execute(query.order_by(t.model)).mappings()]


def paused(conn: Connection) -> list[tuple[str, Hold]]:
    """Return environment and hold of all that is paused."""
    query = select(healing_holds).where(healing_holds.c.paused_at.is_not(None))
    rows = conn.execute(query.order_by(healing_holds.c.environment, healing_holds.c.model))
    return [(row["environment"], _hold(row)) for row in rows.mappings()]


def pause(
    conn: Connection, model: str, environment: str, *, actor: str, reason: str, at: datetime
) -> bool:
    """Let nothing be healed any more; whether it was until now."""
    held = _own(conn, model, environment)
    if held.paused_at is not None:
        return False
    _write(conn, model, environment, paused_at=at, paused_by=actor, reason=reason,
           reset_at=held.reset_at)  # fmt: skip
    return True


def resume(conn: Connection, model: str, environment: str, *, at: datetime) -> bool:
    """Let it be healed again, and forget what was lost before; whether it had been paused."""
    held = _own(conn, model, environment)
    _write(conn, model, environment, paused_at=None, paused_by="", reason="", reset_at=at)
    return held.paused_at is not None


def _own(conn: Connection, model: str, environment: str) -> Hold:
    found = [one for one in of(conn, model, environment) if one.model == model]
    return found[0] if found else Hold(model=model)


def _write(conn: Connection, model: str, environment: str, **values: Any) -> None:
    row = {"model": model, "environment": environment, **values}
    conn.execute(insert_or_replace(conn, healing_holds), row)


def _hold(row: Any) -> Hold:
    return Hold(**{name: row[name] for name in Hold.__slots__})
