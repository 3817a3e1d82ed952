"""Segments keep every character, stay within bounds and are linked where they were split."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from pipewarden.pipelines.filings.reading.paragraphs import html_paragraphs
from pipewarden.pipelines.filings.segments.bounds import Bounds, split, within
from pipewarden.pipelines.filings.segments.factors import Draft, drafts_of
from pipewarden.pipelines.filings.segments.sentences import sentences

WORDS = st.sampled_from(
    ["We", "may", "fail.", "Inc.", "the", "U.S.", "risk", "harm;", "loss!", "a", "1.5", "“Quoted.”"]
)
LINES = st.lists(WORDS, min_size=1, max_size=90).map(" ".join)
BOUNDS = Bounds(min_chars=20, min_words=5, max_chars=300, max_words=40)


def letters(text: str) -> str:
    return "".join(text.split())


@given(LINES)
def test_sentences_joined_are_the_paragraph_again(line: str) -> None:
    assert " ".join(sentences(line)) == line


@given(st.lists(LINES, min_size=1, max_size=6).map("\n".join))
def test_a_split_text_keeps_its_characters_and_its_bounds(text: str) -> None:
    parts = split(text, BOUNDS)
    assert letters("".join(parts)) == letters(text)
    assert not any(len(part.split()) > BOUNDS.max_words + BOUNDS.min_words for part in parts)


@given(st.lists(st.tuples(st.booleans(), st.lists(LINES, max_size=4)), max_size=8))
@settings(max_examples=150)
def test_bounded_segments_keep_every_character_of_their_drafts(
    made: list[tuple[bool, list[str]]],
) -> None:
    drafts = [
        Draft("factor" if head else "introduction", f"Heading {n}" if head else None, None, texts)
        for n, (head, texts) in enumerate(made)
        if head or texts
    ]
    pieces = within(drafts, BOUNDS)
    before = sorted(letters("".join(f"{d.heading or ''}{''.join(d.texts)}" for d in drafts)))
    assert sorted(letters("".join(f"{p.heading or ''}{p.text}" for p in pieces))) == before
    if len(pieces) > 1:
        assert not any(not p.text for p in pieces)


_BLOCK = st.tuples(
    st.sampled_from(
        [
            "<p>{}</p>",
            "<p><b>{}</b></p>",
            "<p><i>{}</i></p>",
            "<p>• {}</p>",
            "<p><b>{}</b> We do.</p>",
            "<table><tr><td>•</td><td>{}</td></tr></table>",
            "<p align=center><b>{}</b></p>",
        ]
    ),
    st.one_of(
        LINES,
        st.sampled_from(
            [
                "Risks Related to Our Business",
                "Risk Factor Summary",
                "RISKS OF THE INDUSTRY",
                "Cautionary Statement",
                "We may fail.",
            ]
        ),
    ),
)


@given(st.lists(_BLOCK, max_size=14))
@settings(max_examples=200)
def test_drafts_keep_every_character_of_the_paragraphs(blocks: list[tuple[str, str]]) -> None:
    paragraphs = html_paragraphs("".join(frame.format(text) for frame, text in blocks))
    pieces: list[str] = []
    category = None
    for draft in drafts_of(paragraphs):
        if draft.category and draft.category != category:
            pieces.append(draft.category)
        category = draft.category
        pieces += [draft.heading or "", *draft.texts]
    assert sorted(letters("".join(pieces))) == sorted(letters("".join(p.text for p in paragraphs)))


def test_long_factors_are_split_between_sentences_and_linked(
    filing_paper: Any, processed: Any
) -> None:
    paper = filing_paper
    factors = [(h, [paper.prose((h, k), 30) for k in range(2)]) for h in paper.HEADINGS[:3]]
    filing = processed(paper.annual(paper.p(paper.INTRO) + paper.plain_factors(factors)))
    assert filing.n_factors == 3
    later = [s for s in filing.segments if s.part_of is not None]
    assert later
    for segment in filing.segments:
        assert segment.n_words <= 380
        assert segment.n_chars <= 2_000
        assert segment.text.rstrip().endswith(".")
    for segment in later:
        first = filing.segments[segment.part_of]
        assert segment.heading is None
        assert first.heading in paper.HEADINGS
        assert first.part_of is None
        assert first.category == segment.category


def test_text_under_the_bounds_is_joined_to_a_neighbour_and_not_lost(
    filing_paper: Any, processed: Any
) -> None:
    paper = filing_paper
    factors = [*paper.factor_texts(2), ("We are new.", ["So be it."]), *paper.factor_texts(1, 7)]
    filing = processed(paper.annual(paper.plain_factors(factors)))
    assert min(s.n_words for s in filing.segments) >= 20
    assert any("We are new." in s.text and "So be it." in s.text for s in filing.segments)


def test_bounds_are_settings(filing_paper: Any, processed: Any) -> None:
    paper = filing_paper
    content = paper.annual(paper.plain_factors(paper.factor_texts(3)))
    filing = processed(content, max_segment_words=60, max_segment_chars=500)
    assert max(s.n_words for s in filing.segments) <= 60
    assert filing.n_factors == 3
