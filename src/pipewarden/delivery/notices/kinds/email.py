"""Electronic mail, by SMTP (RFC 5321).

The Message-ID is that of the message, so that a mail program shows a repeat once.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import Literal

from pydantic import Field

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.delivery.notices.channel import ChannelOptions
from pipewarden.delivery.outcome import (
    DELIVERED,
    Fate,
    Outcome,
    failed,
    rejected,
    unavailable,
)
from pipewarden.errors import InvalidSettings

_ADDRESS = r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+$"
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
#: Signs of an answer that are kept.
_KEPT = 300


class EmailOptions(ChannelOptions):
    """A mail server, who writes, and to whom."""

    kind: Literal["email"]
    host: str = Field(min_length=1, description="The mail server.")
    port: int | None = Field(
        default=None, ge=1, le=65_535, description="587, 465 or 25, as `security` says, if null."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is kept secret."
    )
    username: str = Field(default="", description="Empty: nobody is logged in.")
    password: str = Field(default="", repr=False, description="Never over an open connection.")
    sender: str = Field(pattern=_ADDRESS, description="Who writes.")
    to: tuple[str, ...] = Field(min_length=1, description="Who is written to.")


class EmailChannel:
    """Sends each message over a connection of its own."""

    def __init__(self, options: EmailOptions, now: Callable[[], float] = time.time) -> None:
        import re

        if options.password and options.security == "none":
            raise InvalidSettings("a password is not sent over an open connection: set security")
        if not all(re.match(_ADDRESS, one) for one in options.to):
            raise InvalidSettings("one of the addresses in 'to' is none")
        self._options, self._now = options, now

    def send(self, message: Message, timeout: float) -> Outcome:
        """Send one message; see `Channel`."""
        try:
            with self._connected(timeout) as server:
                refused = server.send_message(self._written(message))
        except smtplib.SMTPRecipientsRefused as error:
            answers = [answer for answer, _ in error.recipients.values()]
            words = f"email: the server refused every recipient: {_words(error.recipients)}"
            final = all(answer >= 500 for answer in answers)
            return rejected("rejected", words) if final else unavailable(words)
        except smtplib.SMTPAuthenticationError as error:
            return unavailable(f"email: the server does not let us in ({error.smtp_code})")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            words = f"email: {error.smtp_code} {_words(error.smtp_error)}"
            return rejected("rejected", words) if error.smtp_code >= 500 else failed("later", words)
        except (smtplib.SMTPException, OSError) as error:
            return unavailable(f"email: {type(error).__name__} {_words(error)}".strip())
        if refused:
            return Outcome(Fate.DELIVERED, "partly", f"email: refused: {_words(refused)}")
        return DELIVERED

    def close(self) -> None:
        """Nothing is open."""

    def _connected(self, timeout: float) -> smtplib.SMTP:
        held = self._options
        port = held.port or _PORTS[held.security]
        if held.security == "tls":
            trusted = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                held.host, port, timeout=timeout, context=trusted
            )
        else:
            server = smtplib.SMTP(held.host, port, timeout=timeout)
        try:
            if held.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if held.username:
                server.login(held.username, held.password)
        except BaseException:
            server.close()
            raise
        return server

    def _written(self, message: Message) -> EmailMessage:
        held, mail = self._options, EmailMessage()
        domain = held.sender.rpartition("@")[2]
        mail["Subject"] = message.subject
        mail["From"] = held.sender
        mail["To"] = ", ".join(held.to)
        mail["Date"] = formatdate(self._now())
        mail["Message-ID"] = f"<{message.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.severity is Severity.CRITICAL:
            mail["Importance"] = "high"
        mail.set_content(message.text)
        return mail


def _words(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:_KEPT]
