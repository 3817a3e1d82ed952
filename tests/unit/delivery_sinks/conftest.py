"""Documents, a sink in memory that can be told how to behave, and a clock set by hand."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from pipewarden.core.canonical import digest
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, Outcome, unavailable
from pipewarden.delivery.sinks.sink import EnabledSink


@dataclass
class Clock:
    """A clock that only moves when it is told to."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class MemorySink:
    """Holds documents; ``fates`` says what becomes of some of them, ``down`` of all."""

    held: dict[str, bytes | None] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    fates: dict[str, Outcome] = field(default_factory=dict)
    down: bool = False
    raises: Exception | None = None
    gate: threading.Event | None = None
    closed: bool = False

    def deliver(self, deliveries: Sequence[Delivery], timeout: float) -> list[Outcome]:
        self.calls.append([delivery.key for delivery in deliveries])
        if self.gate is not None:
            assert self.gate.wait(60)
        if self.raises is not None:
            raise self.raises
        if self.down:
            return [unavailable("it is down"), *[UNTRIED] * (len(deliveries) - 1)]
        outcomes = [self.fates.get(delivery.key, DELIVERED) for delivery in deliveries]
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if outcome is DELIVERED:
                self.held[delivery.key] = delivery.document
        return outcomes

    def probe(self, timeout: float) -> Outcome:
        return unavailable("it is down") if self.down else DELIVERED

    def close(self) -> None:
        self.closed = True

    def enabled(self, name: str = "memory", **more: Any) -> EnabledSink:
        return EnabledSink(name=name, kind="memory", sink=self, **more)


def delivery(key: str, content: Any = None, *, run: str = "run-1", pipeline: str = "p") -> Delivery:
    """Return a document for the sinks; content None withdraws it."""
    document = None if content is None else orjson.dumps(content)
    return Delivery(
        pipeline=pipeline,
        key=key,
        input_hash=digest(document or b""),
        fingerprint="1/abc",
        run_id=run,
        at="2026-03-01T12:00:00+00:00",
        document=document,
        content_hash=digest(document) if document is not None else "",
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def make():
    """Return what makes a document for the sinks."""
    return delivery
