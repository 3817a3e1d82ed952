"""Domain rules: what is true of risk factors and of filings."""

from __future__ import annotations

import re
from collections import defaultdict

import pipewarden as pw
from pipewarden.pipelines.filings.model import Filing

_RISK = re.compile(
    r"\b(?:risks?|uncertain\w*|adverse(?:ly)?|harm(?:ed|ful)?|fail(?:ure|s|ed)?|volatil\w+|loss(?:es)?"
    r"|decline[sd]?|litigation|disrupt\w*|impair\w*|exposure|materially)\b",
    re.IGNORECASE,
)
_MOST_EVIDENCE = 5


def risk_keyword_present(filing: Filing) -> bool:
    """Return whether the section speaks of risk at all."""
    if filing.section is None:
        raise pw.NotComputable("there is no section")
    return bool(_RISK.search(filing.section.text))


def duplicate_segments(filing: Filing) -> pw.Measurement:
    """Return the share of segments whose text another segment before them has."""
    if not filing.segments:
        raise pw.NotComputable("there are no segments")
    seen: dict[str, list[int]] = defaultdict(list)
    for segment in filing.segments:
        seen[" ".join(segment.text.lower().split())].append(segment.index)
    twice = [indices for indices in seen.values() if len(indices) > 1]
    share = sum(len(indices) - 1 for indices in twice) / len(filing.segments)
    evidence = tuple(f"segments {', '.join(map(str, i))} are the same" for i in twice)
    return pw.Measurement(round(share, 4), "segments are repeated", evidence[:_MOST_EVIDENCE])


def is_amendment(filing: Filing) -> bool:
    """Return whether the filing amends an earlier one."""
    return filing.metadata.is_amendment


def file_size(filing: Filing) -> int:
    """Return the bytes of the file, decompressed."""
    return filing.document.n_bytes


def boundary_certain(filing: Filing) -> pw.Measurement:
    """Return whether it is certain where the Item begins and ends, or that it is not there."""
    boundary = filing.boundary
    certain = filing.outcome != "ambiguous"
    if filing.section is not None:
        certain = certain and boundary.start_certain and boundary.end_certain
    return pw.Measurement(certain, boundary.evidence, (boundary.evidence,))
