"""A URL that events are posted to, signed by Standard Webhooks.

Every URL is a target of its own, with its own outcome: one that answers does not hide one that does
not. Redirects are not followed and proxies of the environment not used: both lead past the guard.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from pipewarden._version import __version__
from pipewarden.delivery.events.targets.options import Mode, TargetOptions
from pipewarden.delivery.events.targets.webhook_address import AddressRefused, resolved
from pipewarden.delivery.events.targets.webhook_signature import headers, keys_of, message_id
from pipewarden.delivery.outcome import (
    DELIVERED,
    UNTRIED,
    Fate,
    Outcome,
    failed,
    rejected,
    unavailable,
)
from pipewarden.errors import InvalidSettings, MissingExtra

if TYPE_CHECKING:
    from cloudevents.core.bindings.http import HTTPMessage
    from cloudevents.core.v1.event import CloudEvent

#: What says that this very event will never be taken.
_REJECTS = {400: "rejected", 413: "too_large", 414: "rejected", 415: "rejected", 422: "rejected"}
_REJECTS |= {431: "too_large"}
#: What says that this event was not taken now.
_FAILS = frozenset({408, 409, 425, 500})
#: How much of an answer is read, in bytes, and kept, in signs.
_READ, _KEPT = 4_096, 200


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
        try:
            import httpx
        except ImportError as error:
            raise MissingExtra("An event target of kind webhook", "webhook") from error
        self._options, self._now, self._httpx = options, now, httpx
        self._host, self._port = _place(options)
        try:
            self._keys = keys_of(options.secret)
        except ValueError as error:
            raise InvalidSettings(str(error)) from None
        # The system's certificates, or those that SSL_CERT_FILE names, and no proxy.
        self._client: httpx.Client = httpx.Client(
            verify=ssl.create_default_context(), trust_env=False, follow_redirects=False
        )

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:
        """Post the events until one finds the receiver unavailable; see `Publisher`."""
        ends = time.monotonic() + timeout
        try:
            private = self._options.allow_private
            address = resolved(self._host, self._port, allow_private=private)
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
        try:
            private = self._options.allow_private
            address = resolved(self._host, self._port, allow_private=private)
            socket.create_connection((address, self._port), timeout).close()
        except (OSError, AddressRefused) as error:
            return unavailable(f"webhook: {error}")
        return DELIVERED

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, event: CloudEvent, address: str, left: float) -> Outcome:
        written = message(event, self._options.mode)
        identity = message_id(event.get_source(), event.get_id())
        own = headers(self._keys, identity, int(self._now()), written.body)
        url = self._httpx.URL(self._options.url)
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=written.body,
            headers={
                **written.headers,
                **own,
                "host": url.netloc.decode("ascii"),
                "user-agent": f"pipewarden/{__version__}",
            },
            timeout=left,
            # The certificate is that of the name, not of the address that is dialled.
            extensions={"sni_hostname": self._host},
        )
        try:
            answer = self._client.send(request, stream=True)
            try:
                said = self._beginning(answer, left)
            finally:
                answer.close()
        except self._httpx.HTTPError as error:
            return unavailable(f"webhook: {type(error).__name__} {error}".strip())
        return verdict(answer.status_code, said, answer.headers.get("retry-after"), self._now())

    def _beginning(self, answer: Any, left: float) -> str:
        """Return the first words of an answer, and wait for no more of it than there is time."""
        ends, held = time.monotonic() + left, b""
        for part in answer.iter_raw():
            held += part
            if len(held) >= _READ or time.monotonic() >= ends:
                break
        return " ".join(held[:_READ].decode("utf-8", "replace").split())[:_KEPT]


def message(event: CloudEvent, mode: Mode) -> HTTPMessage:
    """Return headers and body by the CloudEvents HTTP protocol binding."""
    from cloudevents.core.bindings import http

    return http.to_structured_event(event) if mode == "structured" else http.to_binary_event(event)


def verdict(status: int, said: str, retry_after: str | None, now: float) -> Outcome:
    """Return what an HTTP status says of an event.

    A refusal of the event itself (400, 413, 422 and their like) is final. A failure of the receiver
    on it (500, 408) may be the event's fault. Anything else, such as 401, 404, 410, 429, 503 or a
    redirect, is about the receiver or the settings and not about the event.

    Parameters
    ----------
    said
        The beginning of the answer.
    retry_after
        The header of that name: seconds, or a date.
    now
        Seconds since 1970.
    """
    if 200 <= status < 300:
        return DELIVERED
    words = f"webhook: HTTP {status} {said}".strip()
    if status in _REJECTS:
        return rejected(_REJECTS[status], words)
    if status in _FAILS:
        return failed("failed", words)
    return unavailable(words, _seconds(retry_after, now))


def _seconds(retry_after: str | None, now: float) -> float | None:
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(now, UTC)).total_seconds())


def _place(options: WebhookOptions) -> tuple[str, int]:
    """Return host and port of the URL; refuse what cannot be posted to safely."""
    try:
        url = urlsplit(options.url)
        port = url.port
    except ValueError as error:
        raise InvalidSettings("the URL of a webhook does not read") from error
    secure = url.scheme == "https"
    if not url.hostname or not (secure or (url.scheme == "http" and options.allow_private)):
        raise InvalidSettings(
            "the URL of a webhook begins with https://; http:// only with allow_private"
        )
    if url.username or url.password:
        raise InvalidSettings("the URL of a webhook holds no user or password: use the secret")
    return url.hostname, port or (443 if secure else 80)
