"""From a file to a `Filing`: the stages, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pipewarden as pw
from pipewarden.pipelines.filings.metadata.gather import Facts, gather
from pipewarden.pipelines.filings.metadata.supplied import name_rule
from pipewarden.pipelines.filings.model import (
    Boundary,
    DocumentFacts,
    Filing,
    Metadata,
    Section,
    Segment,
)
from pipewarden.pipelines.filings.reading.document import Document, read_document
from pipewarden.pipelines.filings.reading.paragraphs import Paragraph
from pipewarden.pipelines.filings.sections.catalogue import ItemKey
from pipewarden.pipelines.filings.sections.locate import Outline, outline_of
from pipewarden.pipelines.filings.sections.outcome import Answer, Outcome, answer_of
from pipewarden.pipelines.filings.sections.section import heading_text, paragraphs_of
from pipewarden.pipelines.filings.segments.bounds import Bounds, within
from pipewarden.pipelines.filings.segments.factors import drafts_of
from pipewarden.pipelines.filings.settings import FilingsSettings

#: Outcomes that come with the section's text.
WITH_TEXT = (Outcome.FOUND, Outcome.PARTIAL_UPDATE)
_PARTS = {1: "I", 2: "II"}


@dataclass(frozen=True, slots=True)
class _Read:
    document: Document
    facts: Facts
    outline: Outline
    answer: Answer
    paragraphs: Sequence[Paragraph]


def process_filing(path: Path, settings: FilingsSettings) -> Filing:
    """Return what a file holds.

    Parameters
    ----------
    path
        An HTML document, a full submission or plain text; gzip of any.
    settings
        Which Item, which bounds, and what metadata is supplied.

    Raises
    ------
    BadInput
        The file is empty, binary, too large, or damaged gzip.
    InvalidSettings
        The metadata file or the file-name rule does not hold.
    """
    with pw.stage("parse"):
        document = read_document(path, max_bytes=settings.max_bytes, max_tags=settings.max_tags)
    with pw.stage("metadata"):
        rule = name_rule(settings.file_name) if settings.file_name else None
        facts = gather(document, path, settings.metadata, rule)
    with pw.stage("locate"):
        form = facts.values.get("form_type")
        outline = outline_of(document, str(form) if form else None, settings.item)
        paragraphs = paragraphs_of(document, outline.span) if outline.span else []
        answer = answer_of(document, facts, outline, paragraphs)
    with pw.stage("segment"):
        return _filing(_Read(document, facts, outline, answer, paragraphs), settings)


def _filing(read: _Read, settings: FilingsSettings) -> Filing:
    with_text = read.answer.outcome in WITH_TEXT
    return Filing.model_construct(
        schema_version=Filing.model_fields["schema_version"].default,
        metadata=_metadata(read.facts),
        document=DocumentFacts(n_bytes=read.document.n_bytes, n_chars=read.document.n_chars),
        outcome=read.answer.outcome.value,
        boundary=_boundary(read),
        section=_section(read) if with_text else None,
        segments=tuple(_segments(read.paragraphs, settings)) if with_text else (),
    )


def _metadata(facts: Facts) -> Metadata:
    return Metadata.model_validate(
        {**facts.values, "is_amendment": facts.is_amendment, "provenance": facts.provenance}
    )


def _boundary(read: _Read) -> Boundary:
    span = read.outline.span
    unclear = read.answer.outcome is Outcome.AMBIGUOUS and span is None
    return Boundary(
        found_by=span.found_by if span else None,
        start_certain=span.start_certain if span else not unclear,
        end_certain=span.end_certain if span else not unclear,
        evidence=read.answer.evidence,
    )


def _section(read: _Read) -> Section:
    assert read.outline.span is not None
    text = "\n".join(paragraph.text for paragraph in read.paragraphs)
    return Section(
        item=item_name(read.outline.key),
        heading=heading_text(read.document, read.outline.span),
        text=text,
        n_chars=len(text),
    )


def item_name(key: ItemKey) -> str:
    """Return an Item as it is written: ``1A``, or ``II-1A`` in a quarterly report."""
    return f"{_PARTS[key.part]}-{key.number}" if key.part else key.number


def _segments(paragraphs: Sequence[Paragraph], settings: FilingsSettings) -> Iterator[Segment]:
    bounds = Bounds(
        settings.min_segment_chars,
        settings.min_segment_words,
        settings.max_segment_chars,
        settings.max_segment_words,
    )
    first = 0
    for index, piece in enumerate(within(drafts_of(paragraphs), bounds)):
        first = first if piece.part else index
        yield Segment.model_construct(
            index=index,
            kind=piece.kind,
            heading=piece.heading,
            category=piece.category,
            text=piece.text,
            n_chars=len(piece.text),
            n_words=len(piece.text.split()),
            part_of=first if piece.part else None,
        )
