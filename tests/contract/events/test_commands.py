"""The commands about targets: relay, targets, replay and dead, on a real outbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from receivers import WebhookReceiver

from pipewarden.app.cli.main import carry_out
from pipewarden.store.state.database import Database


@pytest.fixture
def home(database, tmp_path, monkeypatch):
    """Return a home folder whose state database is the test's."""
    monkeypatch.chdir(tmp_path)
    url = database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("PIPEWARDEN_DATABASE_URL", url)
    opened, real = [], Database.open
    # A command leaves its connections to the end of its process; here that is the test's end.
    monkeypatch.setattr(Database, "open", lambda url: opened.append(real(url)) or opened[-1])
    yield tmp_path
    for left in opened:
        left.close()


@pytest.fixture
def hook(home):
    """Return a webhook beside a file, both enabled."""
    receiver = WebhookReceiver()
    targets = {"hook": receiver.options, "log": {"kind": "file", "path": "events.jsonl"}}
    held = {"targets": targets, "retention_days": 36_500}  # the tests' events are old
    text = json.dumps({"events": held})
    (home / "pipewarden.yaml").write_text(text, encoding="utf-8")
    yield receiver
    receiver.close()


def asked(capsys, *arguments, code=0):
    assert carry_out(["events", *arguments]) == code
    return capsys.readouterr().out


def answer(capsys, *arguments, code=0):
    return json.loads(asked(capsys, *arguments, "--json", code=code))


def test_once_sends_what_there_is_and_says_so(hook, home, tell, told, capsys):
    tell(*(told(n) for n in range(3)))
    report = answer(capsys, "relay", "--once")
    assert [(done["name"], done["delivered"]) for done in report["targets"]] == [
        ("hook", 3),
        ("log", 3),
    ]
    assert len(hook.received()) == 3
    assert len((home / "events.jsonl").read_text().splitlines()) == 3
    assert "delivered" in asked(capsys, "relay", "--once")


def test_a_target_that_failed_is_the_exit_code_and_can_be_looked_at(hook, tell, told, capsys):
    tell(told(1))
    hook.answer = lambda *_: (503, {})
    asked(capsys, "relay", "--once", code=4)
    hook_is, log_is = answer(capsys, "targets")
    assert (hook_is["name"], hook_is["behind"], hook_is["failures"]) == ("hook", 1, 1)
    assert hook_is["breaker"] == "closed"
    assert "HTTP 503" in hook_is["last_error"]
    assert hook_is["behind_since"] is not None
    assert (log_is["cursor"], log_is["behind"], log_is["last_error"]) == (1, 0, "")
    shown = asked(capsys, "targets")
    assert "1 failure in a row" in shown
    assert "HTTP 503" in shown


def test_dead_events_are_listed_with_their_reason_and_retried(hook, tell, told, capsys):
    tell(told(1), told(2))
    hook.answer = lambda _, body: (413 if json.loads(body)["data"]["n"] == 1 else 204, {})
    asked(capsys, "relay", "--once")
    (letter,) = answer(capsys, "dead", "list")
    assert (letter["target"], letter["number"], letter["reason"]) == ("hook", 1, "too_large")
    assert letter["event"]["id"] == told(1).id
    assert "too_large" in asked(capsys, "dead", "list", "--target", "hook")
    assert answer(capsys, "dead", "list", "--target", "log") == []
    assert "dead list" in asked(capsys, "targets")
    hook.answer = lambda *_: (204, {})
    assert answer(capsys, "dead", "retry", "1") == {"retried": 1}
    asked(capsys, "relay", "--once")
    assert [event.get_id() for event in hook.received()] == [told(2).id, told(1).id]
    assert "No event is dead" in asked(capsys, "dead", "list")
    assert "0 deliveries" in asked(capsys, "dead", "retry")


def test_replay_sends_again_from_a_number_or_a_time(hook, tell, told, capsys):
    tell(*(told(n) for n in range(1, 6)), told(6, kind="job.completed"))
    asked(capsys, "relay", "--once")
    assert answer(capsys, "replay", "--from", "5") == {"marked": {"hook": 2, "log": 2}}
    since = told(4).at.isoformat()
    kind = ["--type", "io.pipewarden.job.completed"]
    assert answer(capsys, "replay", "--since", since, *kind, "--target", "log") == {
        "marked": {"log": 0}  # it waits already
    }
    asked(capsys, "relay", "--once")
    again = answer(capsys, "replay", "--since", since[:19], "--target", "hook")
    assert again == {"marked": {"hook": 3}}
    assert "4 events" in asked(capsys, "replay", "--from", "3", "--target", "log")
    asked(capsys, "relay", "--once")
    sent = [int(event.get_id().rpartition("/")[2]) for event in hook.received()]
    assert sent == [1, 2, 3, 4, 5, 6, 5, 6, 4, 5, 6]


def test_replay_of_what_was_never_sent_marks_nothing(hook, tell, told, capsys):
    tell(told(1))
    assert answer(capsys, "replay", "--from", "1") == {"marked": {"hook": 0, "log": 0}}
    assert answer(capsys, "replay", "--since", "2099-01-01") == {"marked": {"hook": 0, "log": 0}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay"], "--from NUMBER or --since TIME"),
        (["replay", "--from", "1", "--since", "2026-01-01"], "not both"),
        (["replay", "--since", "yesterday"], "is no time"),
        (["replay", "--from", "1", "--target", "nobody"], "no event target 'nobody'"),
    ],
)
def test_wrong_usage_says_what_is_wrong(hook, arguments, words, capsys):
    assert carry_out(["events", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_without_targets_the_commands_say_so(home, tell, told, capsys):
    tell(told(1))
    assert "No event target is enabled" in asked(capsys, "targets")
    assert answer(capsys, "relay", "--once") == {"targets": [], "pruned": 1}


def test_a_target_that_is_no_longer_enabled_is_still_shown(hook, home, tell, told, capsys):
    tell(told(1))
    asked(capsys, "relay", "--once")
    (home / "pipewarden.yaml").unlink()
    assert [(t["name"], t["enabled"]) for t in answer(capsys, "targets")] == [
        ("hook", False),
        ("log", False),
    ]
    assert "(not enabled)" in asked(capsys, "targets")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_relay_goes_on_until_it_is_told_to_stop(hook, tell, told, number):
    program = [sys.executable, "-m", "pipewarden", "events", "relay"]
    relay = subprocess.Popen(program, stdout=subprocess.PIPE, env=os.environ.copy())
    assert relay.stdout is not None
    assert b"2 event targets" in relay.stdout.readline()
    for number_of_event in range(3):
        tell(told(number_of_event))
        ends = time.monotonic() + 300
        while len(hook.posts) <= number_of_event and time.monotonic() < ends:
            time.sleep(0.02)
    relay.send_signal(number)
    assert relay.wait(300) == 0
    relay.stdout.close()
    assert len(hook.received()) == 3
