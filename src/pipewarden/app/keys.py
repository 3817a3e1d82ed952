"""API keys: made, listed, revoked and recognised, with an entry in the ledger for each act."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from pipewarden.core.chain import Act
from pipewarden.errors import UsageError
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import ledger
from pipewarden.store.state.service import keys
from pipewarden.store.state.service.keys import ApiKey, Scope

#: ``pw_<id>_<secret>``: the id finds the key, the secret proves it.
_FORM = re.compile(r"pw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


def create(workspace: Workspace, name: str, scope: Scope) -> tuple[ApiKey, str]:
    """Make a key; return it, and the text to present, which is kept nowhere.

    Raises
    ------
    UsageError
        The name is empty.
    """
    if not name.strip():
        raise UsageError("a key needs the name of who will use it")
    secret = secrets.token_urlsafe(32)
    at = workspace.clock()
    key = ApiKey(
        id=secrets.token_hex(6),
        name=name.strip(),
        scope=scope,
        hash=_hash(secret),
        created_at=at,
        created_by=workspace.actor,
    )
    details = {"name": key.name, "scope": str(scope)}
    act = Act(actor=workspace.actor, action="key.created", subject=key.id, details=details)
    with workspace.database.write() as conn:
        keys.create(conn, key)
        ledger.append(conn, [act], at)
    return key, f"pw_{key.id}_{secret}"


def listed(workspace: Workspace) -> list[ApiKey]:
    """Return every key there ever was, the oldest first."""
    with workspace.database.read() as conn:
        return keys.listed(conn)


def revoke(workspace: Workspace, key_id: str) -> ApiKey:
    """End a key for good; return it.

    Raises
    ------
    UnknownName
        There is no such key.
    Conflict
        It was revoked before.
    """
    at = workspace.clock()
    with workspace.database.write() as conn:
        key = keys.revoke(conn, key_id, actor=workspace.actor, at=at)
        act = Act(actor=workspace.actor, action="key.revoked", subject=key_id)
        ledger.append(conn, [act], at)
    return key


def recognised(workspace: Workspace, presented: str) -> ApiKey | None:
    """Return the key that a text proves; None for one that is unknown, wrong or revoked."""
    form = _FORM.fullmatch(presented)
    if form is None:
        return None
    with workspace.database.read() as conn:
        key = keys.get(conn, form[1])
    held = key.hash if key is not None else _hash("")
    same = hmac.compare_digest(held, _hash(form[2]))
    return key if key is not None and same and key.revoked_at is None else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
