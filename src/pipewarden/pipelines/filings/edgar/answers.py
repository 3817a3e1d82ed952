"""What EDGAR's answers mean: the ways in which a request fails, and what is no filing.

::

    EdgarError                      reason
    ├── NotOnEdgar                  not_found        404: asking again will not help
    ├── Refused                     refused, …       an answer that no retry will mend
    └── Retriable                                    asked again, within a bound
        ├── Throttled               throttled        403, 429, or SEC's page about the rate
        ├── Unreachable             unreachable      5xx, reset, cut short, or too slow
        └── BadAnswer               bad_answer       an error page or other content under 200
"""

from __future__ import annotations

import json
import re
from typing import Any

from pipewarden import PipewardenError

#: How much of a document's beginning and end `judge_document` looks at, in bytes.
HEAD_BYTES, TAIL_BYTES = 64 * 1024, 4 * 1024

#: SEC's error pages are a few kilobytes; a filing that quotes one is longer.
_ERROR_PAGE_BYTES = 32 * 1024
_RATE_PAGE = re.compile(rb"(?i)request rate threshold exceeded|undeclared automated tool")
_SITE_PAGE = re.compile(
    rb"(?i)<title>\s*(SEC\.gov\b|Access Denied|[^<]*\b(unavailable|maintenance|error)\s*</title>)"
)
_OTHER_FORMATS = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b", b"{")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CLOSINGS = (b"</html>", b"</text>", b"</document>", b"</sec-document>")


class EdgarError(PipewardenError):
    """A request to EDGAR that gave nothing usable; ``reason`` is a short machine-readable code."""

    exit_code = 1
    reason = "failed"

    def __init__(self, message: str, *, reason: str = "", next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        if reason:
            self.reason = reason


class NotOnEdgar(EdgarError):
    """EDGAR has no such thing."""

    reason = "not_found"


class Refused(EdgarError):
    """An answer that no retry will mend."""

    reason = "refused"


class Retriable(EdgarError):
    """A failure that may pass; ``retry_after`` is the wait that the server asks for, in seconds."""

    exit_code = 4

    def __init__(
        self, message: str, *, retry_after: float | None = None, next_step: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.retry_after = retry_after


class Throttled(Retriable):
    """SEC asks this client to slow down."""

    reason = "throttled"


class Unreachable(Retriable):
    """The server did not answer, or not to the end."""

    reason = "unreachable"


class BadAnswer(Retriable):
    """The server answered with something else than what was asked for."""

    exit_code = 1
    reason = "bad_answer"


class UnknownCompany(PipewardenError):
    """A ticker or a CIK that cannot be looked up as it was written."""

    exit_code = 2


class DestinationBusy(PipewardenError):
    """Another download writes into the folder."""

    exit_code = 3


class DestinationUnusable(PipewardenError):
    """The disk is full, or the folder cannot be written."""

    exit_code = 4


class IndexDamaged(PipewardenError):
    """The folder's index file does not read."""

    exit_code = 5


def parse_json(url: str, body: bytes) -> Any:
    """Return the JSON value of an answer.

    Raises
    ------
    Throttled
        It is SEC's page about the request rate.
    BadAnswer
        It is not JSON, or not in UTF-8.
    """
    if body.lstrip()[:1] not in (b"{", b"["):
        _refuse_error_page(url, body, len(body))
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"{url} did not answer with readable JSON: {error}") from error


def judge_document(url: str, head: bytes, tail: bytes, size: int, *, length_known: bool) -> None:
    """Accept a fetched document, or say why it is none.

    Parameters
    ----------
    head, tail
        The first `HEAD_BYTES` and the last `TAIL_BYTES` of it.
    size
        Its length in bytes.
    length_known
        Whether the protocol proved that nothing is missing (a stated length, or chunks).

    Raises
    ------
    Throttled
        It is SEC's page about the request rate, sent with status 200.
    BadAnswer
        It is empty, another error page, in another format, or perhaps cut short.
    """
    if not size:
        raise BadAnswer(f"{url} answered with an empty document")
    _refuse_error_page(url, head, size)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    binary = b"\0" in head and not head.startswith(_UTF16_MARKS)
    if binary or text.startswith(_OTHER_FORMATS):
        raise BadAnswer(f"{url} answered with something that is neither HTML nor text")
    if url.endswith((".htm", ".html")) and b"<" not in head:
        raise BadAnswer(f"{url} answered with something that is not HTML")
    if not length_known and not any(closing in tail.lower() for closing in _CLOSINGS):
        raise BadAnswer(f"{url} stated no length and has no closing tag: it may be cut short")


def _refuse_error_page(url: str, head: bytes, size: int) -> None:
    if size > _ERROR_PAGE_BYTES:
        return
    if _RATE_PAGE.search(head):
        raise Throttled(f"{url} answered with SEC's page about the request rate")
    if _SITE_PAGE.search(head):
        raise BadAnswer(f"{url} answered with an error page")
