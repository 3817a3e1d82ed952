"""What only one kind of target has: limits, trimming, repeats, signatures, guards, torn lines."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
from receivers import (
    SECRET,
    FileReceiver,
    KafkaReceiver,
    NatsReceiver,
    RabbitMQReceiver,
    RedisReceiver,
    WebhookReceiver,
)

from pipewarden.delivery.events.cloud import cloud_event
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.targets import webhook_address
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, Fate
from pipewarden.settings import Settings


def only(kind):
    """Ask for the receiver of one kind."""
    return pytest.mark.parametrize("receiver", [kind], indirect=True)


@pytest.fixture
def publish(receiver, tmp_path):
    """Return what sends events to the receiver with some options, and gives the outcomes."""
    made = []

    def send(*events, timeout=5, **options):
        prefix = getattr(receiver, "prefix", "io.pipewarden")
        if not made:
            held = {"here": {**receiver.options, "timeout": timeout, **options}}
            made.extend(
                enabled(Settings(home=tmp_path, events={"type_prefix": prefix, "targets": held}))
            )
        sent = [cloud_event(event, prefix) for event in events]
        return made[0].publisher.publish(sent, timeout)

    yield send
    for target in made:
        target.publisher.close()


def lead(monkeypatch, names):
    """Have names lead to addresses, the last one for ever; return what was asked for."""
    asked, real = [], socket.getaddrinfo

    def resolver(host, port, *rest, **more):
        asked.append(host)
        if host not in names:
            return real(host, port, *rest, **more)
        address = names[host].pop(0) if len(names[host]) > 1 else names[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(webhook_address.socket, "getaddrinfo", resolver)
    return asked


def big(event, size):
    event.data["words"] = "x" * size
    return event


@pytest.mark.parametrize("receiver", ["kafka", "nats"], indirect=True)
def test_an_event_over_the_greatest_size_is_rejected_and_others_are_not(receiver, publish, told):
    outcomes = publish(told(1, "a"), big(told(2, "b"), 1_500_000), told(3, "c"))
    assert [outcome.fate for outcome in outcomes] == [
        Fate.DELIVERED,
        Fate.REJECTED,
        Fate.DELIVERED,
    ]
    assert outcomes[1].reason == "too_large"
    assert len(receiver.received()) == 2


@only("kafka")
def test_kafkas_key_is_the_subject(receiver: KafkaReceiver, publish, told):
    publish(told(1, "run-7/Zoë.htm"))
    (event,) = receiver.received()
    assert event.get_extension("partitionkey") == "run-7/Zoë.htm"


@only("redis_streams")
def test_a_stream_is_trimmed_and_never_expires(receiver: RedisReceiver, publish, told):
    for first in range(0, 3_000, 100):
        events = [told(n, f"run-{n}") for n in range(first, first + 100)]
        assert publish(*events, max_length=200) == [DELIVERED] * 100
    held = receiver.client.xlen(receiver.stream)
    assert 200 <= held < 1_000
    assert receiver.client.ttl(receiver.stream) == -1
    newest = receiver.client.xrevrange(receiver.stream, count=1)[0][1][b"data"]
    assert json.loads(newest)["data"]["n"] == 2_999


@only("redis_streams")
def test_what_redis_refuses_is_no_events_fault(receiver: RedisReceiver, publish, told):
    receiver.client.set(receiver.stream, "no stream")
    (outcome,) = publish(told(1))
    assert outcome.fate is Fate.UNAVAILABLE
    assert "WRONGTYPE" in outcome.error


@only("nats")
def test_jetstream_drops_a_repeat(receiver: NatsReceiver, publish, told):
    for _ in range(3):
        assert publish(told(1)) == [DELIVERED]
    assert len(receiver.received()) == 1


@only("rabbitmq")
def test_an_event_that_no_queue_takes_is_not_lost(receiver: RabbitMQReceiver, publish, told):
    receiver.channel.queue_unbind(receiver.queue, receiver.exchange, "io.pipewarden.#")
    receiver.channel.queue_bind(receiver.queue, receiver.exchange, "io.pipewarden.job.completed")
    outcomes = publish(told(1, "a"), told(2, "b", "job.completed"))
    assert [outcome.fate for outcome in outcomes] == [Fate.FAILED, Fate.DELIVERED]
    assert outcomes[0].reason == "unroutable"
    assert len(receiver.received()) == 1


@only("rabbitmq")
def test_a_message_outlives_the_broker(receiver: RabbitMQReceiver, publish, told):
    publish(told(1))
    _, properties, _ = receiver.channel.basic_get(receiver.queue, auto_ack=True)
    assert properties.delivery_mode == 2


@only("rabbitmq")
def test_an_exchange_of_another_kind_is_no_events_fault(receiver: RabbitMQReceiver, publish, told):
    receiver.channel.exchange_delete(receiver.exchange)
    receiver.channel.exchange_declare(receiver.exchange, exchange_type="direct")
    outcomes = publish(told(1, "a"), told(2, "b"))
    assert [outcome.fate for outcome in outcomes] == [Fate.UNAVAILABLE, Fate.UNTRIED]
    assert "inequivalent arg" in outcomes[0].error


@only("file")
def test_a_torn_line_is_removed_before_the_next(receiver: FileReceiver, publish, told):
    publish(told(1), told(2, "run-2"))
    whole = receiver.path.read_bytes()
    receiver.path.write_bytes(whole + b'{"specversion": "1.0", "id": "half' + b"x" * 200_000)
    publish(told(3))
    assert receiver.path.read_bytes().startswith(whole)
    assert [event.get_id() for event in receiver.received()] == [
        "run-1/job/1",
        "run-2/job/2",
        "run-1/job/3",
    ]


@only("file")
def test_a_file_of_one_torn_line_begins_anew(receiver: FileReceiver, publish, told):
    receiver.path.write_bytes(b"x" * 100_000)
    publish(told(1))
    assert len(receiver.received()) == 1


@only("webhook")
def test_a_webhook_is_signed_and_whoever_has_the_secret_can_tell(
    receiver: WebhookReceiver, publish, told
):
    publish(told(1))
    ((headers, body),) = receiver.posts
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mine = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mine}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["host"] == f"127.0.0.1:{receiver.server.server_port}"
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["user-agent"].startswith("pipewarden/")


@only("webhook")
def test_a_repeat_has_the_same_webhook_id_and_a_signature_of_its_own(
    receiver: WebhookReceiver, publish, told
):
    publish(told(1))
    publish(told(1))
    first, second = (headers for headers, _ in receiver.posts)
    assert first["webhook-id"] == second["webhook-id"]


@only("webhook")
def test_what_a_webhook_answers_is_the_outcome_of_that_event(
    receiver: WebhookReceiver, publish, told
):
    statuses = {"a": 204, "b": 413, "c": 500, "d": 200}
    receiver.answer = lambda _, body: (statuses[json.loads(body)["subject"]], {})
    outcomes = publish(*(told(1, subject) for subject in "abcd"))
    assert [outcome.fate for outcome in outcomes] == [
        Fate.DELIVERED,
        Fate.REJECTED,
        Fate.FAILED,
        Fate.DELIVERED,
    ]


@only("webhook")
def test_a_webhook_that_asks_for_time_is_not_asked_again(receiver: WebhookReceiver, publish, told):
    calls = []

    def busy(_headers, body):
        calls.append(body)
        return 429, {"retry-after": "120"}

    receiver.answer = busy
    outcomes = publish(told(1, "a"), told(2, "b"))
    assert (outcomes[0].fate, outcomes[0].retry_after) == (Fate.UNAVAILABLE, 120.0)
    assert outcomes[1] == UNTRIED
    assert len(calls) == 1


@only("webhook")
def test_a_redirect_is_not_followed(receiver: WebhookReceiver, publish, told):
    elsewhere = WebhookReceiver()
    receiver.answer = lambda *_: (307, {"location": elsewhere.options["url"]})
    (outcome,) = publish(told(1))
    assert outcome.fate is Fate.UNAVAILABLE
    assert elsewhere.posts == []
    elsewhere.close()


@only("webhook")
def test_proxies_of_the_environment_are_not_used(
    receiver: WebhookReceiver, publish, told, monkeypatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert publish(told(1)) == [DELIVERED]


@only("webhook")
def test_a_private_address_is_refused_unless_allowed(receiver: WebhookReceiver, publish, told):
    port = receiver.server.server_port
    outcomes = publish(told(1), url=f"https://127.0.0.1:{port}/", allow_private=False)
    assert "not a public address" in outcomes[0].error
    assert receiver.posts == []


@only("webhook")
def test_the_address_that_was_judged_is_the_one_that_is_dialled(
    receiver: WebhookReceiver, publish, told, monkeypatch
):
    """A name that leads elsewhere when it is looked up again (DNS rebinding) gains nothing."""
    port = receiver.server.server_port
    asked = lead(monkeypatch, {"rebinding.example": ["127.0.0.1", "127.0.0.66"]})
    assert publish(told(1), url=f"http://rebinding.example:{port}/") == [DELIVERED]
    ((headers, _),) = receiver.posts
    assert headers["host"] == f"rebinding.example:{port}"
    assert asked.count("rebinding.example") == 1


@only("webhook")
@pytest.mark.parametrize("name", ["hooks.example", "other.example"])
def test_the_certificate_is_that_of_the_name(
    name, receiver: WebhookReceiver, publish, told, monkeypatch, tmp_path
):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    asked = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate} "
    asked += "-subj /CN=test -addext subjectAltName=DNS:hooks.example"
    subprocess.run(["openssl", *asked.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    lead(monkeypatch, {name: ["127.0.0.1"]})
    (outcome,) = publish(told(1), url=f"https://{name}:{receiver.server.server_port}/")
    if name == "hooks.example":
        assert outcome == DELIVERED
    else:
        assert outcome.fate is Fate.UNAVAILABLE
        assert "certificate" in outcome.error.lower()


@only("webhook")
def test_a_webhook_that_does_not_answer_in_time_is_given_up(
    receiver: WebhookReceiver, publish, told
):
    given_up = threading.Event()

    def slow(*_):
        given_up.wait(120)
        return 204, {}

    receiver.answer = slow
    outcomes = publish(told(1, "a"), told(2, "b"), timeout=1)
    assert receiver.posts == []  # nobody waited for it
    given_up.set()
    assert [outcome.fate for outcome in outcomes] == [Fate.UNAVAILABLE, Fate.UNTRIED]
