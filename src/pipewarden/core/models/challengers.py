"""A challenger: a version that answers beside the champion, and what may become of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipewarden.core.models.comparisons import ComparisonPlan, ComparisonTest

#: The role of a prediction, by whose it is.
CHAMPION, CHALLENGER = "champion", "challenger"


class ChallengerMode(StrEnum):
    """What is done with a challenger's answers."""

    #: It is asked what the champion is asked; its answers are logged, and nobody gets them.
    SHADOW = "shadow"
    #: It answers a share of the requests, and its answers are what the callers get.
    CANARY = "canary"


class ChallengerState(StrEnum):
    """Where a challenger is in its life."""

    #: It answers beside the champion.
    RUNNING = "running"
    #: By the declared comparison it is better than the champion, by more than the margin.
    WON = "won"
    #: By the declared comparison it is not.
    LOST = "lost"
    #: The time was over before enough predictions had a label.
    UNDECIDED = "undecided"
    #: It did harm, and was stopped at once.
    HARMED = "harmed"
    #: Somebody stopped it.
    STOPPED = "stopped"
    #: The champion that it was compared with serves no more.
    OVERTAKEN = "overtaken"


_RUNNING = ChallengerState.RUNNING

#: Which state may follow which: it runs once, and ends once. That it is promoted is a deployment.
CHALLENGER_TRANSITIONS: Mapping[ChallengerState, frozenset[ChallengerState]] = {
    state: frozenset(ChallengerState) - {_RUNNING} if state is _RUNNING else frozenset()
    for state in ChallengerState
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """One version beside the champion of an environment, from when to when; all times are UTC.

    Parameters
    ----------
    id
        Grows with every challenger of any model.
    champion
        The version that it is compared with.
    share
        Of the entities whose questions it answers, 0 to 1; 1 where it shadows, which is all.
    ended_reason
        What decided, in words.
    evidence
        What the last judgement rests on.
    """

    id: int
    model: str
    environment: str
    version: int
    champion: int
    mode: ChallengerMode
    share: float
    plan: ComparisonPlan
    state: ChallengerState
    actor: str
    reason: str
    started_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether it answers beside the champion."""
        return self.state is ChallengerState.RUNNING

    @property
    def test(self) -> ComparisonTest:
        """The test of the comparison, which its mode decides."""
        if self.mode is ChallengerMode.SHADOW:
            return ComparisonTest.PAIRED_BOOTSTRAP
        return ComparisonTest.TWO_SAMPLE_BOOTSTRAP


def assigned(key: str, challenger: int, share: float) -> bool:
    """Whether a canary answers what is asked about an entity: always the same for the same one.

    Another challenger divides the entities anew, so that nobody is tried upon for ever.

    Parameters
    ----------
    key
        The entity; where nobody says it, the request.
    share
        0 to 1.
    """
    digest = hashlib.blake2b(f"{challenger}\0{key}".encode(errors="replace"), digest_size=8)
    return int.from_bytes(digest.digest()) < share * (1 << 64)


def beside(prediction_id: str, challenger: int) -> str:
    """Return the id of the answer that a shadow gives to the question of another prediction.

    It is a UUIDv7 (RFC 9562, section 5.7) of the same millisecond, whose random bits are a hash of
    both: so the two are found from each other, and nothing is logged twice.
    """
    digest = hashlib.blake2b(f"{challenger}\0{prediction_id}".encode(), digest_size=10).digest()
    bits = int.from_bytes(digest)
    high, low = (bits >> 62) & 0xFFF, bits & ((1 << 62) - 1)
    tail = f"{(0x7 << 76) | (high << 64) | (0b10 << 62) | low:020x}"
    return f"{prediction_id[:13]}-{tail[:4]}-{tail[4:8]}-{tail[8:]}"
