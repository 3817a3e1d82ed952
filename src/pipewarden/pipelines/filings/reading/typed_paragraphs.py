"""Paragraphs of typed text, where capitals, centring and underlines set headings off."""

from __future__ import annotations

import re

from pipewarden.pipelines.filings.reading.paragraphs import Paragraph, Run
from pipewarden.pipelines.filings.reading.styles import Style
from pipewarden.pipelines.filings.reading.typed import PAGE_MARK, typed_lines

_UNDERLINE = re.compile(r"\s*[-=_]{4,}\s*$")
_CENTRED = 18
_HEADLINE = 300


def typed_paragraphs(text: str) -> list[Paragraph]:
    """Return the paragraphs of a stretch of typed text."""
    paragraphs: list[Paragraph] = []
    before = 0
    for line in typed_lines(text):
        page_break = PAGE_MARK in text[before : line.start + 1]
        raw = text[line.start : line.end]
        after = text[line.end : line.end + _HEADLINE].lstrip("\n").split("\n", 1)[0]
        style = Style(
            underline=bool(_UNDERLINE.match(after)) and len(line.text) < _HEADLINE,
            center=len(raw) - len(raw.lstrip()) >= _CENTRED,
        )
        paragraphs.append(Paragraph([Run(line.text, style)], page_break=page_break))
        before = line.end
    return paragraphs
