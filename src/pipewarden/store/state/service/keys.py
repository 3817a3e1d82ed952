"""API keys in the state database: who may use the service, and how far.

Of a key only the SHA-256 of its secret is kept. The secret has 256 random bits, so that a slow hash
would add nothing (NIST SP 800-63B, 5.1.1.2, asks for one where people choose the secret).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from pipewarden.errors import Conflict, UnknownName
from pipewarden.store.state.schema import api_keys


class Scope(StrEnum):
    """What a key may do; each scope holds those before it."""

    #: Look.
    VIEWER = "viewer"
    #: Submit, process, pause, resume, cancel.
    OPERATOR = "operator"
    #: Decide for others: approve, release.
    APPROVER = "approver"

    def allows(self, needed: Scope) -> bool:
        """Whether this scope holds the one that is needed."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret; all times are UTC."""

    id: str
    name: str
    scope: Scope
    hash: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    revoked_by: str | None = None


def create(conn: Connection, key: ApiKey) -> None:
    """Write a new key."""
    conn.execute(insert(api_keys).values(**{n: getattr(key, n) for n in ApiKey.__slots__}))


def get(conn: Connection, key_id: str) -> ApiKey | None:
    """Return a key, revoked or not, or None."""
    row = conn.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one_or_none()
    return None if row is None else ApiKey(**{**row, "scope": Scope(row["scope"])})


def listed(conn: Connection) -> list[ApiKey]:
    """Return every key there ever was, the oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    return [
        ApiKey(**{**row, "scope": Scope(row["scope"])}) for row in conn.execute(query).mappings()
    ]


def any_valid(conn: Connection) -> bool:
    """Whether there is a key that is not revoked."""
    query = select(func.count()).select_from(api_keys).where(api_keys.c.revoked_at.is_(None))
    return conn.execute(query).scalar_one() > 0


def revoke(conn: Connection, key_id: str, *, actor: str, at: datetime) -> ApiKey:
    """End a key for good; return it as it is then.

    Raises
    ------
    UnknownName
        There is no such key.
    Conflict
        It was revoked before.
    """
    unrevoked = (api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    change = update(api_keys).where(*unrevoked).values(revoked_at=at, revoked_by=actor)
    changed = conn.execute(change).rowcount
    key = get(conn, key_id)
    if key is None:
        raise UnknownName(f"there is no API key {key_id!r}", next_step="pipewarden keys list")
    if not changed:
        raise Conflict(
            f"the API key {key_id} was revoked by {key.revoked_by} at {key.revoked_at}",
            left_behind="nothing was changed",
        )
    return key
