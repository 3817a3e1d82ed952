"""Targets of the settings: each validated by its kind, no secret repeated."""

from __future__ import annotations

import builtins

import pytest

from pipewarden.delivery.events.enabled import KINDS, enabled, options_of
from pipewarden.errors import InvalidSettings, MissingExtra
from pipewarden.settings import EventSettings, Settings, load_settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = {
    "file": {"path": "events.jsonl"},
    "redis_streams": {"url": "redis://:hidden@localhost/0"},
    "webhook": {"url": "https://example.org/hook", "secret": SECRET},
    "kafka": {"servers": "localhost:9092", "client": {"sasl.password": "hidden"}},
    "nats": {"url": "nats://user:hidden@localhost"},
    "rabbitmq": {"url": "amqp://user:hidden@localhost/"},
}


def settings(targets, **more):
    return Settings(events=EventSettings(targets=targets, **more))


def test_every_kind_opens_without_connecting():
    targets = enabled(
        settings({f"my {kind}": {"kind": kind, **GOOD[kind]} for kind in KINDS.known})
    )
    assert sorted(target.kind for target in targets) == sorted(KINDS.known)
    assert [target.name for target in targets] == sorted(target.name for target in targets)
    for target in targets:
        target.publisher.close()


def test_what_a_target_wants_and_its_prefix_are_the_settings():
    held = {"here": {"kind": "file", "path": "e", "types": ["*.job.*"], "timeout": 3}}
    (target,) = enabled(settings(held, type_prefix="org.example"))
    assert (target.types, target.type_prefix, target.timeout) == (("*.job.*",), "org.example", 3)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "kind None; known: file"),
        ({"kind": "carrier_pigeon"}, "carrier_pigeon"),
        ({"kind": "file"}, "path is missing"),
        ({"kind": "file", "path": "e", "colour": "red"}, "colour"),
        ({"kind": "file", "path": "e", "types": []}, "types"),
        ({"kind": "file", "path": "e", "timeout": 0}, "timeout"),
        ({"kind": "file", "path": "e", "timeout": 31}, "timeout"),
        ({"kind": "webhook", "url": "https://example.org", "secret": "hidden"}, "secret"),
        ({"kind": "webhook", "url": "http://example.org", "secret": SECRET}, "https"),
        ({"kind": "webhook", "url": "https://me:hidden@example.org", "secret": SECRET}, "user"),
        ({"kind": "webhook", "url": "https:///x", "secret": SECRET}, "https"),
        ({"kind": "webhook", "url": "https://h:port/", "secret": SECRET}, "does not read"),
        ({"kind": "redis_streams", "url": "http://:hidden@localhost"}, "Redis"),
        ({"kind": "redis_streams", "url": "redis://h", "max_length": 0}, "max_length"),
        ({"kind": "nats", "url": "nats://h", "mode": "both"}, "mode"),
    ],
)
def test_a_target_that_does_not_hold_is_named_and_its_secret_is_not(held, words):
    with pytest.raises(InvalidSettings, match="the event target 'mine'") as refused:
        enabled(settings({"mine": held}))
    said = refused.value.diagnostics()
    assert words in said
    assert "events.targets.mine" in said
    assert "hidden" not in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        ("redis_streams", "redis", "redis"),
        ("webhook", "httpx", "webhook"),
        ("kafka", "confluent_kafka", "kafka"),
        ("nats", "nats", "nats"),
        ("rabbitmq", "pika", "rabbitmq"),
    ],
)
def test_a_missing_client_names_its_extra(kind, module, extra, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == module:
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=f"'{extra}'") as missing:
        enabled(settings({"mine": {"kind": kind, **GOOD[kind]}}))
    assert missing.value.exit_code == 2


def test_no_secret_is_shown():
    held = settings({kind: {"kind": kind, **GOOD[kind]} for kind in KINDS.known})
    shown = str(held.redacted())
    assert "hidden" not in shown
    assert SECRET not in shown
    for kind in KINDS.known:
        assert "hidden" not in repr(options_of("mine", {"kind": kind, **GOOD[kind]}))


def test_a_target_can_be_given_in_the_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPEWARDEN_EVENTS__TARGETS__NEXT__KIND", "redis_streams")
    monkeypatch.setenv("PIPEWARDEN_EVENTS__TARGETS__NEXT__URL", "redis://:hidden@localhost/0")
    monkeypatch.setenv("PIPEWARDEN_EVENTS__TARGETS__NEXT__TYPES", '["io.pipewarden.job.*"]')
    monkeypatch.setenv("PIPEWARDEN_EVENTS__RETENTION_DAYS", "7")
    held = load_settings()
    assert held.events.retention_days == 7
    (target,) = enabled(held)
    target.publisher.close()
    assert (target.name, target.types) == ("next", ("io.pipewarden.job.*",))


@pytest.mark.parametrize("prefix", ["", "io.", ".io", "io pipewarden", "io.*", "io.>"])
def test_a_prefix_is_names_with_full_stops_between(prefix):
    with pytest.raises(ValueError, match="type_prefix"):
        EventSettings(type_prefix=prefix)
