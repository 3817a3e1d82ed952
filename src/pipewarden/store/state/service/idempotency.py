"""Requests that name an idempotency key: done once, and answered alike whenever they come again.

After draft-ietf-httpapi-idempotency-key-header-06: the same key with another request is refused,
and so is a second request while the first is in work. The answer is written in the transaction of
what the request did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from pipewarden.store.state.schema import idempotency_keys, insert_or_replace

#: Seconds after which a request that was begun and never answered may be begun again.
ABANDONED = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered: status, headers, and the body as text."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier request with the same key.

    Parameters
    ----------
    fingerprint
        The SHA-256 of that request.
    answer
        None: it is in work.
    """

    fingerprint: str
    answer: Answer | None


def begin(
    conn: Connection, owner: str, key: str, fingerprint: str, *, at: datetime, keep: timedelta
) -> Earlier | None:
    """Begin a request; return the earlier one with its key, or None: there is none, so do it.

    Parameters
    ----------
    owner
        Whose key it is: the same text from another owner is another key.
    keep
        How long the answer is kept.
    """
    conn.execute(delete(idempotency_keys).where(idempotency_keys.c.expires_at <= at))
    row = (
        conn.execute(select(idempotency_keys).where(*_named(owner, key)).with_for_update())
        .mappings()
        .one_or_none()
    )
    if row is not None:
        begun: datetime = row["at"]
        if row["status"] is not None or begun + timedelta(seconds=ABANDONED) > at:
            return Earlier(fingerprint=row["fingerprint"], answer=_answer(row))
    begun_row: dict[str, Any] = {
        "owner": owner,
        "key": key,
        "fingerprint": fingerprint,
        "status": None,
        "headers": {},
        "body": "",
        "at": at,
        "expires_at": at + keep,
    }
    conn.execute(insert_or_replace(conn, idempotency_keys), [begun_row])
    return None


def finish(conn: Connection, owner: str, key: str, answer: Answer, *, begun: datetime) -> bool:
    """Keep the answer, in the transaction of what was done.

    Parameters
    ----------
    begun
        The time that `begin` was given.

    Returns
    -------
    bool
        False: another took the request for abandoned and made it again; undo what was done.
    """
    mine = (idempotency_keys.c.status.is_(None), idempotency_keys.c.at == begun)
    values = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
    change = update(idempotency_keys).where(*_named(owner, key), *mine).values(values)
    return conn.execute(change).rowcount > 0


def give_up(conn: Connection, owner: str, key: str, *, begun: datetime) -> None:
    """Forget a request that did nothing, so that it can be made again."""
    mine = (idempotency_keys.c.status.is_(None), idempotency_keys.c.at == begun)
    conn.execute(delete(idempotency_keys).where(*_named(owner, key), *mine))


def _named(owner: str, key: str) -> tuple[Any, ...]:
    return (idempotency_keys.c.owner == owner, idempotency_keys.c.key == key)


def _answer(row: Mapping[Any, Any]) -> Answer | None:
    if row["status"] is None:
        return None
    return Answer(status=row["status"], headers=row["headers"], body=row["body"])
