"""Which spans of a text are no ordinary words and must not be corrected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_CHUNK = re.compile(r"\S+")
#: What ends a word and begins the next without a space: dashes, dots and quotation marks.
_JOINT = re.compile(r"--+|\.\.+|[\u2013\u2014\u2026,;:!?\"\u201c\u201d\u00ab\u00bb()\[\]]+")
_QUOTE = "'\u2018\u2019`*_.,;:!?\"\u201c\u201d\u00ab\u00bb()[]"
#: Signs that make a chunk an address, a name, a number, code or a tag as a whole.
_TECHNICAL = re.compile(r"[@#\\/_={}<>~^|$€£¥%&+*`]|\d|\w\.\w|::|\w\(\)|www\.", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z]?[a-z]*(?:['\u2019](?:s|re|ve|ll|d|m|t|S))?")
_CODE = re.compile(r"```.*?```|`[^`\n]{1,200}`", re.DOTALL)


def protected_spans(text: str, places: Iterable[int] | None = None) -> list[tuple[int, int]]:
    """Return the spans of addresses, names, numbers, code and the like, in order.

    These are web and mail addresses, domains, @names, #tags, file names, code, numbers and what
    holds a digit, words in capitals or in mixed case, words with letters beyond ASCII, and
    hyphenated words. Capitalised words are not among them: see `TypoCorrector`.

    Parameters
    ----------
    text
        Any text.
    places
        Where to look, as the places of letters in order: few are asked about, and a look at
        everything costs more than all the rest. Everywhere if None.
    """
    chunks = _CHUNK.finditer(text) if places is None else _chunks(text, places)
    spans = [span for chunk in chunks for span in _protected_of(chunk)]
    if "`" in text:
        spans += (match.span() for match in _CODE.finditer(text))
    return merged(spans)


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same cover in order, with no span touching another.

    Parameters
    ----------
    spans
        Half-open spans in any order.
    """
    cover: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if cover and start <= cover[-1][1]:
            cover[-1] = (cover[-1][0], max(end, cover[-1][1]))
        else:
            cover.append((start, end))
    return cover


def _chunks(text: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """Yield each run of signs without a space that holds one of the places."""
    end = 0
    for place in places:
        if place < end:
            continue
        start = place
        while start > end and not text[start - 1].isspace():
            start -= 1
        if chunk := _CHUNK.match(text, start):
            end = chunk.end()
            yield chunk


def _protected_of(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield what is protected of one run of signs without a space."""
    chunk = match.group()
    if chunk.isalpha() and chunk.isascii() and chunk[1:].islower():
        return
    if _TECHNICAL.search(chunk):
        yield match.span()
    else:
        yield from _parts(chunk, match.start())


def _parts(chunk: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a chunk, split at its punctuation, that are no plain words."""
    at = 0
    for joint in (*_JOINT.finditer(chunk), None):
        end = joint.start() if joint else len(chunk)
        part = chunk[at:end].strip(_QUOTE)
        if part and not _PLAIN.fullmatch(part):
            yield start + at, start + end
        at = joint.end() if joint else end
