"""Substance: there is text, and the segments are of a size to work with."""

from __future__ import annotations

from collections.abc import Callable

import pipewarden as pw
from pipewarden.pipelines.filings.model import Filing, Segment

#: The bounds that a published segment must keep, whatever the settings split at.
MIN_CHARS, MIN_WORDS, MAX_CHARS, MAX_WORDS = 50, 20, 2_000, 380
_PARTS_PER_MILLION = 1_000_000
_MOST_EVIDENCE = 10


def _counted(filing: Filing, misses: Callable[[Segment], bool], what: str) -> pw.Measurement:
    hits = [segment for segment in filing.segments if misses(segment)]
    evidence = tuple(
        f"segment {s.index}: {s.n_chars} characters, {s.n_words} words: {s.text[:60]}"
        for s in hits[:_MOST_EVIDENCE]
    )
    return pw.Measurement(len(hits), f"{len(hits)} segments {what}", evidence)


def segment_count(filing: Filing) -> int:
    """Return the number of segments."""
    return len(filing.segments)


def empty_segments(filing: Filing) -> pw.Measurement:
    """Return the number of segments without text."""
    return _counted(filing, lambda s: not s.text.strip(), "are empty")


def short_segments(filing: Filing) -> pw.Measurement:
    """Return the number of segments under 50 characters or 20 words."""
    return _counted(
        filing,
        lambda s: s.n_chars < MIN_CHARS or s.n_words < MIN_WORDS,
        f"are under {MIN_CHARS} characters or {MIN_WORDS} words",
    )


def long_segments(filing: Filing) -> pw.Measurement:
    """Return the number of segments over 2,000 characters or 380 words."""
    return _counted(
        filing,
        lambda s: s.n_chars > MAX_CHARS or s.n_words > MAX_WORDS,
        f"are over {MAX_CHARS:,} characters or {MAX_WORDS} words",
    )


def extraction_yield(filing: Filing) -> float:
    """Return the section's characters per million bytes of the file."""
    if filing.section is None or not filing.document.n_bytes:
        raise pw.NotComputable("there is no section")
    return round(filing.section.n_chars / filing.document.n_bytes * _PARTS_PER_MILLION, 1)
