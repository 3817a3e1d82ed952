"""Events while every broker falls over again and again: what is counted in the end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from brokers import BROKERS, Broker

from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.loop import relay_until
from pipewarden.delivery.events.status import statuses
from pipewarden.settings import Settings
from pipewarden.store.state import outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.outbox import OutboxEvent

#: Quick enough for a test; the relay's own delays are the same doubling from one second.
IMPATIENT = Policy(first_delay=0.05, longest_delay=0.5)


@dataclass(frozen=True)
class Account:
    """What one broker has in the end."""

    kind: str
    stops: int
    arrived: int
    lost: int
    twice: int
    out_of_order: int
    dead: int


def now() -> datetime:
    return datetime.now(UTC)


def event(number: int, subjects: int) -> OutboxEvent:
    """Return the n-th event."""
    subject = f"run-{number % subjects}"
    return OutboxEvent(
        type="io.pipewarden.job.progress",
        subject=subject,
        data={"n": number},
        at=now(),
        id=f"{subject}/job/{number}",
    )


def storm(
    kinds: Sequence[str],
    folder: Path,
    url: str,
    *,
    events: int,
    subjects: int,
    stops: int,
    seconds: float,
    seed: int = 0,
) -> list[Account]:
    """Write events over ``seconds`` while every broker is stopped so many times; count at the end.

    Parameters
    ----------
    url
        Of the state database, empty.
    """
    with ExitStack() as ends:
        brokers: dict[str, Broker] = {}
        for kind in kinds:
            brokers[kind] = BROKERS[kind][0](folder / kind)
            ends.callback(brokers[kind].close)
        database = Database.open(url)
        ends.callback(database.close)
        options = {kind: {**broker.options, "timeout": 3} for kind, broker in brokers.items()}
        settings = Settings(home=folder, events={"targets": options})  # type: ignore[arg-type]
        targets = [replace(target, policy=IMPATIENT) for target in enabled(settings)]
        stop = threading.Event()
        with ThreadPoolExecutor(len(brokers) + 2) as threads:
            relaying = threads.submit(relay_until, stop, database, targets, now)
            try:
                writing = threads.submit(_write, database, events, subjects, seconds)
                pause = seconds / stops
                falling = [
                    threads.submit(_fall, broker, stops, pause, random.Random(f"{seed}{kind}"))
                    for kind, broker in brokers.items()
                ]
                for job in (writing, *falling):
                    job.result()
                _settled(database, settings, relaying)
            finally:
                stop.set()
            relaying.result()
        dead = {status.name: status.dead for status in statuses(database, settings, now())}
        return [
            _account(kind, stops, broker.arrived(), events, dead[kind])
            for kind, broker in brokers.items()
        ]


def _write(database: Database, events: int, subjects: int, seconds: float) -> None:
    """Write events, ten in a transaction, evenly over a time."""
    began = time.monotonic()
    for first in range(0, events, 10):
        with database.write() as conn:
            outbox.append(conn, [event(n, subjects) for n in range(first, first + 10)])
        due = began + seconds * first / events
        time.sleep(max(0.0, due - time.monotonic()))


def _fall(broker: Broker, stops: int, pause: float, chance: random.Random) -> None:
    for _ in range(stops):
        time.sleep(chance.uniform(0.2, 0.6) * pause)
        broker.stop()
        time.sleep(chance.uniform(0.1, 0.4) * pause)
        broker.start()


def _settled(database: Database, settings: Settings, relaying: Any) -> None:
    """Wait until every target has everything; it takes as long as it takes, within ten minutes."""
    ends = time.monotonic() + 600
    while any(s.behind or s.waiting for s in statuses(database, settings, now())):
        if relaying.done():
            relaying.result()
        assert time.monotonic() < ends, statuses(database, settings, now())
        time.sleep(0.1)


def _account(
    kind: str, stops: int, arrived: list[dict[str, Any]], events: int, dead: int
) -> Account:
    first: dict[str, list[int]] = {}
    seen: set[str] = set()
    for told in arrived:
        if told["id"] not in seen:
            seen.add(told["id"])
            first.setdefault(told["subject"], []).append(told["data"]["n"])
    disorder = sum(later < earlier for line in first.values() for earlier, later in pairwise(line))
    return Account(
        kind, stops, len(arrived), events - len(seen), len(arrived) - len(seen), disorder, dead
    )
