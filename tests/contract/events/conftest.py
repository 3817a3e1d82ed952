"""Real brokers to send events to, what reads them back, and outboxes on either database."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from receivers import OPENERS, Receiver

from pipewarden.store.state import outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.outbox import OutboxEvent

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
#: Where each service is, unless its variable says otherwise. Read now: the tests' neutral
#: environment knows no variable but its own.
SERVICES = {
    "redis_streams": os.environ.get("PIPEWARDEN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
    "rabbitmq": os.environ.get(
        "PIPEWARDEN_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/%2F"
    ),
    "nats": os.environ.get("PIPEWARDEN_TEST_NATS_URL", "nats://127.0.0.1:4222"),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an open, empty state database."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture(params=sorted(OPENERS))
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    """Return one real receiver of each kind, empty."""
    kind = request.param
    url = SERVICES.get(kind, "")
    if url:
        request.getfixturevalue("answering")(f"the service for {kind}", url)
    opened = OPENERS[kind](url, uuid.uuid4().hex[:12], tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def redis_url(answering: Callable[[str, str], str]) -> str:
    """Return the URL of a Redis that answers."""
    return answering("the service for redis_streams", SERVICES["redis_streams"])


@pytest.fixture
def told() -> Callable[..., OutboxEvent]:
    """Return what makes the n-th event of a subject."""

    def make(number: int, subject: str = "run-1", kind: str = "job.progress") -> OutboxEvent:
        return OutboxEvent(
            type=f"io.pipewarden.{kind}",
            subject=subject,
            data={"n": number, "words": "Zoë, “100 %”: 東京"},
            at=START + timedelta(seconds=number),
            id=f"{subject}/job/{number}",
        )

    return make


@pytest.fixture
def tell(database: Database) -> Callable[..., None]:
    """Return what writes events into the outbox."""

    def write(*events: OutboxEvent) -> None:
        with database.write() as conn:
            outbox.append(conn, events)

    return write
