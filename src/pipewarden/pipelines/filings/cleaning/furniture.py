# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Page furniture: page numbers, running headers and footers, links back to the contents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, islice

from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.reading.paragraphs import Paragraph
from pipewarden.pipelines.filings.sections.headings import numbered

PAGE_NUMBER = re.compile(
    r"[\s\[(|•~–—-]*(?:page\s*)?(?:[A-Z]{1,2}-)?(?:\d{1,3}|[ivxl]{1,6})(?:\s*(?:of|/)\s*\d{1,3})?[\s\])|•.~–—-]*",
    re.IGNORECASE,
)
BACK_LINK = re.compile(
    r"\W*(?:(?:back|return|go)\s+to\s+)?(?:the\s+)?(?:table\s+of\s+contents?|index\s+to\s+(?:consolidated\s+)?"
    r"financial\s+statements|contents|top(?:\s+of\s+page)?|index)\W*(?:\(?continued\)?)?\W*",
    re.IGNORECASE,
)
_CONTINUED = re.compile(r"\(?\s*cont(?:inued|['’]?d)\.?\s*\)?\W*$", re.IGNORECASE)
_DIGITS = str.maketrans("", "", "0123456789")
#: A running line is no longer than this, and stands on this many pages at least.
_RUNNING_LENGTH, _RUNNING_COUNT = 160, 3
_LINK_LENGTH = 70
#: A running row has no more cells than this, and says something.
_CELLS, _ROW_LETTERS = 5, 4


def _template(text: str) -> str:
    return text.translate(_DIGITS)


def running_lines(document: Document, paragraphs: Sequence[Paragraph]) -> dict[str, int]:
    """Return how often each short line of ``paragraphs`` stands in the document, digits ignored."""
    short = {p.text for p in paragraphs if len(p.text) <= _RUNNING_LENGTH}
    wanted = {_template(text): 0 for text in short}
    openings = {text[:3] for text in wanted if text}
    for line in document.lines:
        text = line.text
        if len(text) > _RUNNING_LENGTH:
            continue
        if text[0].isdigit():
            text = text.translate(_DIGITS)
        if text[:3] in openings or text[:1].isdigit():
            template = text.translate(_DIGITS)
            if template in wanted:
                wanted[template] += 1
    return {text: count for text, count in wanted.items() if count >= _RUNNING_COUNT}


def _running_rows(document: Document, paragraphs: Sequence[Paragraph]) -> set[str]:
    """Return the table rows that stand on page after page, digits ignored: "Name | 12"."""
    short = {p.text for p in paragraphs if p.cells > 1 and len(p.text) <= _RUNNING_LENGTH}
    wanted = {_template(text): 0 for text in short}
    if not wanted:
        return set()
    for row, cells in groupby(document.lines, key=lambda line: line.row):
        texts = [line.text for line in islice(cells, _CELLS)] if row else []
        template = _template(" ".join(texts))
        if template in wanted:
            wanted[template] += 1
    return {
        text
        for text, count in wanted.items()
        if count >= _RUNNING_COUNT and sum(map(str.isalpha, text)) >= _ROW_LETTERS
    }


def furniture(document: Document, paragraphs: Sequence[Paragraph]) -> list[bool]:
    """Return, for each paragraph, whether it belongs to the page and not to the text."""
    running = running_lines(document, paragraphs)
    rows = _running_rows(document, paragraphs)
    marks = [_is_furniture(paragraph, running) for paragraph in paragraphs]
    for _ in range(2):  # what repeats beside a page's edge belongs to the page, two lines deep
        for at, paragraph in enumerate(paragraphs):
            if not marks[at] and _at_edge(paragraphs, marks, at):
                template = _template(paragraph.text)
                marks[at] = template in running or template in rows or _is_continued(paragraph)
    return marks


def _is_furniture(paragraph: Paragraph, running: dict[str, int]) -> bool:
    text = paragraph.text
    if len(text) <= 24 and PAGE_NUMBER.fullmatch(text):
        return True
    if len(text) <= _LINK_LENGTH and (BACK_LINK.fullmatch(text) or _is_backlink(paragraph)):
        return True
    template = _template(text)
    return len(template) < len(text) and template in running and _ends_in_number(text)


def _is_backlink(paragraph: Paragraph) -> bool:
    return paragraph.linked and "contents" in paragraph.text.lower()


def _ends_in_number(text: str) -> bool:
    """Whether the number of a page stands first or last in a line of something else."""
    words = text.strip(" |-–—•").split()
    return len(words) > 1 and any(
        word.strip("-–—[]()|").isdigit() and len(word) <= 5 for word in (words[0], words[-1])
    )


def _at_edge(paragraphs: Sequence[Paragraph], marks: Sequence[bool], at: int) -> bool:
    after = at + 1 < len(paragraphs) and (marks[at + 1] or paragraphs[at + 1].page_break)
    before = at > 0 and marks[at - 1]
    return after or before or paragraphs[at].page_break


def _is_continued(paragraph: Paragraph) -> bool:
    """Whether it repeats the Item's heading on a new page."""
    text = paragraph.text
    return len(text) <= _RUNNING_LENGTH and bool(
        _CONTINUED.search(text) and (numbered(text) or text.lower().startswith("risk factors"))
    )
