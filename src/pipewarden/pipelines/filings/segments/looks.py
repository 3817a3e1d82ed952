# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Which paragraphs look like headings, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipewarden.pipelines.filings.reading.paragraphs import BULLETS, Paragraph, Run

_BULLET = re.compile(rf"^\s*(?:[{re.escape(BULLETS)}]|o\s)\s*")
_LISTED = re.compile(r"^\s*\(?(?:[ivx]{1,4}|[a-z]|\d{1,2})[.)]\s")
_LEAD_END = re.compile(r"[.:?!–—-][\s”\"’)]*$")
_REST_START = re.compile(r"^[\s”\"’)]*[.:–—-]")
_CAPS_LEAD = re.compile(r"([A-Z][A-Z0-9 ,;'’&/()-]{7,200}?(?:[.:]|\s?--|\s?[–—]))\s+(?=[A-Z]\w*\s)")
_SUPPORT = re.compile(r"^[\s\W\d]*$")
#: The longest heading in characters; leads that are shorter than this are words and not headings.
_LONGEST, _SHORTEST_LEAD = 1_200, 6
_CAPS_LETTERS, _CAPS_SHARE, _CENTRED = 8, 0.92, 200


class Look(NamedTuple):
    """How a heading is set off; two headings of one level have one look. Size in whole points."""

    bold: bool
    italic: bool
    underline: bool
    caps: bool
    run_in: bool
    center: bool = False
    size: int = 0

    @property
    def weight(self) -> int:
        """How much it stands out."""
        return 3 * self.bold + self.italic + self.underline + self.caps + self.center


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph seen as heading and text; either may be empty.

    Parameters
    ----------
    heading, text
        Its heading, and the rest; a heading that stands alone has no text.
    look
        The heading's look; None when there is no heading.
    is_item
        Whether it is a bullet or a table row.
    """

    heading: str
    text: str
    look: Look | None
    is_item: bool


def parts_of(paragraphs: Sequence[Paragraph]) -> list[Part]:
    """Return every paragraph as heading and text."""
    return [_part(paragraph) for paragraph in paragraphs]


def _part(paragraph: Paragraph) -> Part:
    text = paragraph.text.strip()
    is_bullet = bool(_BULLET.match(text))
    is_item = is_bullet or paragraph.cells > 2
    emphasised, at = _lead(paragraph.runs, skip_bullet=is_bullet)
    if emphasised is None:
        return _unemphasised(paragraph, text, is_item=is_item)
    lead, raw_rest = paragraph.text[:at].strip(), paragraph.text[at:]
    rest = raw_rest.strip()
    if _SUPPORT.match(rest):
        # A bold bullet may head a factor; one in italics is an item of a list.
        is_heading = not is_item or (is_bullet and emphasised[0])
        return _standing(text, paragraph, emphasised) if is_heading else Part("", text, None, True)
    if _is_run_in(lead, rest, raw_rest):
        look = Look(*emphasised, caps=_is_caps(lead), run_in=True)
        return Part(lead, rest, look, is_item)
    return Part("", text, None, is_item)


def _unemphasised(paragraph: Paragraph, text: str, *, is_item: bool) -> Part:
    style = paragraph.runs[0].style
    centred = style.center and len(text) <= _CENTRED and text[:1].isupper()
    lead = _CAPS_LEAD.match(text) if not is_item else None
    if lead and _is_caps(lead.group(1)) and not _is_caps(text):
        look = Look(False, False, False, caps=True, run_in=True)
        return Part(lead.group(1), text[lead.end() :], look, is_item=False)
    if not is_item and (_is_caps(text) or style.caps or centred):
        return _standing(text, paragraph, (False, False, False))
    return Part("", text, None, is_item)


def _standing(text: str, paragraph: Paragraph, emphasis: tuple[bool, bool, bool]) -> Part:
    if len(text) > _LONGEST or not any(c.isalpha() for c in text):
        return Part("", text, None, is_item=False)
    style = paragraph.runs[0].style
    caps = _is_caps(text) or style.caps
    look = Look(*emphasis, caps, run_in=False, center=style.center, size=round(style.size))
    return Part(text, "", look, is_item=False)


def _lead(runs: Sequence[Run], *, skip_bullet: bool) -> tuple[tuple[bool, bool, bool] | None, int]:
    """Return the emphasis that a paragraph begins with, and where it ends.

    Marks, digits and spaces take the emphasis of their surroundings: a full stop is often left out
    of the bold, and a registered sign is a run of its own.
    """
    emphasis: tuple[bool, bool, bool] | None = None
    at = end = 0
    for number, run in enumerate(runs):
        own = run.style.emphasis
        support = bool(_SUPPORT.match(run.text))
        if support or (number == 0 and skip_bullet and run.text.strip() in BULLETS):
            at += len(run.text)
            end = at if emphasis and any(own) else end
            continue
        if not any(own):
            break
        if emphasis is None:
            emphasis = own
        elif not _akin(emphasis, own):
            break
        at += len(run.text)
        end = at
    return emphasis, end


def _akin(first: tuple[bool, bool, bool], other: tuple[bool, bool, bool]) -> bool:
    """Whether a change of emphasis stays within one heading: a product's name in italics."""
    return any(a and b for a, b in zip(first, other, strict=True))


def _is_run_in(lead: str, rest: str, raw_rest: str) -> bool:
    if not _SHORTEST_LEAD <= len(lead) <= _LONGEST or len(rest) < 20:
        return False
    if not (lead[:1].isupper() or lead[:1] in "“\"‘'•·$" or lead[:1].isdigit()):
        lead = _BULLET.sub("", lead)
        if not lead[:1].isupper():
            return False
    ended = _LEAD_END.search(lead) or _REST_START.match(raw_rest)
    return bool(ended) and (len(lead.split()) > 1 or bool(_LEAD_END.search(lead)))


def _is_caps(text: str) -> bool:
    if len(text) > _LONGEST:
        return False
    upper = sum(map(str.isupper, text))
    return upper >= _CAPS_LETTERS and upper >= _CAPS_SHARE * (upper + sum(map(str.islower, text)))


def is_bulleted(part: Part) -> bool:
    """Whether a paragraph is an item of a list."""
    return bool(_BULLET.match(part.text or part.heading) or _LISTED.match(part.text))
