"""The lines of an HTML filing, found in one pass over its source without building a tree.

Most of a filing is tables that nobody asked for. So the source is only cut at the tags that begin
or end a line, which is linear in its length, needs no memory per nesting level and cannot be upset
by tags that were never closed. Styling is read later, for the one section that is wanted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

import pipewarden as pw

_BREAK = re.compile(
    r"<(/?(?:p|div|tr|td|th|table|t(?:body|head|foot)|h[1-6r]|li|[uod]l|d[dt]|br|center|pre|page|body"
    r"|html|head|title|blockquote|address|section|article|header|footer|caption|form)\b[^>]*)>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?:/?[A-Za-z]|!|\?)[^>]*>?")
_WINDOW = 1 << 21
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")


class Line(NamedTuple):
    """One line of text.

    Parameters
    ----------
    text
        The text, white space normalised.
    start, end
        Where it stands in the source: from the tag that begins the line to the end of its text.
    row
        The number of the table row it stands in, 0 outside tables.
    """

    text: str
    start: int
    end: int
    row: int = 0


def plain(chunk: str) -> str:
    """Return the text of source without line-breaking tags, white space normalised."""
    if "<" in chunk:
        chunk = _TAG.sub("", chunk)
    if "&" in chunk:
        chunk = html.unescape(chunk)
    if not chunk.isascii():
        chunk = _INVISIBLE.sub("", chunk)
    return " ".join(chunk.split())


def html_lines(source: str, max_tags: int) -> list[Line]:
    """Return the lines of an HTML document in order.

    Raises
    ------
    BadInput
        The document has more than ``max_tags`` tags.
    """
    if source.count("<") > max_tags:
        raise pw.BadInput(
            "too_many_tags", f"the document has more than {max_tags:,} tags (setting max_tags)"
        )
    lines: list[Line] = []
    row = rows = 0
    for chunk, tag, start, at in _chunks(source):
        if chunk and not chunk.isspace():
            text = plain(chunk)
            if text:
                lines.append(Line(text, start, at + len(chunk), row))
        name = tag[:3].lower()
        if name[:2] == "tr":
            rows += 1
            row = rows
        elif name == "/ta" or name == "/tr" or name == "tab":
            row = 0
    return lines


def _chunks(source: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield (source between two breaks, the break after it, where its own break and it begin)."""
    begin, length = 0, len(source)
    before = 0
    while begin < length:
        stop = _window_end(source, begin)
        parts = _BREAK.split(source[begin:stop])
        at = begin
        for index in range(0, len(parts) - 1, 2):
            chunk, tag = parts[index], parts[index + 1]
            yield chunk, tag, before, at
            before = at + len(chunk)
            at = before + len(tag) + 2
        if parts[-1]:
            yield parts[-1], "", before, at
            before = stop
        begin = stop


def _window_end(source: str, begin: int) -> int:
    """Cut before a line break, so that no line is cut in two."""
    if len(source) - begin <= _WINDOW:
        return len(source)
    found = _BREAK.search(source, begin + _WINDOW)
    return found.start() if found else len(source)
