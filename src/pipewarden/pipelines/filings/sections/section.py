"""The text of an Item: located, cut out, cleaned."""

from __future__ import annotations

from dataclasses import dataclass

from pipewarden.pipelines.filings.cleaning.furniture import furniture
from pipewarden.pipelines.filings.cleaning.joining import joined
from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.reading.paragraphs import Paragraph, Run, html_paragraphs
from pipewarden.pipelines.filings.reading.typed import typed_paragraphs
from pipewarden.pipelines.filings.sections.catalogue import letters
from pipewarden.pipelines.filings.sections.headings import numbered


@dataclass(frozen=True, slots=True)
class Span:
    """Where an Item stands.

    Parameters
    ----------
    first, last
        The lines of its heading.
    stop
        The line that it ends before; the number of lines when nothing ends it.
    rest
        The end of the heading's last line that already belongs to the text.
    found_by
        ``item_heading``, ``combined_heading``, ``title`` or ``contents_link``.
    start_certain, end_certain
        Whether the boundary is known and not supposed.
    """

    first: int
    last: int
    stop: int
    rest: str
    found_by: str
    start_certain: bool = True
    end_certain: bool = True


def heading_text(document: Document, span: Span) -> str:
    """Return the heading as it stands, without text that runs on."""
    lines = document.lines[span.first : span.last + 1]
    text = " ".join(line.text for line in lines)
    return text.removesuffix(span.rest).strip() if span.rest else text


def paragraphs_of(document: Document, span: Span) -> list[Paragraph]:
    """Return the clean paragraphs of a section: no heading, no page furniture, no cuts."""
    lines = document.lines
    start = lines[span.last].start if span.rest else lines[span.last].end
    stop = lines[span.stop].start if span.stop < len(lines) else len(document.source)
    source = document.source[start:stop]
    read = html_paragraphs if document.is_html else typed_paragraphs
    paragraphs = read(source)
    if span.rest and paragraphs:
        paragraphs[0] = _from(paragraphs[0], span.rest)
    repeated = letters(heading_text(document, span)) if numbered(lines[span.first].text) else ""
    marks = [
        page or (bool(repeated) and len(p.text) < 200 and letters(p.text) == repeated)
        for p, page in zip(paragraphs, furniture(document, paragraphs), strict=True)
    ]
    return joined(paragraphs, marks)


def _from(paragraph: Paragraph, rest: str) -> Paragraph:
    """Return the end of a paragraph that begins where ``rest`` does."""
    at = paragraph.text.find(rest[:40])
    runs: list[Run] = []
    for run in paragraph.runs:
        if at < len(run.text):
            runs.append(Run(run.text[max(0, at) :].lstrip() if not runs else run.text, run.style))
        at -= len(run.text)
    return Paragraph(runs) if runs else paragraph
