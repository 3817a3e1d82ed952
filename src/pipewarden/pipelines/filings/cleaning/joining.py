# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Paragraphs put together again that a page or a stray tag cut in two."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipewarden.pipelines.filings.reading.paragraphs import BULLETS, Paragraph, Run

_ENDED = re.compile(r"[.!?:;][\s”\"’'\)\]]*(?:\(\d\))?$")
_ITEMISED = re.compile(rf"^\s*(?:[{re.escape(BULLETS)}]|\(?(?:[a-z]|[ivx]{{1,4}}|\d{{1,2}})[.)]\s)")
_GOES_ON = re.compile(
    r"(?:\b(?:a|an|the|of|to|and|or|in|for|with|by|on|at|from|as|that|which|our|its|their"
    r"|may|could|will|is|are|be|not|any|such|these|this|more|including|than|if|we|u\.s\.)|[,–—-])$",
    re.IGNORECASE,
)
_LONG, _TAIL = 60, 24
#: A paragraph is not made longer than this by joining.
_LONGEST = 20_000


def joined(paragraphs: Sequence[Paragraph], is_furniture: Sequence[bool]) -> list[Paragraph]:
    """Return the paragraphs without furniture, and with what was cut joined.

    A paragraph goes on after a page when it has no end and the next one looks the same; without a
    page between them, only when the next one cannot be a beginning.
    """
    kept: list[Paragraph] = []
    crossed = False
    for paragraph, page in zip(paragraphs, is_furniture, strict=True):
        crossed = crossed or page or paragraph.page_break
        if page:
            continue
        if kept and _goes_on(kept[-1], paragraph, crossed=crossed):
            kept[-1] = _one(kept[-1], paragraph)
        else:
            kept.append(paragraph)
        crossed = False
    return kept


def _goes_on(before: Paragraph, after: Paragraph, *, crossed: bool) -> bool:
    if before.cells > 1 or after.cells > 1 or len(before.text) > _LONGEST:
        return False
    if _ENDED.search(before.text[-_TAIL:]) or _ITEMISED.match(after.text):
        return False
    begins_low = after.text[:1].islower()
    long, cut = len(before.text) > _LONG, _is_cut(before.text)
    if crossed:
        alike = before.runs[-1].style.emphasis == after.runs[0].style.emphasis
        return begins_low or (alike and (long or cut))
    if _is_list(before):
        return False
    return long or cut if begins_low else long and cut


def _is_cut(text: str) -> bool:
    """Whether a text ends with a word that cannot end a sentence."""
    return bool(_GOES_ON.search(text[-_TAIL:]))


def _is_list(paragraph: Paragraph) -> bool:
    return bool(_ITEMISED.match(paragraph.text)) and not _is_cut(paragraph.text)


def _one(before: Paragraph, after: Paragraph) -> Paragraph:
    first, *others = after.runs
    glue = "" if first.text[:1] == " " else " "
    if before.runs[-1].style == first.style:
        last = before.runs[-1]
        runs = [*before.runs[:-1], Run(last.text + glue + first.text, last.style), *others]
    else:
        runs = [*before.runs, Run(glue + first.text, first.style), *others]
    return Paragraph(runs, cells=max(before.cells, after.cells), page_break=before.page_break)
