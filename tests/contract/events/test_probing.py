"""A target is asked whether it answers, and nothing is sent: the same for every kind."""

from __future__ import annotations

import pytest

from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.outcome import DELIVERED, Fate
from pipewarden.settings import Settings

#: Where nobody listens.
NOBODY = {
    "redis_streams": {"url": "redis://:hidden@127.0.0.1:1/0"},
    "rabbitmq": {"url": "amqp://guest:hidden@127.0.0.1:1/%2F"},
    "nats": {"url": "nats://user:hidden@127.0.0.1:1"},
    "kafka": {"servers": "127.0.0.1:1"},
    "webhook": {"url": "http://127.0.0.1:1/hook"},
}


@pytest.fixture
def probe(tmp_path):
    """Return what asks the target of some options."""

    def ask(prefix="io.pipewarden", **options):
        events = {"type_prefix": prefix, "targets": {"here": options}}
        (target,) = enabled(Settings(home=tmp_path, events=events))
        try:
            return target.publisher.probe(float(options.get("timeout", 10)))
        finally:
            target.publisher.close()

    return ask


def test_one_that_answers_says_so_and_gets_nothing(receiver, probe):
    prefix = getattr(receiver, "prefix", "io.pipewarden")
    assert probe(prefix, **receiver.options) == DELIVERED
    if receiver.options["kind"] != "file":  # the file is not even made
        assert receiver.received() == []


@pytest.mark.parametrize("kind", sorted(NOBODY))
def test_one_where_nobody_listens_is_unavailable_and_its_secret_stays_one(kind, probe):
    more = {"secret": "whsec_" + "a" * 32, "allow_private": True} if kind == "webhook" else {}
    outcome = probe(kind=kind, timeout=0.5, **NOBODY[kind], **more)
    assert outcome.fate is Fate.UNAVAILABLE
    assert outcome.error
    assert "hidden" not in outcome.error


def test_a_file_that_is_not_there_yet_is_not_made(probe, tmp_path):
    assert probe(kind="file", path="deep/er/events.jsonl") == DELIVERED
    assert list(tmp_path.iterdir()) == []
