"""Invented news articles, each damaged in its own way: what the demonstration cleans."""

from __future__ import annotations

import json
from collections.abc import Iterator

FILE = "news.jsonl"
_PUBLISHED = "2025-11-20"


def lines() -> bytes:
    """Return the file: JSON lines, one of which is broken."""
    return b"".join(_lines())


def about() -> tuple[tuple[str, str], ...]:
    """Return what is wrong with each line: the document's id, or the line, and the damage."""
    return (*((name, damage) for name, damage, _ in _ARTICLES), ("line 7", "is no JSON"))


def _lines() -> Iterator[bytes]:
    for name, _, text in _ARTICLES:
        record = {"document_id": name, "publication_date": _PUBLISHED, "text": text}
        yield json.dumps(record, ensure_ascii=False).encode() + b"\n"
    yield b'{"document_id": "harbor-07", "text": "cut off in the mid\n'


def _misread(text: str) -> str:
    """Return a text as if its UTF-8 had been read as Windows-1252."""
    return text.encode().decode("cp1252")


_TYPOS = """\
Ferrologix Corp <FLGX> said on Tuesday that its new plant near Tarnów will recieve $5m from the \
state. Chief executive Ana Kowalczyk beleives that the goverment will decide tomorrow. Shares rose \
3.14 percent, to £600m in all."""
_PAGE = """\
<div class='body'><p>The ferry to Gotland was cancelled&nbsp;yesterday.</p><p>Wind of 90km/h &amp; \
heavy rain closed the harbour, said A.&nbsp;B. Lindqvist of the U.S. Maritime Office.</p>\
<script>track()</script></div>"""
_SIGNS = """\
The café\u2019s owner \u2013 \u2018a stubborn man\u2019 \u2013 paid €50 for the naïve painting."""
_WRAPPED = """\
   The council voted on Monday to build  a second
   bridge over the river, after years of
   delay. Work begins next week,\u200b said the mayor,
   who had asked for it in 2019 .
"""
_SOUND = """\
東京の天気は晴れです。The minister, Café Müller's owner, and example.com agree that a < b."""

#: The id of a document, what is wrong with it, and its text.
_ARTICLES = (
    ("harbor-01", "typos, beside names and tickers that only look like some", _TYPOS),
    ("harbor-02", "tags and entities of a web page", _PAGE),
    ("harbor-03", "UTF-8 that was read as Windows-1252", _misread(_SIGNS)),
    ("harbor-04", "lines wrapped at a width, spaces, zero-width characters", _WRAPPED),
    ("harbor-05", "nothing: it must come out as it went in", _SOUND),
    ("harbor-06", "no text", "   \u200b  "),
)
