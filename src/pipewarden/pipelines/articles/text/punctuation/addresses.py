"""Addresses and the like: the words of a text in which no mark is punctuation."""

from __future__ import annotations

import re

#: Words longer than this are looked at only so far.
_REACH = 120
_ADDRESS = re.compile(
    r"://|www\.|\w@\w|\bmailto:|^[#@]\w|[\\/|_={}\[\]`~^]|\.(?:com|org|net|gov|edu|html?|php|pdf|aspx?)\b"
    r"|\w\(\w|\)\w|::|->",
    re.IGNORECASE,
)


def word_at(text: str, start: int, end: int) -> str:
    """Return the characters around a span up to the next white space.

    Parameters
    ----------
    text
        Any text.
    start, end
        The span; half open.
    """
    before, after = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    head = "" if not before or before[-1].isspace() else before.split()[-1]
    tail = "" if not after or after[0].isspace() else after.split(None, 1)[0]
    return head + text[start:end] + tail


def is_address(word: str) -> bool:
    """Return whether a word is an address, a path, a name on a network, or code."""
    return _ADDRESS.search(word) is not None
