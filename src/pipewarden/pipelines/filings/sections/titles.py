# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Sections that are headed by their title alone, as a cross-reference index points to them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.reading.paragraphs import html_paragraphs
from pipewarden.pipelines.filings.sections.catalogue import Catalogue, ItemKey, letters
from pipewarden.pipelines.filings.sections.contents import link_target
from pipewarden.pipelines.filings.sections.headings import Heading
from pipewarden.pipelines.filings.sections.pages import Pages
from pipewarden.pipelines.filings.sections.section import Span

_PAGE_CELL = re.compile(r"(?:pages?\s*)?[\divx]{1,7}(?:\s*[-–,]\s*\d{1,3})*", re.IGNORECASE)
_NUMBERS = re.compile(r"(?<![A-Za-z0-9_])(?<![A-Za-z]-)(\d{1,3})(?!\w)")
_RUN_IN = re.compile(r"([A-Z][A-Za-z’',&/ -]{4,80}?)\s*[.:–—]\s+(?=\S)")
_ANCHOR_REACH = 4
#: How far a page printed in an index may be from the page a line seems to stand on.
_SLACK = 1
_TITLE_LETTERS = 60
_MOST_STARTS = 12


class _Setting(NamedTuple):
    bold: bool
    italic: bool
    underline: bool
    size: float
    caps: bool


def _title_and_rest(text: str) -> tuple[str, str]:
    """Return a short line as its title, a longer one as a title and the text that runs on."""
    if len(text) <= _TITLE_LETTERS + 40:
        return text, ""
    found = _RUN_IN.match(text)
    return (found.group(1), text[found.end() :]) if found else ("", text)


@dataclass(frozen=True)
class TitleSearch:
    """What is known for finding a section by its title.

    Parameters
    ----------
    document, catalogue
        The document and the Items of its form.
    headings
        Headings in the body, which end a section too.
    rows
        Rows of contents and of the index.
    """

    document: Document
    catalogue: Catalogue
    headings: Sequence[Heading]
    rows: Sequence[Heading]
    pages: Pages = field(init=False)
    _row_lines: frozenset[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pages", Pages(self.document.lines))
        inside = (range(row.first, row.last + 2) for row in self.rows)
        object.__setattr__(self, "_row_lines", frozenset(chain.from_iterable(inside)))

    def find(self, key: ItemKey, first: int = 0, stop: int | None = None) -> Span | None:
        """Return the section that is headed by the title of ``key`` between two lines, or None."""
        limit = len(self.document.lines) if stop is None else stop
        spans: list[Span] = []
        for start in islice(self._starts(key, first, limit), _MOST_STARTS):
            if spans and start < spans[-1].stop:
                continue  # a title repeated within the section is one of its sub-headings
            end = self._end(key, start, limit, bounded=stop is not None)
            if end is not None:
                spans.append(
                    Span(start, start, end, _title_and_rest(self._text(start))[1], "title")
                )
        lines = self.document.lines
        return max(spans, key=lambda s: lines[s.stop - 1].end - lines[s.last].end, default=None)

    def _starts(self, key: ItemKey, first: int, stop: int) -> Iterator[int]:
        linked = [at for at in self._link_targets(key) if first <= at < stop]
        if linked:
            yield linked[-1]
            return
        wanted = self._pages_of(key)
        for at in range(first, stop):
            if self._is_title(at, key) and self._on(at, wanted[:1]):
                yield at

    def _link_targets(self, key: ItemKey) -> Iterator[int]:
        """Yield the title lines that rows of contents link to."""
        lines = self.document.lines
        for row in self.rows:
            name = link_target(self.document, row) if key in (row.key, *row.also) else ""
            if not name:
                continue
            anchor = re.compile(
                rf"(?:id|name)\s*=\s*[\"']?{re.escape(name)}[\"'\s>]", re.IGNORECASE
            )
            for place in anchor.finditer(self.document.source):
                at = bisect_left(lines, place.start(), key=lambda line: line.end)
                near = range(at, min(len(lines), at + _ANCHOR_REACH))
                yield from [line for line in near if self._is_title(line, key)][:1]

    def _is_title(self, at: int, key: ItemKey) -> bool:
        text = self._text(at)
        if text[0].islower():
            return False
        title, rest = _title_and_rest(text)
        compact = letters(title)
        exact = any(compact in (known, f"{known}s") for known in self.catalogue.titles[key])
        return exact and not self._is_row(at) and (not rest or self._stands_out(at, title))

    def _text(self, at: int) -> str:
        return self.document.lines[at].text

    def _stands_out(self, at: int, title: str) -> bool:
        """Whether a title that text runs on from is set as one."""
        return title.isupper() or self._setting(at).bold

    def _is_row(self, at: int) -> bool:
        lines = self.document.lines
        inside = at in self._row_lines
        after = lines[at + 1] if at + 1 < len(lines) else None
        paged = after is not None and bool(_PAGE_CELL.fullmatch(after.text))
        same_row = after is not None and bool(after.row) and after.row == lines[at].row
        return inside or (paged and same_row)

    def _end(self, key: ItemKey, start: int, limit: int, *, bounded: bool) -> int | None:
        """Return the line that ends a section: another Item's heading, or its bare title."""
        headed = next((h.first for h in self.headings if h.first > start), limit)
        setting = self._setting(start)
        titled = next(self._other_titles(key, start, min(headed, limit), setting), None)
        paged = self._end_by_page(key, start, min(headed, limit), setting)
        ends = [end for end in (titled, paged) if end is not None]
        if not ends and (headed < limit or bounded):
            ends = [min(headed, limit)]
        return min(ends, default=None)

    def _other_titles(
        self, key: ItemKey, start: int, stop: int, setting: _Setting
    ) -> Iterator[int]:
        """Yield lines that are the title of another Item and look as the start does."""
        for at in range(start + 1, stop):
            other = self._other_title(at, key)
            if other is None or self._setting(at) != setting:
                continue
            if self._on(at, self._pages_of(other)[:1]):
                yield at

    def _other_title(self, at: int, key: ItemKey) -> ItemKey | None:
        title, rest = _title_and_rest(self._text(at))
        if not title[:1].isupper():
            return None
        other = self.catalogue.title_of(title)
        if other is None or other == key or self._is_row(at):
            return None
        return other if not rest or self._stands_out(at, title) else None

    def _end_by_page(self, key: ItemKey, start: int, limit: int, setting: _Setting) -> int | None:
        """Return the next heading set alike, on the last page that the index gives or after it."""
        own = self._pages_of(key)
        here = self.pages.of(start)
        if not own or here is None:
            return None
        after = [self._pages_of(row.key)[:1] for row in self.rows]
        later = sorted(page for pages in after for page in pages if page > own[0])
        last = own[-1] if len(own) > 1 else (later[0] if later else own[0])
        for at in range(start + 1, limit):
            page = self.pages.of(at)
            text = self.document.lines[at].text
            if page is None or page < last or len(text) > _TITLE_LETTERS + 60:
                continue
            if letters(text) and self._setting(at) == setting and not self._is_row(at):
                return at
        return None

    def _pages_of(self, key: ItemKey) -> tuple[int, ...]:
        """Return the pages that the index gives for an Item."""
        lines = self.document.lines
        for row in self.rows:
            if key not in (row.key, *row.also):
                continue
            stop = min((other.first for other in self.rows if other.first > row.first), default=0)
            texts = [
                line.text for line in lines[row.last + 1 : min(stop or row.last + 3, row.last + 4)]
            ]
            found = _NUMBERS.findall(" ".join(texts)) or _NUMBERS.findall(lines[row.last].text)[-1:]
            if found:
                return tuple(int(number) for number in found)
        return ()

    def _on(self, at: int, wanted: Sequence[int]) -> bool:
        page = self.pages.of(at) if wanted else None
        return page is None or any(abs(page - number) <= _SLACK for number in wanted)

    def _setting(self, at: int) -> _Setting:
        line = self.document.lines[at]
        caps = _title_and_rest(line.text)[0].isupper()
        if not self.document.is_html:
            return _Setting(False, False, False, 0.0, caps)
        found = html_paragraphs(self.document.source[line.start : line.end])
        style = found[0].runs[0].style if found else None
        if style is None:
            return _Setting(False, False, False, 0.0, caps)
        return _Setting(style.bold, style.italic, style.underline, style.size, caps)
