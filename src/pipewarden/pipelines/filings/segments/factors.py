"""One draft per risk factor: its heading, category and paragraphs, before bounds are applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipewarden.pipelines.filings.reading.paragraphs import Paragraph
from pipewarden.pipelines.filings.segments.levels import Role, roles_of
from pipewarden.pipelines.filings.segments.looks import Part, parts_of


@dataclass(slots=True)
class Draft:
    """A risk factor, or text around them.

    Parameters
    ----------
    kind
        ``factor``, ``introduction`` (no heading: notes and text before the factors) or ``summary``.
    heading, category
        Its own heading and that of the group it stands in, where there are any.
    texts
        Its paragraphs.
    """

    kind: str
    heading: str | None = None
    category: str | None = None
    texts: list[str] = field(default_factory=list)


def drafts_of(paragraphs: Sequence[Paragraph]) -> list[Draft]:
    """Return the risk factors of a section, and the text around them, in order."""
    parts = parts_of(paragraphs)
    drafts: list[Draft] = []
    category: str | None = None
    for part, role in zip(parts, roles_of(parts), strict=True):
        if role is Role.CATEGORY:
            category = _nested(drafts, category) + _whole(part)
            if drafts and drafts[-1].category == category:
                drafts[-1].texts.append(category)  # repeated: it is not said twice otherwise
            else:
                drafts.append(Draft("introduction", category=category))
        elif role is Role.FACTOR:
            heading, text = (part.heading, part.text) if part.heading else (part.text, "")
            drafts.append(Draft("factor", heading, category, [text] if text else []))
        else:
            _add(drafts, part, role, category)
    _keep_category(drafts, category)
    return [draft for draft in drafts if draft.texts or draft.heading]


def _add(drafts: list[Draft], part: Part, role: Role, category: str | None) -> None:
    kind = {Role.SUMMARY: "summary", Role.ASIDE: "introduction"}.get(role)
    if not drafts or (kind is not None and (role is Role.ASIDE or drafts[-1].kind != kind)):
        drafts.append(Draft(kind or "introduction", category=category))
    elif kind is None and drafts[-1].kind == "summary":
        drafts.append(Draft("introduction", category=category))
    drafts[-1].texts.append(_whole(part))


def _whole(part: Part) -> str:
    return " ".join(piece for piece in (part.heading, part.text) if piece)


def _nested(drafts: list[Draft], category: str | None) -> str:
    """Return the category that another one follows at once: a line that stands over its name."""
    if category is None or not drafts or drafts[-1].texts or drafts[-1].heading:
        return ""
    drafts.pop()
    return f"{category}\n"


def _keep_category(drafts: list[Draft], category: str | None) -> None:
    """A category without anything in it would be lost with its heading: keep it as text."""
    if drafts and not drafts[-1].texts and not drafts[-1].heading and category is not None:
        drafts[-1].category = drafts[-2].category if len(drafts) > 1 else None
        drafts[-1].texts.append(category)
