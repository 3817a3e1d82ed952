"""Real receivers: a mail server, and a web server that is posted to."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from receivers import SECRET, WebhookReceiver

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.delivery.events.targets.webhook_signature import headers, keys_of
from pipewarden.delivery.notices.enabled import enabled, known
from pipewarden.delivery.outcome import Fate, Outcome
from pipewarden.errors import InvalidSettings
from pipewarden.settings import AlertSettings, Settings

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOKEN = "T0123456/B0123456/abcdefghijklmnop"


def told(severity: Severity = Severity.CRITICAL, **also: Any) -> Message:
    fields: dict[str, Any] = {
        "subject": "[CRITICAL] credit: performance.auc is 0.6, limit 0.7",
        "text": "#1 CRITICAL  credit\n  why      fïrst <b> & ```\n.\n.. a line of dots\n",
        "facts": {"id": "msg_1", "at": AT.isoformat(), "incidents": [{"id": 1}]},
        **also,
    }
    return Message(id="msg_1", severity=severity, **fields)


def sent(options: dict[str, Any], message: Message | None = None) -> Outcome:
    opened = enabled(AlertSettings(channels={"it": options}), ["it"])["it"]
    try:
        return opened.channel.send(message or told(), 10)
    finally:
        opened.channel.close()


@dataclass
class Post:
    """A mail server that keeps what it takes, and answers what the test says."""

    port: int = 0
    mails: list[Any] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answer: str = ""
    refuses: tuple[str, ...] = ()
    refusal: str = "550 no such mailbox"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.refuses:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        if self.answer:
            return self.answer
        self.mails.append(
            email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        )
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    @property
    def options(self) -> dict[str, Any]:
        return {
            "kind": "email",
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "sender": "warden@example.org",
            "to": ["ops@example.org", "ada@example.org"],
        }


@pytest.fixture
def post() -> Iterator[Post]:
    """Return a real mail server."""
    from aiosmtpd.controller import Controller

    class OnAnyPort(Controller):
        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]  # known since it listens
            super()._trigger_server()

    held = Post()
    controller = OnAnyPort(held, hostname="127.0.0.1", port=0)
    controller.start()
    held.port = controller.port
    yield held
    controller.stop()


@pytest.fixture
def web() -> Iterator[WebhookReceiver]:
    """Return a real web server."""
    opened = WebhookReceiver()
    yield opened
    opened.close()


@pytest.fixture
def hook(web: WebhookReceiver) -> Callable[..., dict[str, Any]]:
    """Return what makes the options of a channel that posts to the web server."""

    def options(kind: str, **also: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{web.server.server_port}/services/{TOKEN}"
        secret = {"secret": SECRET} if kind == "webhook" else {}
        return {"kind": kind, "secret_url": url, "allow_private": True, **secret, **also}

    return options


def test_a_mail_arrives_as_it_was_written(post):
    assert sent(post.options).fate is Fate.DELIVERED
    (mail,) = post.mails
    assert mail["Subject"] == told().subject
    assert (mail["From"], mail["To"]) == (
        "warden@example.org",
        "ops@example.org, ada@example.org",
    )
    assert mail["Message-ID"] == "<msg_1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"
    assert mail.get_content().replace("\r\n", "\n") == told().text
    assert post.recipients == [["ops@example.org", "ada@example.org"]]


def test_a_warning_is_no_urgent_mail(post):
    sent(post.options, told(Severity.WARNING))
    assert post.mails[0]["Importance"] is None


def test_a_recipient_that_is_refused_does_not_hide_the_other_and_is_named(post):
    post.refuses = ("ada@example.org",)
    outcome = sent(post.options)
    assert outcome.fate is Fate.DELIVERED
    assert "ada@example.org" in outcome.error
    assert post.recipients == [["ops@example.org"]]


@pytest.mark.parametrize(
    ("refusal", "fate"),
    [("550 no such mailbox", Fate.REJECTED), ("450 later", Fate.UNAVAILABLE)],
)
def test_where_every_recipient_is_refused_the_code_says_whether_to_try_again(post, refusal, fate):
    post.refuses, post.refusal = ("ops@example.org", "ada@example.org"), refusal
    assert sent(post.options).fate is fate


@pytest.mark.parametrize(
    ("answer", "fate"), [("554 spam", Fate.REJECTED), ("451 greylisted", Fate.FAILED)]
)
def test_what_the_server_says_of_the_mail_itself_decides(post, answer, fate):
    post.answer = answer
    outcome = sent(post.options)
    assert (outcome.fate, answer[4:] in outcome.error) == (fate, True)


def test_a_mail_server_that_is_not_there_is_unavailable(post, unused_port):
    outcome = sent({**post.options, "port": unused_port})
    assert outcome.fate is Fate.UNAVAILABLE
    assert "Connection refused" in outcome.error


def test_a_mail_server_without_encryption_is_not_given_a_mail_that_asks_for_it(post):
    outcome = sent({**post.options, "security": "starttls"})
    assert outcome.fate is Fate.UNAVAILABLE
    assert post.mails == []


@pytest.fixture
def unused_port() -> int:
    """Return a port at which nobody listens."""
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "hunter2", "username": "ada"},
        {"to": ["no address"]},
        {"to": []},
        {"sender": "a@b\r\nBcc: c@d"},
        {"colour": "red"},
    ],
)
def test_options_that_do_not_hold_are_refused_and_not_repeated(post, wrong):
    with pytest.raises(InvalidSettings, match="alert channel 'it'") as refused:
        sent({**post.options, **wrong})
    assert "hunter2" not in str(refused.value)


def test_slack_gets_text_in_which_foreign_words_mean_nothing(web, hook):
    assert sent(hook("slack")).fate is Fate.DELIVERED
    ((_, body),) = web.posts
    text = json.loads(body)["text"]
    assert text.startswith("*[CRITICAL] credit: performance.auc is 0.6, limit 0.7*\n```\n#1 CRIT")
    assert "fïrst &lt;b&gt; &amp; '''" in text
    assert text.count("```") == 2


def test_a_webhook_gets_the_message_as_json_signed(web, hook):
    assert sent(hook("webhook")).fate is Fate.DELIVERED
    ((got, body),) = web.posts
    held = json.loads(body)
    assert held["severity"] == "critical"
    assert held["subject"] == told().subject
    assert held["incidents"] == [{"id": 1}]
    stamp = int(got["webhook-timestamp"])
    expected = headers(keys_of(SECRET), "msg_1", stamp, body)
    assert {name: got[name] for name in expected} == expected


@pytest.mark.parametrize("kind", ["slack", "webhook"])
@pytest.mark.parametrize(
    ("status", "fate"), [(400, Fate.REJECTED), (500, Fate.FAILED), (404, Fate.UNAVAILABLE)]
)
def test_a_status_says_whether_to_try_again(web, hook, kind, status, fate):
    web.answer = lambda _headers, _body: (status, {})
    assert sent(hook(kind)).fate is fate


@pytest.mark.parametrize("kind", ["slack", "webhook"])
def test_a_private_address_is_refused_unless_it_is_allowed(hook, kind):
    url = "https://127.0.0.1/services/x"
    outcome = sent(hook(kind, allow_private=False, secret_url=url))
    assert outcome.fate is Fate.UNAVAILABLE
    assert "not a public address" in outcome.error


@pytest.mark.parametrize("kind", ["slack", "webhook"])
def test_what_hangs_up_is_unavailable_and_the_url_is_told_to_nobody(web, hook, kind):
    web.answer = lambda _headers, _body: (0, {})
    outcome = sent(hook(kind))
    assert outcome.fate is Fate.UNAVAILABLE
    assert "abcdefghijklmnop" not in outcome.error


@pytest.mark.parametrize("kind", ["slack", "webhook"])
def test_secrets_are_in_no_representation_of_the_settings(hook, kind):
    settings = Settings(alerts={"channels": {"it": hook(kind)}})
    shown = json.dumps(settings.redacted())
    assert "abcdefghijklmnop" not in shown
    assert SECRET not in shown
    opened = enabled(settings.alerts, ["it"])["it"]
    assert "abcdefghijklmnop" not in repr(opened)
    opened.channel.close()


def test_the_password_of_a_mail_server_is_in_no_representation(post):
    options = {**post.options, "security": "tls", "username": "ada", "password": "hunter2"}
    settings = Settings(alerts={"channels": {"it": options}})
    assert "hunter2" not in json.dumps(settings.redacted())
    assert "hunter2" not in repr(enabled(settings.alerts, ["it"]))


def test_the_console_is_always_there_and_keeps_stdout_clean(capsys):
    assert known(AlertSettings()) == ("console",)
    outcome = enabled(AlertSettings())["console"].channel.send(told(), 1)
    assert outcome.fate is Fate.DELIVERED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(told().subject)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InvalidSettings, match="known: console, email, slack, webhook"):
        enabled(AlertSettings(channels={"it": {"kind": "pigeon"}}))
