"""A URL that events are posted to, signed by Standard Webhooks.

Every URL is a target of its own, with its own outcome: one that answers does not hide one that does
not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipewarden.delivery.events.targets.options import Mode, TargetOptions
from pipewarden.delivery.events.targets.webhook_address import AddressRefused
from pipewarden.delivery.events.targets.webhook_signature import headers, keys_of, message_id
from pipewarden.delivery.outcome import UNTRIED, Fate, Outcome, unavailable
from pipewarden.delivery.posting import Poster
from pipewarden.errors import InvalidSettings

if TYPE_CHECKING:
    from cloudevents.core.bindings.http import HTTPMessage
    from cloudevents.core.v1.event import CloudEvent


class WebhookOptions(TargetOptions):
    """A URL, and the secret that is shared with whoever listens there."""

    kind: Literal["webhook"]
    url: str = Field(repr=False, description="Where events are posted to; `https` if public.")
    secret: str = Field(
        repr=False,
        description="`whsec_…` (24 to 64 bytes in base64); two with a space between, while it is "
        "being changed.",
    )
    allow_private: bool = Field(
        default=False,
        description="Whether this machine and private networks will do, and plain `http`.",
    )
    mode: Mode = Field(
        default="structured",
        description="`structured`, or `binary` (headers `ce-…`, which no signature covers).",
    )


class WebhookPublisher:
    """Posts events one after the other."""

    def __init__(self, options: WebhookOptions, now: Callable[[], float] = time.time) -> None:
        private = options.allow_private
        called = "An event target of kind webhook"
        self._options, self._now = options, now
        self._poster = Poster(options.url, allow_private=private, called=called)
        try:
            self._keys = keys_of(options.secret)
        except ValueError as error:
            raise InvalidSettings(str(error)) from None

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        """Post the events until one finds the receiver unavailable; see `Publisher`."""
        ends = time.monotonic() + timeout
        try:
            address = self._poster.address()
        except (OSError, AddressRefused) as error:
            return [unavailable(f"webhook: {error}"), *[UNTRIED] * (len(events) - 1)]
        outcomes: list[Outcome] = []
        for event in events:
            left = ends - time.monotonic()
            given_up = bool(outcomes) and outcomes[-1].fate in (Fate.UNAVAILABLE, Fate.UNTRIED)
            given_up = given_up or (bool(outcomes) and left <= 0)
            outcomes.append(UNTRIED if given_up else self._post(event, address, max(left, 0.1)))
        return outcomes

    def probe(self, timeout: float) -> Outcome:
        """Return whether somebody listens there; nothing is posted."""
        return self._poster.probe(timeout)

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _post(self, event: CloudEvent, address: str, left: float) -> Outcome:
        written, now = message(event, self._options.mode), self._now()
        identity = message_id(event.get_source(), event.get_id())
        own = headers(self._keys, identity, int(now), written.body)
        return self._poster.post(
            address, written.body, {**written.headers, **own}, left=left, now=now
        )


def message(event: CloudEvent, mode: Mode) -> HTTPMessage:
    """Return headers and body by the CloudEvents HTTP protocol binding."""
    from cloudevents.core.bindings import http

    return http.to_structured_event(event) if mode == "structured" else http.to_binary_event(event)
