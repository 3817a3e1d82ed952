"""A full EDGAR submission: its SGML header, and the main one of its documents."""

from __future__ import annotations

import re
from typing import NamedTuple

_START = 20_000
_HEADER_END = re.compile(r"</(?:SEC|IMS)-HEADER>", re.IGNORECASE)
_FIELD = re.compile(r"^[ \t]*([A-Z][A-Z0-9 ./()&'-]{2,60}):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_DOCUMENT = re.compile(r"<DOCUMENT>", re.IGNORECASE)
_DOCUMENT_END = re.compile(r"</DOCUMENT>", re.IGNORECASE)
_TYPE = re.compile(r"<TYPE>[ \t]*([^\s<]*)", re.IGNORECASE)
_TEXT = re.compile(r"<TEXT>", re.IGNORECASE)
_TEXT_END = re.compile(r"</TEXT>", re.IGNORECASE)
_WRAPPER = re.compile(r"^\s*</?(?:XBRL|TEXT)>", re.IGNORECASE)
_PERIODIC = re.compile(r"10-?[KQ]", re.IGNORECASE)


class Submission(NamedTuple):
    """What a file holds.

    Parameters
    ----------
    header
        The SGML header's fields, the first value of each; empty for a bare document.
    document_type
        The ``<TYPE>`` of the chosen document, or an empty string.
    body
        The text of the chosen document.
    """

    header: dict[str, str]
    document_type: str
    body: str


def open_submission(text: str) -> Submission:
    """Return the main document of a submission; a bare document is its own body."""
    first = _DOCUMENT.search(text, 0, _START)
    if first is None:
        return Submission({}, "", text)
    header = _fields(text[: first.start()])
    best: tuple[str, str] | None = None
    at: re.Match[str] | None = first
    while at is not None:
        end = _DOCUMENT_END.search(text, at.end())
        stop = end.start() if end else len(text)
        kind, body = _document(text, at.end(), stop)
        if best is None or _PERIODIC.match(kind):
            best = (kind, body)
        if best[0] == kind and _PERIODIC.match(kind):
            break
        at = _DOCUMENT.search(text, stop)
    assert best is not None
    return Submission(header, best[0], best[1])


def _document(text: str, start: int, stop: int) -> tuple[str, str]:
    kind = _TYPE.search(text, start, min(stop, start + 2_000))
    opened = _TEXT.search(text, start, min(stop, start + 4_000))
    begin = opened.end() if opened else start
    closed = _TEXT_END.search(text, max(begin, stop - 2_000), stop)
    body = text[begin : closed.start() if closed else stop]
    return (kind.group(1).upper() if kind else ""), _WRAPPER.sub("", body, count=1)


def _fields(header: str) -> dict[str, str]:
    ended = _HEADER_END.search(header)
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(header[: ended.start()] if ended else header):
        if value:
            fields.setdefault(name.strip(), value)
    return fields
