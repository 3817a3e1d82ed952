"""An incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat, Zulip."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import orjson
from pydantic import Field

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.delivery.events.targets.webhook_address import AddressRefused
from pipewarden.delivery.notices.channel import ChannelOptions
from pipewarden.delivery.outcome import Outcome, unavailable
from pipewarden.delivery.posting import Poster

#: How much of a message is sent, in signs: Slack cuts at 40,000.
_LONGEST = 30_000
#: What Slack reads as markup, and what stands for it.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class SlackOptions(ChannelOptions):
    """The URL of an incoming webhook, which is a secret as a whole."""

    kind: Literal["slack"]
    secret_url: str = Field(repr=False, description="The URL of the incoming webhook.")
    allow_private: bool = Field(
        default=False,
        description="Whether this machine and private networks will do, and plain `http`.",
    )


class SlackChannel:
    """Posts the message as text."""

    def __init__(self, options: SlackOptions, now: Callable[[], float] = time.time) -> None:
        called = "An alert channel of kind slack"
        private = options.allow_private
        self._poster = Poster(options.secret_url, allow_private=private, called=called)
        self._now = now

    def send(self, message: Message, timeout: float) -> Outcome:
        """Send one message; see `Channel`."""
        subject, text = (words.translate(_ESCAPES) for words in (message.subject, message.text))
        # Foreign words cannot end the block: a fence in them is broken up.
        text = text.replace("```", "'''")[:_LONGEST]
        body = orjson.dumps({"text": f"*{subject}*\n```\n{text}```"})
        try:
            address = self._poster.address()
        except (OSError, AddressRefused) as error:
            return unavailable(f"slack: {error}")
        headers = {"content-type": "application/json"}
        return self._poster.post(address, body, headers, left=timeout, now=self._now())

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()
