"""The honest answer about an Item: its text, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipewarden.pipelines.filings.metadata.gather import Facts
from pipewarden.pipelines.filings.reading.document import Document
from pipewarden.pipelines.filings.reading.paragraphs import Paragraph
from pipewarden.pipelines.filings.sections.locate import Outline


class Outcome(StrEnum):
    """What became of the search for an Item."""

    FOUND = "found"
    PARTIAL_UPDATE = "partial_update"
    NO_MATERIAL_CHANGES = "no_material_changes"
    NOT_APPLICABLE = "not_applicable"
    BY_REFERENCE = "by_reference"
    NOT_PRESENT = "not_present"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome and what speaks for it, in a sentence."""

    outcome: Outcome
    evidence: str


#: Item 1A became part of the annual report for fiscal years ending on or after this day
#: (SEC Release 33-8591).
FIRST_PERIOD = "2005-12-01"
#: Longer texts than this state factors, whatever else they say; in characters.
_STATEMENT, _POINTER = 900, 2_500
_NO_FACTORS_FORMS = ("10-KSB", "10-QSB")

_FLAGS = re.IGNORECASE | re.DOTALL
_NOT_APPLICABLE = re.compile(
    r"\bnot\s+(?:applicable|required)|\bn/?a\b|\binapplicable|^\W*(?:intentionally\s+)?omitted\b|\b(?:is|has|have|been)\s+(?:been\s+|therefore\s+)?omitted\b|\bno\s+risk\s+factors\s+to\s+(?:report|disclose)|^\W*none\b|does\s+not\s+apply"
    r"|smaller\s+reporting\s+compan(?:y|ies)\b.{0,160}?\b(?:not|omit|elect)|not\s+(?:been\s+)?(?:required|obligated)\s+to\s+(?:provide|make|include)"
    r"|(?:omit|elected\s+not\s+to).{0,120}?smaller\s+reporting|\bnot\s+providing\b|need\s+not\s+(?:be\s+)?provide",
    _FLAGS,
)
_ONLY_NOTHING = re.compile(
    r"\W*(?:none|n/?a|not\s+applicable|inapplicable|omitted|not\s+required)\W*", _FLAGS
)
_CHANGED = r"(?:changes?|changed|updates?|updated|additions?|developments?|modif\w+|differ\w*)"
_NO_CHANGES = re.compile(
    rf"\bno\b[^.]{{0,40}}?\b(?:material|significant|substantive|substantial)\b[^.]{{0,30}}?\b{_CHANGED}\b"
    rf"|\bno\s+{_CHANGED}\b|\bnot\b[^.]{{0,30}}?\b(?:materially|significantly|substantively)\s+{_CHANGED}\b"
    rf"|\bnot\s+(?:been|had|experienced|aware\s+of|identified)\s+(?:of\s+)?any\b[^.]{{0,30}}?\b{_CHANGED}\b"
    rf"|\bnot\s+(?:\w+\s+)?{_CHANGED}\b|\bremains?\s+(?:materially\s+)?unchanged|\bunchanged\s+from"
    r"|\bno\s+(?:material\s+)?(?:new|additional)\s+risk",
    _FLAGS,
)
_ELSEWHERE = re.compile(
    r"incorporated\s+(?:herein\s+|in\s+this\s+\w+\s+|into\s+\w+\s+|here\s+)*(?:by|through)\s+(?:this\s+)?reference|\b(?:see|refer\s+to|reference\s+is\s+made|please\s+(?:see|read|refer)|set\s+forth|discuss\w*|describ\w+|contained|included"
    r"|disclosed|appear\w*|found|presented|identified|reported)\b.{0,260}?(?:form\s+10|annual\s+report|10-?k\b|prospectus|registration\s+statement"
    r"|item\s+\d|part\s+i|exhibit|management|caption|heading|section|[“\"])",
    _FLAGS,
)
_UPDATES = re.compile(
    r"(?:in\s+addition\s+to|supplement\w*|updat\w+|except\s+(?:as|for|that)|other\s+than|together\s+with|in\s+conjunction\s+with|modif\w+|amend\w*"
    r"|incorporat\w+|add(?:s|ed|ition\w*)?|following|below|set\s+forth|previously|new\s+risk|additional\s+risk)",
    _FLAGS,
)
_ANNUAL = re.compile(r"(?:annual\s+report|form\s+10\s*-?\s*k|10-k)", re.IGNORECASE)
_OPENING, _CLOSING = 2_500, 1_200
_EXCEPTION = re.compile(
    r"\b(?:except|other\s+than|with\s+the\s+exception|but\s+for)\b", re.IGNORECASE
)


def answer_of(
    document: Document, facts: Facts, outline: Outline, paragraphs: Sequence[Paragraph]
) -> Answer:
    """Return the outcome for the wanted Item.

    Parameters
    ----------
    document, facts
        The filing and what is known about it.
    outline
        Its Items, and where the wanted one stands.
    paragraphs
        The clean paragraphs of the wanted Item; empty when it was not found.
    """
    if outline.span is None:
        return _absence(document, facts, outline)
    text = "\n".join(paragraph.text for paragraph in paragraphs)
    if not text.strip():
        return Answer(Outcome.AMBIGUOUS, "the Item's heading stands there without any text")
    quarterly = str(facts.values.get("form_type", "")).startswith("10-Q")
    stated = _statement(text, quarterly=quarterly, risk=outline.key.number == "1A")
    if stated is not None:
        return stated
    if not (outline.span.start_certain and outline.span.end_certain):
        return Answer(Outcome.AMBIGUOUS, "where the Item begins or ends is not certain")
    if quarterly and outline.key.number == "1A" and _is_update(text):
        return Answer(Outcome.PARTIAL_UPDATE, "it adds to the annual report's risk factors")
    return Answer(Outcome.FOUND, f"headed {outline.span.found_by.replace('_', ' ')}")


def _statement(text: str, *, quarterly: bool, risk: bool) -> Answer | None:
    """Return the outcome of a text that only states that there is nothing to read here."""
    excerpt = " ".join(text.split())[:160]
    if _ONLY_NOTHING.fullmatch(text):
        nothing = quarterly and risk and "none" in text.lower()
        return Answer(Outcome.NO_MATERIAL_CHANGES if nothing else Outcome.NOT_APPLICABLE, excerpt)
    if not risk or len(text) > _POINTER:
        return None
    outcome = _short_outcome(text) if len(text) <= _STATEMENT else _longer_outcome(text)
    return Answer(outcome, excerpt) if outcome else None


def _short_outcome(text: str) -> Outcome | None:
    """Return what a paragraph or two state; an exception is followed by what it excepts."""
    excepted = bool(_EXCEPTION.search(text)) and len(text) > _STATEMENT // 2
    changes = _NO_CHANGES.search(text)
    if _NOT_APPLICABLE.search(text) and not changes:
        return Outcome.NOT_APPLICABLE
    if changes and not excepted:
        return Outcome.NO_MATERIAL_CHANGES
    return Outcome.BY_REFERENCE if _ELSEWHERE.search(text) and not excepted else None


def _longer_outcome(text: str) -> Outcome | None:
    """Return what a page states; it must begin with the statement and name the annual report."""
    opening = text[:_STATEMENT]
    if _NO_CHANGES.search(opening) and _ANNUAL.search(text) and not _EXCEPTION.search(text):
        return Outcome.NO_MATERIAL_CHANGES
    small = "smaller reporting" in text.lower()
    return Outcome.NOT_APPLICABLE if small and _NOT_APPLICABLE.search(opening) else None


def _is_update(text: str) -> bool:
    """Whether a quarterly report's factors stand beside those of the annual report."""
    edges = (text[:_OPENING], text[-_CLOSING:])
    return any(_ANNUAL.search(edge) and _UPDATES.search(edge) for edge in edges)


def _absence(document: Document, facts: Facts, outline: Outline) -> Answer:
    """Return ``not_present`` where something speaks for it, else ``ambiguous``."""
    number = outline.key.number
    listed = [h for h in (*outline.rows, *outline.headings) if outline.key in (h.key, *h.also)]
    if listed:
        return Answer(
            Outcome.AMBIGUOUS, f"Item {number} is listed in the document but was not found in it"
        )
    reason = _reason(document, facts, outline)
    if reason:
        return Answer(Outcome.NOT_PRESENT, reason)
    return Answer(Outcome.AMBIGUOUS, f"no heading of Item {number} and no reason for its absence")


def _reason(document: Document, facts: Facts, outline: Outline) -> str:
    """Return what speaks for the absence of the Item, or an empty string."""
    form = str(facts.values.get("form_type", ""))
    period = str(facts.values.get("period_of_report", ""))
    number, held = outline.key.number, ", ".join(dict.fromkeys(outline.numbers))
    if number in ("1A", "1B", "1C") and period and period < FIRST_PERIOD:
        return f"the period ends {period}, before Item {number} existed"
    if number == "1A" and form.startswith(_NO_FACTORS_FORMS):
        return f"form {form} has no Item 1A"
    if facts.is_amendment and outline.chain:
        return f"an amendment with Items {held} only"
    if facts.is_amendment and not _mentions(document):
        return "an amendment that mentions no risk factors"
    return f"the Items {held} are there, without Item {number}" if _is_complete(outline) else ""


def _mentions(document: Document) -> bool:
    return any("risk factors" in line.text.lower() for line in document.lines)


def _is_complete(outline: Outline) -> bool:
    """Whether the body's Items run on around the place where the wanted one would stand."""
    order = outline.catalogue.order
    if outline.key not in order:
        return True
    place = order[outline.key]
    held = sorted(order[key] for h in outline.chain for key in (h.key, *h.also))
    titled = sum(h.titled for h in outline.chain)
    before = [n for n in held if n < place]
    after = [n for n in held if n > place]
    near = bool(before) and place - before[-1] <= 1 and bool(after) and after[0] - place <= 3
    enough = len(after) >= min(4, len(order) - place - 1)
    return near and enough and titled >= 0.7 * len(outline.chain)
