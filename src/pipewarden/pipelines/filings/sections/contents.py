# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Which headings are rows of a table of contents or of a cross-reference index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.sections.headings import Heading

_PAGE_ONLY = re.compile(
    r"(?:pages?|pp?\.|see|note|exhibit|\(?[a-f]\)?|and|to|[\divxlc]{1,7}|[a-f]-?\d+"
    r"|[\s.,;:()–&…_*-])*",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\W*(?:none|n/?a|not\s+(?:applicable|required)|omitted|\(?removed\s+and\s+reserved\)?|reserved|"
    r"incorporated\s+(?:herein\s+)?by\s+reference|proxy\s+statement)\W*",
    re.IGNORECASE,
)
_ENDS_WITH_PAGE = re.compile(r"(?:[.\s…_]{2,}|\s)(?:[A-F]-)?\d{1,3}(?:\s*[-–,]\s*\d{1,3})*\s*$")
_PART = re.compile(r"\s*PART\s+[IV1-4]+\b.{0,40}$", re.IGNORECASE)
_LINKED = re.compile(r"href\s*=\s*[\"']?\s*#([^\"'\s>]+)", re.IGNORECASE)
#: More text than this between two headings is more than a row of contents holds.
_ROW = 90
#: So many page numbers in a run of headings without text make it contents; or so many bare rows.
_PAGES, _BARE_ROWS = 2, 4


class _Body(Enum):
    """What follows a heading, up to the next."""

    PAGE = "a page number"
    EMPTY = "nothing"
    NOTHING = "the word that there is nothing"
    TEXT = "text"


def contents_rows(document: Document, headings: Sequence[Heading]) -> list[bool]:
    """Return, for each heading, whether it is a row of contents and not where an Item begins.

    Rows of contents come in runs without text between them. In such a run words like "None." may
    stand in the page column; before and after it they are the body of a short Item.
    """
    bodies = [_body(document, headings, at) for at in range(len(headings))]
    rows = [False] * len(headings)
    at = 0
    while at < len(bodies):
        stop = at
        while stop < len(bodies) and bodies[stop] is not _Body.TEXT:
            stop += 1
        first, last = _trimmed(bodies, at, stop)
        run = bodies[first:last]
        pages = run.count(_Body.PAGE)
        if pages >= _PAGES or pages + run.count(_Body.EMPTY) >= _BARE_ROWS:
            rows[first:last] = [True] * (last - first)
        at = stop + 1
    return rows


def _trimmed(bodies: Sequence[_Body], first: int, last: int) -> tuple[int, int]:
    while last > first and bodies[last - 1] is _Body.NOTHING:
        last -= 1
    while first < last and bodies[first] is _Body.NOTHING:
        first += 1
    return first, last


def _between(document: Document, headings: Sequence[Heading], at: int) -> list[str]:
    """Return the lines after a heading up to the next, a few at most."""
    lines = document.lines
    begin = headings[at].last + 1
    stop = headings[at + 1].first if at + 1 < len(headings) else len(lines)
    return [line.text for line in lines[begin : min(stop, begin + 6)]]


def _body(document: Document, headings: Sequence[Heading], at: int) -> _Body:
    heading = headings[at]
    last = document.lines[heading.last]
    if heading.rest:
        return _Body.NOTHING if _NOTHING.fullmatch(heading.rest) else _Body.TEXT
    if len(last.text) < 2 * _ROW and _ENDS_WITH_PAGE.search(last.text):
        return _Body.PAGE
    after = [text for text in _between(document, headings, at) if not _PART.match(text)]
    if not after:
        return _Body.EMPTY
    following = document.lines[heading.last + 1]
    same_row = bool(last.row) and following.row == last.row
    if _PAGE_ONLY.fullmatch(after[0]) and (same_row or len(after) <= 2):
        return _Body.PAGE
    says_nothing = all(_NOTHING.fullmatch(t) or _PAGE_ONLY.fullmatch(t) for t in after)
    return _Body.NOTHING if says_nothing and sum(map(len, after)) <= _ROW else _Body.TEXT


def link_target(document: Document, heading: Heading) -> str:
    """Return the name that a row of contents links to, or an empty string."""
    lines = document.lines
    found = _LINKED.search(
        document.source,
        lines[heading.first].start,
        min(lines[heading.last].end, lines[heading.first].start + 5_000),
    )
    return found.group(1) if found else ""
