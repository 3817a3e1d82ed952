# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""What the words of a heading say about its level: a category, a factor, or neither."""

from __future__ import annotations

import re

_CATEGORY = re.compile(
    r"^(?:[A-Z0-9][.)]\s+)?(?:(?:general|additional|other|certain|specific|key|principal|the|our|material|significant|strategic)\s+)*"
    r"(?:risks?(?:\s+factors?)?|factors|matters|considerations)\s*"
    r"(?:related|relating|associated|pertaining|concerning|regarding|affecting|arising|inherent|specific"
    r"|particular|attributable|connected|of|in|to|from|about|for|that|which|due|posed|and)\b",
    re.IGNORECASE,
)
_RISKS = re.compile(r"\b(?:risks?(?:\s+factors?)?|considerations|uncertainties)\W*$", re.IGNORECASE)
_ASIDE = re.compile(
    r"^\W*(?:(?:special\s+)?note\s+(?:regarding|about|concerning|on)|cautionary|forward[\s-]+looking|safe\s+harbor"
    r"|disclosures?\s+(?:regarding|about|concerning)\s+forward|statements?\s+regarding\s+forward"
    r"|risk\s+factors?\W*$|introduct(?:ion|ory)\b|overview\W*$|explanatory\s+note)",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"^\W*(?:risk\s+factors?\s+summary|summary\s+(?:of\s+)?(?:(?:the|our|these)\s+)?(?:(?:principal|material|key|significant|most\s+significant)\s+)*"
    r"risks?(?:\s+factors?)?|summary\s+risk\s+factors?|risks?\s+summary|(?:principal|key)\s+risks?\W*$|summary\W*$)",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:may|might|can|cannot|could|would|will|shall|should|must|is|are|was|were|be|been|has|have|had|do|does|did"
    r"|depends?|rel(?:y|ies)|faces?|fails?|failure|affects?|subject|exposes?|requires?|need|operates?|incurs?"
    r"|experiences?|competes?|continue|make|expect|adversely|harm|impair|reduces?|decreases?|increases?|limits?)\b",
    re.IGNORECASE,
)
_MANY_WORDS, _CATEGORY_WORDS = 9, 22


def is_sentence(heading: str) -> bool:
    """Whether a heading says something, as factors do, and does not merely name a topic."""
    words = len(heading.split())
    if words >= _MANY_WORDS:
        return True
    return words >= 3 and (heading.rstrip('”"’ ').endswith(".") or bool(_VERB.search(heading)))


def is_category(heading: str) -> bool:
    """Whether a heading names a group of risks: "Risks Related to …", "… Risks"."""
    if len(heading.split()) > _CATEGORY_WORDS:
        return False
    if _CATEGORY.match(heading) and not _finite(heading):
        return True
    return bool(_RISKS.search(heading)) and not is_sentence(heading)


def _finite(heading: str) -> bool:
    """Whether the risks named are the subject of a verb: "Risks related to X could harm us."."""
    return bool(re.search(r"\b(?:may|could|can|might|will|would|have|has|are|is)\b", heading))


def is_aside(heading: str) -> bool:
    """Whether a heading introduces something that is no risk factor."""
    return bool(_ASIDE.match(heading)) and len(heading.split()) <= _CATEGORY_WORDS


def is_summary(heading: str) -> bool:
    """Whether a heading introduces the summary that stands before the factors themselves."""
    return bool(_SUMMARY.match(heading)) and len(heading.split()) <= _CATEGORY_WORDS
