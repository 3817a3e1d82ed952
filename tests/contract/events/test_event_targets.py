"""Every kind of target, held to one contract at a real broker."""

from __future__ import annotations

import pytest
from receivers import expected, plain

from pipewarden.delivery.events.cloud import cloud_event, full_type
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.relay import relay_once
from pipewarden.delivery.outcome import DELIVERED, Fate
from pipewarden.jobs.workspace import utc_now
from pipewarden.settings import Settings


def opened(receiver, tmp_path, **more):
    prefix = getattr(receiver, "prefix", "io.pipewarden")
    options = {**receiver.options, "timeout": 5, **more}
    settings = Settings(home=tmp_path, events={"type_prefix": prefix, "targets": {"here": options}})
    (target,) = enabled(settings)
    return target


def test_an_event_arrives_whole_in_every_mode(receiver, tmp_path, told):
    sent = []
    for number, mode in enumerate(receiver.modes):
        more = {"mode": mode} if len(receiver.modes) > 1 else {}
        target = opened(receiver, tmp_path, **more)
        event = cloud_event(told(number, subject=f"run-{number}/a b/Zoë.htm"), target.type_prefix)
        assert target.publisher.publish([event], 5) == [DELIVERED]
        target.publisher.close()
        sent.append(event)
    arrived = {event.get_id(): plain(event) for event in receiver.received()}
    assert arrived == {event.get_id(): expected(event) for event in sent}


def test_a_wave_is_confirmed_event_by_event(receiver, tmp_path, told):
    target = opened(receiver, tmp_path)
    events = [cloud_event(told(n, subject=f"run-{n}"), target.type_prefix) for n in range(50)]
    assert target.publisher.publish(events, 5) == [DELIVERED] * 50
    target.publisher.close()
    assert {e.get_id() for e in receiver.received()} == {e.get_id() for e in events}


def test_the_relay_keeps_the_order_of_each_subject(database, receiver, tmp_path, told, tell):
    tell(*(told(n, subject=f"run-{n % 7}") for n in range(140)))
    target = opened(receiver, tmp_path)
    (report,) = relay_once(database, [target], utc_now).targets
    assert (report.delivered, report.dead, report.error) == (140, 0, "")
    (again,) = relay_once(database, [target], utc_now).targets
    target.publisher.close()
    assert again.delivered == 0
    by_subject: dict[str, list[int]] = {}
    for event in receiver.received():
        by_subject.setdefault(event.get_subject(), []).append(plain(event)["data"]["n"])
    assert by_subject == {f"run-{s}": list(range(s, 140, 7)) for s in range(7)}


def test_only_wanted_types_are_sent(database, receiver, tmp_path, told, tell):
    completed = told(2, kind="job.completed")
    tell(told(1, kind="job.started"), completed, told(3, kind="item.quarantined"))
    prefix = getattr(receiver, "prefix", "io.pipewarden")
    target = opened(receiver, tmp_path, types=[f"{prefix}.job.comp*"])
    relay_once(database, [target], utc_now)
    target.publisher.close()
    assert [e.get_type() for e in receiver.received()] == [full_type(completed, prefix)]


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "redis_streams", "url": "redis://127.0.0.1:1/0"},
        {"kind": "rabbitmq", "url": "amqp://guest:guest@127.0.0.1:1/"},
        {"kind": "nats", "url": "nats://127.0.0.1:1"},
        {"kind": "kafka", "servers": "127.0.0.1:1"},
        {
            "kind": "webhook",
            "url": "http://127.0.0.1:1/",
            "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "allow_private": True,
        },
        {"kind": "file", "path": "/proc/no/such/file"},
    ],
    ids=lambda options: options["kind"],
)
def test_a_target_that_is_down_says_so_and_kills_no_event(options, tmp_path, told):
    settings = Settings(home=tmp_path, events={"targets": {"down": {**options, "timeout": 1}}})
    (target,) = enabled(settings)
    events = [cloud_event(told(n, subject=f"run-{n}")) for n in range(3)]
    for _ in range(2):
        fates = {outcome.fate for outcome in target.publisher.publish(events, 1)}
        assert Fate.UNAVAILABLE in fates
        assert fates <= {Fate.UNAVAILABLE, Fate.UNTRIED}
    target.publisher.close()
