"""The lines of an HTML filing, found in one pass over its source without building a tree.

Most of a filing is tables that nobody asked for. So the source is only cut at the tags that begin
or end a line, which is linear in its length, needs no memory per nesting level and cannot be upset
by tags that were never closed. Styling is read later, for the one section that is wanted.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from pipewarden.pipelines.filings.reading.visible import lowered

#: Tags that part lines, in lower-case source.
_BREAK = re.compile(
    r"(</?(?:p|div|tr|td|th|table|t(?:body|head|foot)|h[1-6r]|li|[uod]l|d[dt]|br|center|pre|page"
    r"|body|html|head|title|blockquote|address|section|article|header|footer|caption|form)\b[^>]*+>)"
)
#: How tags begin that open a table row, and those that end one.
_ROW_OPENS = frozenset({"tr>", "tr ", "tr\n", "tr\r", "tr\t"})
_ROW_CLOSES = frozenset({"/tr", "/ta", "tab"})
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


def html_lines(source: str) -> list[Line]:
    """Return the lines of an HTML document in order."""
    lines: list[Line] = []
    lower = lowered(source)
    row = rows = begin = before = 0
    while begin < len(source):
        stop = _window_end(lower, begin)
        parts = _BREAK.split(lower[begin:stop])
        parts.append("")
        at = begin
        for index in range(0, len(parts), 2):
            if chunk := parts[index]:
                end = at + len(chunk)
                if not chunk.isspace() and (text := plain(source[at:end])):
                    lines.append(Line(text, before, end, row))
                    before = end
                at = end
            tag = parts[index + 1]
            at += len(tag)
            kind = tag[1:4]
            if kind in _ROW_OPENS:
                rows += 1
                row = rows
            elif kind in _ROW_CLOSES:
                row = 0
        begin = stop
    return lines


def _window_end(source: str, begin: int) -> int:
    """Cut before a line break, so that no line is cut in two."""
    if len(source) - begin <= _WINDOW:
        return len(source)
    found = _BREAK.search(source, begin + _WINDOW)
    return found.start() if found else len(source)
