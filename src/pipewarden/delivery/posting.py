"""Posting to an address that somebody else gave: guarded, dialled as judged, and without secrets.

Redirects are not followed and proxies of the environment not used: both lead past the guard. What
is told of a failure holds nothing of the URL's path, which may be a secret.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipewarden._version import __version__
from pipewarden.delivery.events.targets.webhook_address import AddressRefused, resolved
from pipewarden.delivery.outcome import DELIVERED, Outcome, failed, rejected, unavailable
from pipewarden.errors import InvalidSettings, MissingExtra
from pipewarden.settings import REDACTED

if TYPE_CHECKING:
    import httpx

#: What says that this very thing will never be taken.
_REJECTS = {400: "rejected", 413: "too_large", 414: "rejected", 415: "rejected", 422: "rejected"}
_REJECTS |= {431: "too_large"}
#: What says that it was not taken now.
_FAILS = frozenset({408, 409, 425, 500})
#: How much of an answer is read, in bytes, and kept, in signs.
_READ, _KEPT = 4_096, 200
#: A part of a URL's path that is as long as this may be a secret, wherever it turns up.
_TELLING = 8


class Poster:
    """Posts to one URL.

    Parameters
    ----------
    allow_private
        Whether this machine and private networks will do, and plain ``http``.
    called
        What wants to post, for the sentence where its library is not installed.

    Raises
    ------
    InvalidSettings
        Nothing can be posted to the URL safely.
    MissingExtra
        The extra ``webhook`` is not installed.
    """

    def __init__(self, url: str, *, allow_private: bool, called: str) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtra(called, "webhook") from error
        self._url, self._private = url, allow_private
        self._host, self._port = _place(url, allow_private)
        # The system's certificates, or those that SSL_CERT_FILE names, and no proxy.
        self._client: httpx.Client = httpx.Client(
            verify=ssl.create_default_context(), trust_env=False, follow_redirects=False
        )

    def address(self) -> str:
        """Return the address to dial, looked up and judged now.

        Raises
        ------
        OSError
            The name is not found.
        AddressRefused
            It is not a public address, and no other will do.
        """
        return resolved(self._host, self._port, allow_private=self._private)

    def post(
        self, address: str, body: bytes, headers: Mapping[str, str], *, left: float, now: float
    ) -> Outcome:
        """Post once, and return what became of it.

        Parameters
        ----------
        address
            What `address` gave.
        left
            Seconds that it may take.
        now
            Seconds since 1970, to read a date in the answer by.
        """
        import httpx

        url = httpx.URL(self._url)
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers={
                **headers,
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
                said = _beginning(answer, left)
            finally:
                answer.close()
        except httpx.HTTPError as error:
            return unavailable(self._told(f"webhook: {type(error).__name__} {error}".strip()))
        retry_after = answer.headers.get("retry-after")
        return verdict(answer.status_code, self._told(said), retry_after, now)

    def probe(self, timeout: float) -> Outcome:
        """Return whether somebody listens there; nothing is posted."""
        try:
            socket.create_connection((self.address(), self._port), timeout).close()
        except (OSError, AddressRefused) as error:
            return unavailable(f"webhook: {error}")
        return DELIVERED

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _told(self, words: str) -> str:
        """Return words without what of the URL may be a secret."""
        url = urlsplit(self._url)
        parts = {self._url, url.path, url.query, *re.split(r"[/&=]", f"{url.path}/{url.query}")}
        for part in sorted(parts, key=len, reverse=True):
            if len(part) >= _TELLING:
                words = words.replace(part, REDACTED)
        return words


def verdict(status: int, said: str, retry_after: str | None, now: float) -> Outcome:
    """Return what an HTTP status says of what was posted.

    A refusal of the thing itself (400, 413, 422 and their like) is final. A failure of the receiver
    on it (500, 408) may be the thing's fault. Anything else, such as 401, 404, 410, 429, 503 or a
    redirect, is about the receiver or the settings and not about the thing.

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


def _beginning(answer: Any, left: float) -> str:
    """Return the first words of an answer, and wait for no more of it than there is time."""
    ends, held = time.monotonic() + left, b""
    for part in answer.iter_raw():
        held += part
        if len(held) >= _READ or time.monotonic() >= ends:
            break
    return " ".join(held[:_READ].decode("utf-8", "replace").split())[:_KEPT]


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


def _place(address: str, allow_private: bool) -> tuple[str, int]:
    """Return host and port of the URL; refuse what cannot be posted to safely."""
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError as error:
        raise InvalidSettings("the URL of a webhook does not read") from error
    secure = url.scheme == "https"
    if not url.hostname or not (secure or (url.scheme == "http" and allow_private)):
        raise InvalidSettings(
            "the URL of a webhook begins with https://; http:// only with allow_private"
        )
    if url.username or url.password:
        raise InvalidSettings("the URL of a webhook holds no user or password: use the secret")
    return url.hostname, port or (443 if secure else 80)
