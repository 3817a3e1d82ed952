"""One request to a server that misbehaves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from edgar_stub import RATE_PAGE, EdgarStub, FakeClock, page, reset_after, stall_after, status

import pipewarden as pw
from pipewarden.pipelines.filings.edgar.answers import (
    BadAnswer,
    EdgarError,
    NotOnEdgar,
    Refused,
    Throttled,
    Unreachable,
)
from pipewarden.pipelines.filings.edgar.client import EdgarClient, EdgarSettings
from pipewarden.pipelines.filings.edgar.pacing import Clock


def ask(client: EdgarClient, stub: EdgarStub) -> Any:
    return client.json(f"{stub.url}/a.json")


@pytest.mark.parametrize(
    "mishap",
    [
        status(429),
        status(403),
        status(408),
        status(500),
        status(503),
        reset_after(0),
        reset_after(3),
        page(RATE_PAGE),
        page(b"<html><title>SEC.gov | File Unavailable</title></html>"),
        page(b"\xff\xfe\xfa{}"),
        page(b'{"name": "caf\xe9"}'),
        page(b'{"name": '),
        page(b"[" * 200_000),
        page(b""),
        status(206, b"{}"),
        status(416, b"{}"),
    ],
)
def test_what_may_pass_is_asked_again(
    client: EdgarClient, stub: EdgarStub, mishap: Any, fake_clock: FakeClock
) -> None:
    stub.put("/a.json", {"good": True}, mishap, mishap)
    assert ask(client, stub) == {"good": True}
    assert len(stub.seen) == 3
    assert [wait for wait in fake_clock.slept if wait >= 1] == [1, 2]


def test_a_burst_of_503_is_asked_again_within_the_bound_only(
    client: EdgarClient, stub: EdgarStub
) -> None:
    stub.put("/a.json", {}, *[status(503)] * 50)
    with pytest.raises(Unreachable, match="answered 503"):
        ask(client, stub)
    assert len(stub.seen) == client.settings.attempts


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there_is_asked_for_once(
    client: EdgarClient, stub: EdgarStub, code: int
) -> None:
    stub.put("/a.json", {}, status(code))
    with pytest.raises(NotOnEdgar):
        ask(client, stub)
    assert len(stub.seen) == 1
    assert client.answered == 1


def test_other_refusals_are_not_asked_again(client: EdgarClient, stub: EdgarStub) -> None:
    stub.put("/a.json", {}, status(400))
    with pytest.raises(Refused, match="answered 400"):
        ask(client, stub)
    assert len(stub.seen) == 1


@pytest.mark.parametrize("value", ["7", "Sat, 01 Nov 2025 12:00:07 GMT"])
def test_retry_after_is_honoured(
    client: EdgarClient, stub: EdgarStub, fake_clock: FakeClock, value: str
) -> None:
    stub.put("/a.json", {}, status(429, Retry_After=value))
    ask(client, stub)
    assert stub.seen[1].at == pytest.approx(7.0)


def test_a_retry_after_beyond_the_longest_wait_ends_the_request(
    client: EdgarClient, stub: EdgarStub, fake_clock: FakeClock
) -> None:
    stub.put("/a.json", {}, status(429, Retry_After="86400"))
    with pytest.raises(Throttled) as caught:
        ask(client, stub)
    assert "86400 s" in caught.value.diagnostics()
    assert (len(stub.seen), fake_clock.slept) == (1, [])


def test_retries_and_redirects_count_for_the_rate(
    settings: Callable[..., EdgarSettings], clock: Clock, stub: EdgarStub
) -> None:
    again = status(429, Retry_After="0")
    stub.put("/a.json", {}, again, again, status(302, Location="/b.json"))
    stub.put("/b.json", {})
    with EdgarClient(settings(requests_per_second=4.0), clock) as client:
        ask(client, stub)
        ask(client, stub)
    departures = [seen.at for seen in stub.seen]
    assert departures == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


def test_a_server_that_stalls_is_timed_out(
    settings: Callable[..., EdgarSettings], clock: Clock, stub: EdgarStub
) -> None:
    stub.put("/a.json", {"good": True}, stall_after(4))
    patient = settings(timeout=0.05, attempts=1_000)  # on a busy machine a good answer is late, too
    with EdgarClient(patient, clock) as client:
        assert ask(client, stub) == {"good": True}


def test_an_answer_that_drips_is_ended_by_the_total_time_out(
    settings: Callable[..., EdgarSettings], stub: EdgarStub
) -> None:
    time = FakeClock(tick=100.0)
    stub.put("/a.json", {"good": True})
    with (
        EdgarClient(
            settings(total_timeout=50.0), Clock(time.monotonic, time.sleep, time.now)
        ) as client,
        pytest.raises(Unreachable, match="not complete after 50 s"),
    ):
        ask(client, stub)


def test_a_server_that_is_not_there_is_unreachable(
    settings: Callable[..., EdgarSettings], clock: Clock
) -> None:
    nowhere = "http://127.0.0.1:1"
    with EdgarClient(settings(data_url=nowhere), clock) as client:
        with pytest.raises(Unreachable, match="did not answer"):
            client.json(f"{nowhere}/a.json")
        assert client.answered == 0


def test_an_answer_without_end_is_refused(
    settings: Callable[..., EdgarSettings], clock: Clock, stub: EdgarStub
) -> None:
    stub.put("/a.json", {"a": "x" * 10_000})
    bounded = EdgarClient(settings(max_json_bytes=1000), clock)
    with bounded as client, pytest.raises(Refused, match="more than is sane"):
        ask(client, stub)


def test_a_redirect_on_edgar_is_followed(client: EdgarClient, stub: EdgarStub) -> None:
    stub.put("/a.json", {}, status(301, Location="b.json"))
    stub.put("/b.json", {"moved": True})
    assert ask(client, stub) == {"moved": True}


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:2/b", "file:///etc/passwd", "//evil.example/", "http://[", ""]
)
def test_a_redirect_away_from_edgar_is_refused(
    client: EdgarClient, stub: EdgarStub, location: str
) -> None:
    stub.put("/a.json", {}, status(302, Location=location))
    with pytest.raises(Refused) as caught:
        ask(client, stub)
    assert caught.value.reason == "redirect"


def test_redirects_end(client: EdgarClient, stub: EdgarStub) -> None:
    stub.put("/a.json", {}, *[status(302, Location="/a.json")] * 50)
    with pytest.raises(Refused, match="redirects more than 5 times"):
        ask(client, stub)
    assert len(stub.seen) == 6


def test_every_request_says_who_asks(client: EdgarClient, stub: EdgarStub) -> None:
    stub.put("/a.json", {})
    ask(client, stub)
    assert stub.seen[0].headers["user-agent"] == "Test Research test@example.org"


@pytest.mark.parametrize(
    "agent", ["", "  ", "python-httpx", "Me me@example", "Mé me@example.org", "a\r\nX: b@c.de"]
)
def test_a_user_agent_without_a_contact_is_refused(agent: str) -> None:
    with pytest.raises(pw.InvalidSettings, match="fair-access policy") as caught:
        EdgarSettings(user_agent=agent)
    assert caught.value.exit_code == 2
    assert "10 requests per second" in caught.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"requests_per_second": 10.1},
        {"requests_per_second": 0.0},
        {"requests_per_second": float("nan")},
        {"www_url": "ftp://www.sec.gov"},
        {"data_url": "data.sec.gov"},
        {"attempts": 0},
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(pw.InvalidSettings):
        EdgarSettings(**({"user_agent": "Me me@example.org"} | changes))


def test_without_the_http_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(pw.MissingExtra, match="Downloading filings needs") as caught:
        EdgarClient(EdgarSettings(user_agent="Me me@example.org"))
    assert 'pip install "pipewarden[filings]"' in caught.value.next_step


def test_every_failure_has_a_reason_code() -> None:
    kinds = (EdgarError, NotOnEdgar, Refused, Throttled, Unreachable, BadAnswer)
    assert len({kind.reason for kind in kinds}) == len(kinds)
