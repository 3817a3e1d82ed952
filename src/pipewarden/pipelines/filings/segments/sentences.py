# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Where sentences end, well enough to split an over-long text between two of them."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?][”\"’')\]]*\s+(?=[“\"‘'(\[•]?[A-Z0-9•])")
_SHORT = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Jr|Sr|St|No|Nos|Inc|Corp|Co|Ltd|L\.?P|L\.?L\.?C|vs|etc|e\.g|i\.e|cf|Art|Sec|Fig|approx"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|U\.S|U\.K|E\.U|a\.m|p\.m)|\b[A-Z]\.[A-Z])\.$"
)
_CLAUSE = re.compile(r"[;:,]\s+|\s+[–—]\s+")


def sentences(text: str) -> list[str]:
    """Return the sentences of one paragraph; joined by spaces they are the paragraph again."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        stop = end.end()
        if _SHORT.search(text[max(start, end.start() - 12) : end.start() + 1]):
            continue
        found.append(text[start:stop].strip())
        start = stop
    last = text[start:].strip()
    return [*found, last] if last else found


def clauses(sentence: str, most_words: int, most_chars: int) -> list[str]:
    """Return an over-long sentence in pieces within bounds, cut after clauses, else words."""
    pieces: list[str] = []
    held: list[str] = []
    size = 0
    for word in sentence.split(" "):
        full = len(held) >= most_words or size + len(word) + 1 > most_chars
        if held and (full or (len(held) >= most_words // 2 and _CLAUSE.match(held[-1][-1:] + " "))):
            pieces.append(" ".join(held))
            held, size = [], 0
        held.append(word)
        size += len(word) + 1
    return [*pieces, " ".join(held)] if held else pieces
