"""The ledger's hash chain: what an act is, and how an entry is linked.

Each entry's hash is the SHA-256 of the canonical JSON of all its other fields, among them the hash
before it (a linked time-stamping scheme after Haber and Stornetta, "How to time-stamp a digital
document", 1991). A chain alone cannot show that its end was cut off or rewritten as a whole;
`Anchor` values kept elsewhere (each report carries one) do. Verification lives apart, in
`pipewarden.core.audit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipewarden.core.canonical import digest_of

#: What the first entry names as the hash before it.
GENESIS = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that changed the state: who did what to which subject, and why.

    Parameters
    ----------
    actor
        A person or a program; never empty.
    action
        Dotted verb such as ``run.started`` or ``item.released``.
    subject
        What it was done to: a run id, ``<run id>/<item key>``, a model version.
    reason
        Why, in the actor's words; required by some actions.
    details
        Facts as plain values; no secrets, no document text.
    """

    actor: str
    action: str
    subject: str
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One link of the chain; ``ts`` is UTC in ISO-8601."""

    seq: int
    ts: str
    actor: str
    action: str
    subject: str
    reason: str
    details: Mapping[str, Any]
    prev_hash: str
    hash: str

    def expected_hash(self) -> str:
        """Return the hash that the entry's fields call for."""
        return digest_of(
            {
                "seq": self.seq,
                "ts": self.ts,
                "actor": self.actor,
                "action": self.action,
                "subject": self.subject,
                "reason": self.reason,
                "details": dict(self.details),
                "prev_hash": self.prev_hash,
            }
        )


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the chain at one moment: how many entries, and the hash of the last.

    ``source`` says where the anchor was found, for the message.
    """

    count: int
    hash: str
    source: str = ""


EMPTY = Anchor(0, GENESIS)


def link(head: Anchor, act: Act, ts: str) -> LedgerEntry:
    """Return the entry that follows ``head``; ``ts`` is the time of the act, UTC, ISO-8601."""
    unsigned = LedgerEntry(
        seq=head.count + 1,
        ts=ts,
        actor=act.actor,
        action=act.action,
        subject=act.subject,
        reason=act.reason,
        details=act.details,
        prev_hash=head.hash,
        hash="",
    )
    return replace(unsigned, hash=unsigned.expected_hash())
