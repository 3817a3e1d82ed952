"""A URL that messages are posted to as JSON, signed by Standard Webhooks as events are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import orjson
from pydantic import Field

from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.delivery.events.targets.webhook_address import AddressRefused
from pipewarden.delivery.events.targets.webhook_signature import headers, keys_of
from pipewarden.delivery.notices.channel import ChannelOptions
from pipewarden.delivery.outcome import Outcome, unavailable
from pipewarden.delivery.posting import Poster
from pipewarden.errors import InvalidSettings


class WebhookOptions(ChannelOptions):
    """A URL, and the secret that is shared with whoever listens there."""

    kind: Literal["webhook"]
    secret_url: str = Field(repr=False, description="Where messages are posted to.")
    secret: str = Field(
        repr=False,
        description="`whsec_…` (24 to 64 bytes in base64); two with a space between, while it is "
        "being changed.",
    )
    allow_private: bool = Field(
        default=False,
        description="Whether this machine and private networks will do, and plain `http`.",
    )


class WebhookChannel:
    """Posts the message and the facts that it rests on; a repeat has the same ``webhook-id``."""

    def __init__(self, options: WebhookOptions, now: Callable[[], float] = time.time) -> None:
        called = "An alert channel of kind webhook"
        private = options.allow_private
        self._poster = Poster(options.secret_url, allow_private=private, called=called)
        self._now = now
        try:
            self._keys = keys_of(options.secret)
        except ValueError as error:
            raise InvalidSettings(str(error)) from None

    def send(self, message: Message, timeout: float) -> Outcome:
        """Send one message; see `Channel`."""
        told = {"severity": message.severity, "subject": message.subject, "text": message.text}
        body, now = orjson.dumps({**told, **message.facts}), self._now()
        try:
            address = self._poster.address()
        except (OSError, AddressRefused) as error:
            return unavailable(f"webhook: {error}")
        signed = headers(self._keys, message.id, int(now), body)
        return self._poster.post(
            address, body, {"content-type": "application/json", **signed}, left=timeout, now=now
        )

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()
