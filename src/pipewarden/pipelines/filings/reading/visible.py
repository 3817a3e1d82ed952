"""What a reader sees of an HTML source: no comments, scripts, heads, or hidden inline-XBRL facts.

Everything is found with `str.find` on a lower-case copy, and every search only goes forward, so
that a document of nothing but openings costs no more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_REGIONS = {
    "<!--": "-->",
    "<script": "</script",
    "<style": "</style",
    "<head": "</head",
    "<ix:header": "</ix:header",
    "<ix:hidden": "</ix:hidden",
    "<noscript": "</noscript",
}
_HIDING = re.compile(r"display\s*:\s*none")
_NAME = re.compile(r"<([a-z][\w:-]*)[^<>]*$")
_TAG_REACH = 4_000
#: An element that is not closed within this many of its own kind is left visible.
_NESTED = 5_000
#: This many elements that never close end the search.
_PATIENCE = 32
#: Elements that end where the next of their kind begins.
_UNNESTED = frozenset({"p", "td", "th", "tr", "li"})
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "col"})


def visible(source: str) -> str:
    """Return ``source`` without what no reader sees; linear in its length."""
    source = _without(_without(source, _regions), _hidden)
    # Half of all entities are these; a space is what they become when white space is normalised.
    return source.replace("&nbsp;", " ").replace("&#160;", " ")


def _without(source: str, spans: Callable[[str], Iterator[tuple[int, int]]]) -> str:
    kept: list[str] = []
    at = 0
    for start, stop in spans(lowered(source)):
        kept.append(source[at:start])
        at = stop
    if not kept:
        return source
    kept.append(source[at:])
    return "".join(kept)


def lowered(text: str) -> str:
    """Return ``text`` in lower case, offsets unchanged (a few letters grow when lowered)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c if len(low := c.lower()) != 1 else low for c in text)


def _regions(lower: str) -> Iterator[tuple[int, int]]:
    """Yield where comments, scripts and the like begin and end."""
    at = 0
    for start, opening in sorted(_openings(lower)):
        if start < at:
            continue
        stop = lower.find(_REGIONS[opening], start + len(opening))
        stop = lower.find(">", stop) + 1 if stop >= 0 else 0
        if stop > 0:
            yield start, stop
            at = stop


def _openings(lower: str) -> Iterator[tuple[int, str]]:
    for opening, closing in _REGIONS.items():
        last = lower.rfind(closing)
        start = lower.find(opening, 0, max(0, last))
        while start >= 0:
            after = start + len(opening)
            if opening == "<!--" or not lower[after].isalnum():
                yield start, opening
            start = lower.find(opening, after, last)


def _hidden(lower: str) -> Iterator[tuple[int, int]]:
    """Yield where elements begin and end that are not displayed."""
    at, failures = 0, 0
    hiding = _HIDING.search(lower)
    while hiding is not None and failures < _PATIENCE:
        stop, start = 0, lower.rfind("<", max(at, hiding.start() - _TAG_REACH), hiding.start())
        named = _NAME.match(lower, start, hiding.start()) if start >= 0 else None
        tag_end = lower.find(">", hiding.end())
        if named and named.group(1) not in _VOID and lower[tag_end - 1] != "/":
            stop = _closing(lower, named.group(1), hiding.end())
            if stop:
                yield start, stop
                at = stop
            else:
                failures += 1
        hiding = _HIDING.search(lower, max(stop, hiding.end()))


def _closing(lower: str, name: str, at: int) -> int:
    """Return where the element that is open at ``at`` ends, or 0."""
    depth, opening, closing = 1, f"<{name}", f"</{name}"
    for _ in range(_NESTED):
        closed = lower.find(closing, at)
        if closed < 0:
            return 0
        opened = lower.find(opening, at, closed)
        if opened >= 0 and name in _UNNESTED:
            return opened
        if opened >= 0:
            at = opened + len(opening)
            depth += not lower[at].isalnum()
            continue
        depth -= 1
        at = closed + len(closing)
        if depth == 0:
            return lower.find(">", at) + 1
    return 0
