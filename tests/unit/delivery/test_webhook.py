"""Signatures, addresses and verdicts of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
from datetime import UTC, datetime

import pytest

from pipewarden.delivery.events.targets import webhook_address
from pipewarden.delivery.events.targets.webhook_address import AddressRefused, is_public, resolved
from pipewarden.delivery.events.targets.webhook_signature import headers, keys_of, message_id
from pipewarden.delivery.outcome import Fate
from pipewarden.delivery.posting import verdict

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_that_of_the_published_vector():
    # The example that the Standard Webhooks libraries test themselves with.
    body = b'{"test": 2432232314}'
    made = headers(keys_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_both_sign():
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    made = headers(keys_of(f"{SECRET} {other}"), "msg_1", 1, b"body")["webhook-signature"]
    first, second = made.split(" ")
    assert first == headers(keys_of(SECRET), "msg_1", 1, b"body")["webhook-signature"]
    digest = hmac.new(b"x" * 32, b"msg_1.1.body", hashlib.sha256).digest()
    assert second == "v1," + base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    "secret",
    ["", "  ", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
)
def test_a_secret_that_does_not_hold_is_refused_and_not_repeated(secret):
    with pytest.raises(ValueError, match="webhook") as refused:
        keys_of(secret)
    key = secret.removeprefix("whsec_").strip()
    assert not key or key not in str(refused.value)


def test_an_events_webhook_id_is_its_own_and_has_no_full_stop():
    one = message_id("/pipewarden", "run.1/job/1")
    assert one == message_id("/pipewarden", "run.1/job/1")
    assert one != message_id("/pipewarden", "run.1/job/2")
    assert one != message_id("/other", "run.1/job/1")
    assert one.isascii()
    assert "." not in one


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # where clouds keep their secrets
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("2002:7f00:0001::", False),  # 6to4 of 127.0.0.1
        ("64:ff9b::a9fe:a9fe", False),  # NAT64 of 169.254.169.254
    ],
)
def test_only_public_addresses_are_public(address, public):
    assert is_public(address) is public


def looked_up(monkeypatch, *addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 443)) for a in addresses]
    monkeypatch.setattr(webhook_address.socket, "getaddrinfo", lambda *_, **__: found)


def test_a_name_with_one_private_address_is_refused(monkeypatch):
    looked_up(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        resolved("example.org", 443, allow_private=False)
    assert resolved("example.org", 443, allow_private=True) == "93.184.216.34"


@pytest.mark.parametrize(
    ("status", "fate", "reason"),
    [
        (200, Fate.DELIVERED, ""),
        (204, Fate.DELIVERED, ""),
        (301, Fate.UNAVAILABLE, "unavailable"),
        (400, Fate.REJECTED, "rejected"),
        (401, Fate.UNAVAILABLE, "unavailable"),
        (404, Fate.UNAVAILABLE, "unavailable"),
        (408, Fate.FAILED, "failed"),
        (410, Fate.UNAVAILABLE, "unavailable"),
        (413, Fate.REJECTED, "too_large"),
        (422, Fate.REJECTED, "rejected"),
        (429, Fate.UNAVAILABLE, "unavailable"),
        (500, Fate.FAILED, "failed"),
        (503, Fate.UNAVAILABLE, "unavailable"),
    ],
)
def test_what_a_status_says(status, fate, reason):
    outcome = verdict(status, "said so", None, 0.0)
    assert (outcome.fate, outcome.reason) == (fate, reason)
    assert fate is Fate.DELIVERED or f"HTTP {status} said so" in outcome.error


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()
    assert verdict(503, "", header, now).retry_after == seconds
