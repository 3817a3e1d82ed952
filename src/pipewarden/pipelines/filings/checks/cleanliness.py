# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Cleanliness: nothing of the page or of the markup is left in the text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pipewarden as pw
from pipewarden.pipelines.filings.model import Filing, Segment

_MARKUP = re.compile(
    r"</?(?:a|b|br|div|em|font|h\d|hr|i|ix:\w+|li|ol|p|pre|span|strong|sub|sup|table|tbody|td|th|tr|u|ul)\b[^<>]{0,400}>"
    r"|<!--|-->|&(?:nbsp|amp|lt|gt|quot|[lr][sd]quo|[mn]dash|bull|#\d{2,5}|#x[0-9a-f]{2,5});|[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]",
    re.IGNORECASE,
)
_PAGE = re.compile(
    r"^\s*(?:page\s+)?(?:[-–—]\s*)?\d{1,3}(?:\s*[-–—])?(?:\s+of\s+\d{1,3})?\s*$"
    r"|^\s*(?:back\s+to\s+)?table\s+of\s+contents\s*$|<PAGE>",
    re.IGNORECASE | re.MULTILINE,
)
_MOST_EVIDENCE, _AROUND = 5, 40


def _pointing(
    filing: Filing, pattern: re.Pattern[str], picked: Callable[[Segment], str]
) -> tuple[int, tuple[str, ...]]:
    """Return how many segments the pattern hits, and where."""
    evidence: list[str] = []
    hits = 0
    for segment in filing.segments:
        text = picked(segment)
        found = pattern.search(text)
        if found is None:
            continue
        hits += 1
        if len(evidence) < _MOST_EVIDENCE:
            start = max(0, found.start() - _AROUND)
            evidence.append(f"segment {segment.index}: …{text[start : found.end() + _AROUND]}…")
    return hits, tuple(evidence)


def _all(segment: Segment) -> str:
    return "\n".join(piece for piece in (segment.category, segment.heading, segment.text) if piece)


def html_artefacts(filing: Filing) -> pw.Measurement:
    """Return the number of segments with tags, entities or control characters in them."""
    hits, evidence = _pointing(filing, _MARKUP, _all)
    return pw.Measurement(hits, f"{hits} segments hold markup", evidence)


def page_artefacts(filing: Filing) -> pw.Measurement:
    """Return the share of segments with a page number or a link to the contents in them."""
    if not filing.segments:
        raise pw.NotComputable("there are no segments")
    hits, evidence = _pointing(filing, _PAGE, _all)
    return pw.Measurement(
        hits / len(filing.segments), f"{hits} segments hold page furniture", evidence
    )
