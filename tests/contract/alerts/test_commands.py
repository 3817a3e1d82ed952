"""``pipewarden alerts``, as it is typed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from watch_house import WatchHouse

from pipewarden.app.cli.main import carry_out
from pipewarden.jobs.workspace import utc_now
from pipewarden.store.state.database import Database


@pytest.fixture
def typed(url, tmp_path, monkeypatch, capsys):
    """Return what runs a command in a folder with this state; it gives code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPEWARDEN_DATABASE_URL", url)
    monkeypatch.setenv("PIPEWARDEN_RESEARCHER", "ada")
    opened, real = [], Database.open
    # A command leaves its connections to the end of its process; here that is the test's end.
    monkeypatch.setattr(Database, "open", lambda url: opened.append(real(url)) or opened[-1])

    def run(*words):
        capsys.readouterr()
        code = carry_out(["alerts", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    for left in opened:
        left.close()


@pytest.fixture
def wrong(house: WatchHouse) -> WatchHouse:
    """A house in which an alert was raised a moment ago."""
    house.now = utc_now() - timedelta(minutes=5)
    house.auc(0.6, reason="it fell")
    return house


def test_a_list_names_what_is_wrong_and_what_to_type(wrong, typed):
    code, out, _ = typed("list")
    assert code == 0
    assert "critical  open" in out
    assert "5 min" in out
    assert "credit in production: performance.auc is 0.6, limit 0.7" in out
    assert 'pipewarden alerts ack 1 --reason "…"' in out


def test_acknowledged_resolved_and_in_the_history(wrong, typed):
    code, out, _ = typed("ack", "1", "--reason", "looking into it")
    assert (code, out) == (0, "alert 1 is acknowledged by ada\n")
    code, _, err = typed("ack", "1", "--reason", "again")
    assert (code, "is acknowledged by ada and cannot be acknowledged" in err) == (3, True)
    code, out, _ = typed("show", "1")
    assert "by ada: looking into it" in out
    assert "raised  mail     sent" in out
    code, out, _ = typed("resolve", "1", "--reason", "retired", "--json")
    assert (code, json.loads(out)["state"]) == (0, "resolved")
    assert "No alert is open." in typed("list")[1]
    held = json.loads(typed("history", "--json")[1])
    assert (held["total"], held["alerts"][0]["resolved_reason"]) == (1, "retired")


def test_a_mute_is_shown_and_taken_back(wrong, typed):
    code, out, _ = typed("mute", "1", "--for", "2h", "--reason", "maintenance")
    assert (code, "mute 1: nobody is told until" in out) == (0, True)
    code, out, _ = typed("list")
    assert "open, muted" in out
    assert "(mute 1): alert 1: maintenance" in out
    assert typed("mute", "--end", "1", "--reason", "done")[:2] == (0, "mute 1 has ended\n")
    assert "muted" not in typed("list")[1]


def test_a_channel_that_failed_is_in_the_list(wrong, typed, monkeypatch):
    wrong.boxes["mail"].breaks()
    wrong.after(seconds=1)
    wrong.took(wrong.seen("label.coverage", 0.1))
    monkeypatch.setenv("PIPEWARDEN_ALERTS__CHANNELS", '{"mail": {"kind": "console"}}')
    out = typed("list")[1]
    assert "channel mail: 1 try failed, again at" in out
    assert "nobody answers (1 waiting)" in out


def test_a_test_message_is_sent_and_one_that_is_not_is_an_exit_code(wrong, typed, monkeypatch):
    wrong.rules(wrong.text.replace("[mail]", "[all]").replace("[call]", "[all]"))
    code, out, err = typed("test")
    assert (code, out) == (0, "console (console): sent\n")
    assert "Nothing is wrong." in err
    mail = {"kind": "email", "host": "127.0.0.1", "port": 1, "sender": "a@b.c", "to": ["d@e.f"]}
    monkeypatch.setenv("PIPEWARDEN_ALERTS__CHANNELS", json.dumps({"mail": mail}))
    code, out, _ = typed("test", "mail", "--json")
    assert (code, [one["works"] for one in json.loads(out)]) == (4, [False])


def test_a_channel_that_is_not_set_up_hides_no_other_and_says_why(wrong, typed, monkeypatch):
    channels = {"hook": {"kind": "webhook", "secret_url": "https://pager.example.org/in/x1y2"}}
    monkeypatch.setenv("PIPEWARDEN_ALERTS__CHANNELS", json.dumps(channels))
    wrong.rules(wrong.text.replace("[mail]", "[all]").replace("[call]", "[all]"))
    why = "the alert channel 'hook' does not hold: secret is missing"
    code, out, _ = typed("test")
    assert (code, out) == (
        4, f"console (console): sent\nhook (webhook): not sent: {why}\n",
    )  # fmt: skip
    assert f"hook: {why}\n" in typed("list")[1]
    assert "x1y2" not in typed("list", "--json")[1]


@pytest.mark.usefixtures("wrong")
def test_rules_that_do_not_hold_are_told_with_the_list(typed, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "alerts.yaml").write_text("rules: [ {", encoding="utf-8")
    assert "rules: no alert is raised: the alert rules" in typed("list")[1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "99"), 2),
        (("list", "--severity", "mild"), 2),
        (("mute", "1", "--reason", "x"), 2),
        (("mute", "--for", "2h", "--reason", "x"), 2),
        (("test", "pigeon"), 2),
        (("ack", "1", "--reason", " "), 2),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(wrong, typed, words, code):
    got, out, err = typed(*words)
    assert (got, out) == (code, "")
    assert err.startswith("pipewarden: ")
