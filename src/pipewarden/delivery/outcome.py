"""What became of one thing that was sent to a receiver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What a receiver made of one thing, and so what is done next."""

    #: It has it, safely.
    DELIVERED = "delivered"
    #: It will never take this one: no retry mends it.
    REJECTED = "rejected"
    #: It did not take this one now, and may take others.
    FAILED = "failed"
    #: It takes nothing at present: down, unreachable, or not set up.
    UNAVAILABLE = "unavailable"
    #: It was not asked, for want of time or because it was found unavailable before.
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of one thing, and what the receiver said.

    Parameters
    ----------
    reason
        A short code where it was not delivered, such as ``too_large``.
    error
        The sentence for a person; it holds no secret.
    retry_after
        Seconds that the receiver asked to be left alone; None: it did not ask.
    """

    fate: Fate
    reason: str = ""
    error: str = ""
    retry_after: float | None = None


DELIVERED = Outcome(Fate.DELIVERED)
UNTRIED = Outcome(Fate.UNTRIED)


def rejected(reason: str, error: str) -> Outcome:
    """Return the outcome of what will never be taken."""
    return Outcome(Fate.REJECTED, reason, error)


def failed(reason: str, error: str) -> Outcome:
    """Return the outcome of one thing that was not taken now."""
    return Outcome(Fate.FAILED, reason, error)


def unavailable(error: str, retry_after: float | None = None) -> Outcome:
    """Return the outcome at a receiver that takes nothing at present."""
    return Outcome(Fate.UNAVAILABLE, "unavailable", error, retry_after)
