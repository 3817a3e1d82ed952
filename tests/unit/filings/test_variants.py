"""Every synthetic filing gets its honest answer, its exact boundaries and its factors."""

from __future__ import annotations

from typing import Any


def flat(text: str) -> str:
    return " ".join(text.split())


def text_of(segments: Any) -> str:
    """Put the segments together again: categories when they change, headings, texts."""
    pieces: list[str] = []
    category = None
    for segment in segments:
        if segment.category and segment.category != category:
            pieces.append(segment.category)
        category = segment.category
        pieces += [piece for piece in (segment.heading, segment.text) if piece]
    return "".join("".join(pieces).split())


def test_a_variant_gets_its_honest_answer(variant: Any, processed: Any) -> None:
    filing = processed(variant.content, variant.file, **variant.settings)
    assert filing.outcome == variant.outcome, filing.boundary.evidence
    if filing.section is None:
        assert filing.segments == ()
        return
    text = flat(filing.section.text)
    if variant.first is not None:
        assert text.startswith(variant.first), text[:120]
    if variant.last is not None:
        assert text.endswith(variant.last), text[-120:]
    for furniture in variant.absent:
        assert furniture not in text
    if variant.factors is not None:
        assert filing.n_factors == variant.factors, [s.heading for s in filing.segments]
    # An introduction too short for a segment goes below the heading of what it introduces.
    assert sorted(text_of(filing.segments)) == sorted("".join(text.split()))
