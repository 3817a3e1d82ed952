"""A target that says of each event what a test wants, and keeps what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.events.target import Target
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, Fate, Outcome


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class StandIn:
    """A publisher whose answers are the test's."""

    def __init__(self, answer: Callable[[Any], Outcome] = lambda _: DELIVERED) -> None:
        self.answer = answer
        self.took: list[str] = []
        self.waves: list[list[str]] = []
        self.closed = False

    def publish(self, events: Sequence[Any], timeout: float) -> list[Outcome]:
        self.waves.append([event.get_id() for event in events])
        outcomes: list[Outcome] = []
        for event in events:
            gone = bool(outcomes) and outcomes[-1].fate in (Fate.UNAVAILABLE, Fate.UNTRIED)
            outcomes.append(UNTRIED if gone else self.answer(event))
            if outcomes[-1] is DELIVERED:
                self.took.append(event.get_id())
        return outcomes

    def close(self) -> None:
        self.closed = True

    def target(self, name: str = "here", **more: Any) -> Target:
        """Return the target that sends to it."""
        return Target(name=name, kind="stand_in", publisher=self, **more)


PATIENT = Policy(first_delay=1.0, longest_delay=8.0, open_after=3, attempts=3)
