# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""The paragraphs of a stretch of source, with the styling that tells headings from prose."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from pipewarden.pipelines.filings.reading.styles import Style, Tag, read_tag

_SPLIT = re.compile(r"(<(?:/?[A-Za-z]|!|\?)[^>]*>?)")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
BULLETS = "•·●▪■□◦‣⁃◾◆♦►–—-*§¨"
_MARKER = re.compile(rf"^(?:[{re.escape(BULLETS)}o]|\(?(?:\d{{1,2}}|[a-zA-Z]|[ivx]{{1,4}})[.)])$")
#: A cell with more than one paragraph, one of which is longer than this, is layout and not a table.
_PROSE = 160


class Run(NamedTuple):
    """A stretch of text in one style."""

    text: str
    style: Style


@dataclass(slots=True)
class Paragraph:
    """A paragraph, or the cells of a table row.

    Parameters
    ----------
    runs
        Its text by style; the texts joined are the paragraph's text.
    cells
        How many cells of a table row it was joined from; 0 outside tables.
    page_break
        Whether a page break stands right before it.
    linked
        Whether all of it is a link within the document.
    """

    runs: list[Run]
    cells: int = 0
    page_break: bool = False
    linked: bool = False
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = "".join(run.text for run in self.runs)


class _Row(NamedTuple):
    cells: list[list[Paragraph]]


class _Reader:
    """Collects runs into paragraphs while tags go by."""

    def __init__(self) -> None:
        self.done: list[Paragraph] = []
        self.runs: list[Run] = []
        self.rows: list[_Row] = []
        self.open: list[tuple[str, Style]] = []
        self.style = Style()
        self.space = self.soft = self.broken = False

    def text(self, chunk: str) -> None:
        if "&" in chunk:
            chunk = html.unescape(chunk)
        if not chunk.isascii():
            chunk = _INVISIBLE.sub("", chunk)
        words = chunk.split()
        if not words:
            self.space = self.space or bool(chunk)
            return
        if self.soft:
            self._after_soft_break(words[0])
        piece = " ".join(words)
        if (self.runs and (self.space or chunk[0].isspace())) or (self.runs and self._is_marker()):
            piece = " " + piece
        self.space = chunk[-1].isspace()
        if self.runs and self.runs[-1].style == self.style:
            self.runs[-1] = Run(self.runs[-1].text + piece, self.style)
        else:
            self.runs.append(Run(piece, self.style))

    def _is_marker(self) -> bool:
        return len(self.runs) == 1 and self.runs[0].text in BULLETS

    def _after_soft_break(self, word: str) -> None:
        """A single line break parts what differs in style or begins a list item."""
        self.soft = False
        if self.runs and (self.runs[-1].style.emphasis != self.style.emphasis or word in BULLETS):
            self.flush()
        self.space = True

    def flush(self) -> None:
        """End the paragraph."""
        self.space = self.soft = False
        if not self.runs:
            return
        linked = all(run.style.link for run in self.runs)
        paragraph = Paragraph(self.runs, page_break=self.broken, linked=linked)
        self.runs, self.broken = [], False
        if self.rows and self.rows[-1].cells:
            self.rows[-1].cells[-1].append(paragraph)
        else:
            self.done.append(paragraph)

    def tag(self, tag: Tag) -> None:
        self.broken = self.broken or tag.page_break
        if tag.name == "br":
            if self.soft:
                self.flush()
            self.soft = bool(self.runs)
        elif tag.breaks:
            self.flush()
            self._table(tag)
        if not tag.void:
            self._nest(tag)

    def _table(self, tag: Tag) -> None:
        if tag.name in ("tr", "table"):
            self.end_row()
            if tag.name == "tr" and not tag.closing:
                self.rows.append(_Row([]))
        elif tag.name in ("td", "th") and not tag.closing:
            if not self.rows:
                self.rows.append(_Row([]))
            self.rows[-1].cells.append([])

    def end_row(self) -> None:
        """Give up the cells of a table row as paragraphs."""
        if self.rows:
            cells = [cell for cell in self.rows.pop().cells if cell]
            self.done.extend(_joined(cells))

    def _nest(self, tag: Tag) -> None:
        if not tag.closing:
            self.open.append((tag.name, self.style))
            self.style = self.style.within(tag)
            return
        for depth in range(len(self.open) - 1, max(-1, len(self.open) - 40), -1):
            if self.open[depth][0] == tag.name:
                self.style = self.open[depth][1]
                del self.open[depth:]
                return


def _joined(cells: list[list[Paragraph]]) -> list[Paragraph]:
    """Return a table row as one paragraph, or its cells' paragraphs where the table is layout."""
    is_layout = any(len(cell) > 1 and max(len(p.text) for p in cell) > _PROSE for cell in cells)
    if not is_layout:
        flat = [paragraph for cell in cells for paragraph in cell]
        return [_row(flat)] if flat else []
    paragraphs = [paragraph for cell in cells for paragraph in cell]
    if len(paragraphs) > 1 and _MARKER.match(paragraphs[0].text):
        paragraphs[:2] = [_row(paragraphs[:2])]
    return paragraphs


def _row(paragraphs: list[Paragraph]) -> Paragraph:
    runs: list[Run] = []
    for paragraph in paragraphs:
        first, *others = paragraph.runs
        runs.append(Run(f" {first.text}", first.style) if runs else first)
        runs.extend(others)
    linked = all(paragraph.linked for paragraph in paragraphs)
    return Paragraph(
        runs, cells=len(paragraphs), page_break=paragraphs[0].page_break, linked=linked
    )


def html_paragraphs(source: str) -> list[Paragraph]:
    """Return the paragraphs of a stretch of visible HTML source."""
    reader = _Reader()
    tags: dict[str, Tag] = {}
    for index, part in enumerate(_SPLIT.split(source)):
        if not index % 2:
            if part:
                reader.text(part)
            continue
        tag = tags.get(part)
        if tag is None:
            tag = tags[part] = read_tag(part)
        if tag.name:
            reader.tag(tag)
    reader.flush()
    while reader.rows:
        reader.end_row()
    return reader.done
