"""Every broker falls over while events are written: none is lost, and each subject's order holds.

The whole measure, with 10,000 events and the cost to the job, is ``benchmarks/events_chaos.py``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from cloudevents.core.v1.event import CloudEvent

sys.path.insert(0, str(Path(__file__).parents[1] / "contract" / "events"))

from brokers import BROKERS, installed
from chaos import event, storm

from pipewarden.delivery.events.cloud import cloud_event
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.target import Publisher
from pipewarden.delivery.outcome import DELIVERED, Fate
from pipewarden.settings import Settings

QUICK = ("file", "webhook", "redis_streams", "nats", "kafka")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        (QUICK, "sqlite"),
        (QUICK, "postgresql"),
        (("rabbitmq",), "sqlite"),  # it takes long to start, and to it the outbox is the same
    ],
    ids=["all-but-rabbitmq-sqlite", "all-but-rabbitmq-postgresql", "rabbitmq"],
)
def test_no_event_is_lost_while_brokers_fall_over(
    kinds: tuple[str, ...], state: str, tmp_path: Path, absent, request: pytest.FixtureRequest
) -> None:
    for kind in kinds:
        if not installed(kind):
            absent(f"the server for {kind}", "the PATH", "PIPEWARDEN_REQUIRE_SERVICES")
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if state == "postgresql":
        url = request.getfixturevalue("postgres_url")
    accounts = storm(kinds, tmp_path, url, events=600, subjects=30, stops=2, seconds=4)
    assert [account.kind for account in accounts] == list(kinds)
    for account in accounts:
        assert (account.lost, account.out_of_order, account.dead) == (0, 0, 0), account
        assert account.arrived == 600 + account.twice


def deliver(publisher: Publisher, events: list[CloudEvent]) -> None:
    """Publish until all is delivered; on a busy machine a broker that is well may be late, too."""
    ends = time.monotonic() + 120
    while (outcomes := publisher.publish(events, 30)) != [DELIVERED] * len(events):
        fates = {outcome.fate for outcome in outcomes}
        assert fates <= {Fate.UNAVAILABLE, Fate.UNTRIED, Fate.DELIVERED}
        assert time.monotonic() < ends, outcomes


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["redis_streams", "nats", "rabbitmq"])
def test_a_broker_that_hangs_is_unavailable_and_comes_back(
    kind: str, tmp_path: Path, absent
) -> None:
    if not installed(kind):
        absent(f"the server for {kind}", "the PATH", "PIPEWARDEN_REQUIRE_SERVICES")
    broker = BROKERS[kind][0](tmp_path / kind)
    held = {"here": {**broker.options, "timeout": 1}}
    (target,) = enabled(Settings(home=tmp_path, events={"targets": held}))  # type: ignore[arg-type]
    events = [cloud_event(event(number, 3)) for number in range(3)]
    try:
        deliver(target.publisher, events)
        os.killpg(broker.child.pid, signal.SIGSTOP)
        for _ in range(2):  # on the connection that was, and on a new one
            fates = {outcome.fate for outcome in target.publisher.publish(events, 1)}
            assert Fate.UNAVAILABLE in fates
            assert fates <= {Fate.UNAVAILABLE, Fate.UNTRIED}
        os.killpg(broker.child.pid, signal.SIGCONT)
        deliver(target.publisher, events)
    finally:
        target.publisher.close()
        broker.close()
