"""Where an Item stands in a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pipewarden as pw
from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.sections.catalogue import (
    Catalogue,
    ItemKey,
    catalogue_of,
    letters,
)
from pipewarden.pipelines.filings.sections.chain import heaviest_chain
from pipewarden.pipelines.filings.sections.contents import contents_rows
from pipewarden.pipelines.filings.sections.headings import Heading, item_headings, numbered
from pipewarden.pipelines.filings.sections.section import Span
from pipewarden.pipelines.filings.sections.titles import TitleSearch

_ITEM = re.compile(r"(?:(?P<part>I{1,2}|[12])\s*[-.]\s*)?(?P<number>\d{1,2}[A-C]?)", re.IGNORECASE)
_PART_LINE = re.compile(r"\W*PART\s+(I{1,3}V?|IV)\W*(?:[A-Z][A-Z\s]{0,40})?", re.IGNORECASE)
_SIGNATURES = re.compile(r"\W*SIGNATURES?\W*", re.IGNORECASE)
#: A running header repeats; a heading of a part does not.
_REPEATED, _SHORT = 3, 60
#: The next Item that a filing has is at most so many further in the form.
_NEAR = 3
#: An outline holds no more rows of contents than this; a real one has two dozen.
_MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Outline:
    """The Items of a document.

    Parameters
    ----------
    catalogue
        The Items of its form.
    key
        The Item that is wanted.
    chain
        The Items' headings in the body, in order.
    rows
        Rows of contents and of a cross-reference index.
    headings
        All headings in the body, mentions that look like headings among them.
    span
        Where the wanted Item stands; None when it was not found.
    """

    catalogue: Catalogue
    key: ItemKey
    chain: tuple[Heading, ...]
    rows: tuple[Heading, ...]
    headings: tuple[Heading, ...]
    span: Span | None

    @property
    def numbers(self) -> list[str]:
        """The numbers of the Items in the body, in order."""
        return [key.number for h in self.chain for key in (h.key, *h.also)]


def wanted_item(item: str, catalogue: Catalogue) -> ItemKey:
    """Return the Item of a form that a setting such as ``1A`` or ``II-1A`` names.

    Raises
    ------
    InvalidSettings
        No form has such an Item.
    """
    found = _ITEM.fullmatch(item.strip())
    if found is None:
        raise pw.InvalidSettings(f"{item!r} names no Item; write for instance 1A, 7 or II-1A")
    keys = catalogue.keys(found.group("number").upper())
    part = {"I": 1, "1": 1, "II": 2, "2": 2}.get((found.group("part") or "").upper())
    exact = [key for key in keys if key.part in (part, 0)]
    # Without a part, a number that both parts of a quarterly report use means part II.
    return (exact or keys or [ItemKey(part or 0, found.group("number").upper())])[-1]


def outline_of(document: Document, form_type: str | None, item: str) -> Outline:
    """Return the Items of a document, and where ``item`` stands in it."""
    catalogue = catalogue_of(form_type)
    key = wanted_item(item, catalogue)
    everything = item_headings(document.lines, catalogue)
    is_row = contents_rows(document, everything)
    rows = tuple(h for h, row in zip(everything, is_row, strict=True) if row)[:_MOST_ROWS]
    headings = tuple(h for h, row in zip(everything, is_row, strict=True) if not row)
    chain = tuple(heaviest_chain(document, headings, catalogue))
    outline = Outline(catalogue, key, chain, rows, headings, None)
    span = _in_chain(document, outline) or _by_title(document, outline)
    return Outline(catalogue, key, chain, rows, headings, span)


def _in_chain(document: Document, outline: Outline) -> Span | None:
    key = outline.key
    for at, heading in enumerate(outline.chain):
        after = outline.chain[at + 1] if at + 1 < len(outline.chain) else None
        stop = after.first if after else len(document.lines)
        if key == heading.key:
            stop, certain = _stop(document, outline, heading, stop)
            return Span(
                heading.first,
                heading.last,
                stop,
                heading.rest,
                "item_heading",
                start_certain=heading.titled or bool(heading.rest) or _is_framed(outline, at),
                end_certain=certain,
            )
        if key in heading.also:
            search = TitleSearch(document, outline.catalogue, outline.chain, outline.rows)
            span = search.find(key, heading.last + 1, stop)
            return span and Span(span.first, span.last, span.stop, span.rest, "combined_heading")
    return None


def _is_framed(outline: Outline, at: int) -> bool:
    """Whether a number without a known title stands right between its neighbours' headings."""
    if not 0 < at < len(outline.chain) - 1:
        return False
    before, after = outline.chain[at - 1], outline.chain[at + 1]
    order = outline.catalogue.order
    near = (
        order[after.key] - order[outline.key] <= _NEAR
        and order[outline.key] - order[before.key] == 1
    )
    return near and before.titled and after.titled


def _stop(document: Document, outline: Outline, heading: Heading, stop: int) -> tuple[int, bool]:
    """Return where a section ends, and whether that is certain: at the first of what can end it."""
    lines = document.lines
    repeated: dict[str, bool] = {}
    for at in range(heading.last + 1, stop):
        text = lines[at].text
        if len(text) > _SHORT or text[:1] not in "IiPpSsUu“(":
            continue
        if _PART_LINE.fullmatch(text) or _SIGNATURES.fullmatch(text):
            if text not in repeated:
                repeated[text] = sum(line.text == text for line in lines) >= _REPEATED
            if not repeated[text]:
                return at, True
        elif _is_staff_comments(outline, heading, text):
            return at, True
    return stop, stop < len(lines)


def _is_staff_comments(outline: Outline, heading: Heading, text: str) -> bool:
    """Whether a line is the title of Item 1B, which some do not number, or number wrongly."""
    skipped = ItemKey(heading.key.part, "1B")
    order = outline.catalogue.order
    between = skipped in order and order[heading.key] < order[skipped]
    mistaken = numbered(text)
    title = mistaken.remainder if mistaken and not mistaken.bare else text
    return between and letters(title) == "unresolvedstaffcomments"


def _by_title(document: Document, outline: Outline) -> Span | None:
    """Find a section by its title where the body numbers no Items, or an index lists this one."""
    listed = any(outline.key in (row.key, *row.also) for row in outline.rows)
    mentioned = any(outline.key in (h.key, *h.also) for h in outline.headings)
    if not listed and not mentioned and len(outline.chain) > _REPEATED:
        return None
    if outline.key not in outline.catalogue.titles:
        return None
    search = TitleSearch(document, outline.catalogue, _body(outline.chain), outline.rows)
    return search.find(outline.key)


def _body(chain: Sequence[Heading]) -> Sequence[Heading]:
    """Headings end a section found by title only where the body numbers its Items."""
    return chain if len(chain) > _REPEATED else ()
