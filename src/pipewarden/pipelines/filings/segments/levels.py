"""Which headings are factors, which are categories over them, and which lie within them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipewarden.pipelines.filings.segments.looks import Look, Part, is_bulleted
from pipewarden.pipelines.filings.segments.wording import (
    is_aside,
    is_category,
    is_sentence,
    is_summary,
)


class Role(StrEnum):
    """What a paragraph is to the segments."""

    TEXT = "text"
    FACTOR = "factor"
    CATEGORY = "category"
    ASIDE = "aside"
    SUMMARY = "summary"


#: Prose after a heading that ends a summary is longer than the items of one.
_PROSE = 120
#: So many paragraphs after a heading are looked at for its text.
_REACH = 40
_SAYING, _NAMING = 0.5, 0.4
#: A heading without any styling is no longer than this, and its text longer by this factor.
_PLAIN_HEADING, _PLAIN_RATIO = 250, 1.3


@dataclass(slots=True)
class _Level:
    """All headings of one look: how many, how many carry text, say something, name a group."""

    look: Look
    count: int = 0
    carrying: int = 0
    saying: int = 0
    naming: int = 0

    @property
    def says(self) -> bool:
        return self.saying >= _SAYING * self.count

    @property
    def names(self) -> bool:
        return self.naming >= _NAMING * self.count

    @property
    def score(self) -> float:
        """How likely these are the factors: they carry text, and they say something."""
        share = 1.0 / max(1, self.count)
        return self.carrying * (0.3 + self.saying * share) * (1.0 - 0.8 * self.naming * share)


def roles_of(parts: Sequence[Part]) -> list[Role]:
    """Return the role of every paragraph of a section of risk factors."""
    roles = _asides(parts, _summaries(parts))
    levels = _levels(parts, roles)
    primary = max(levels, key=lambda level: level.score, default=None)
    if primary is not None:
        looks = {level.look for level in levels if level is primary or _is_peer(level, primary)}
        for at in range(len(parts)):
            if roles[at] is Role.TEXT and parts[at].look is not None:
                roles[at] = _role(parts, at, looks, primary)
    factors = [at for at, role in enumerate(roles) if role is Role.FACTOR]
    if all(is_category(parts[at].heading) for at in factors):
        _mark_plain_headings(parts, roles, factors)
    return roles


def _summaries(parts: Sequence[Part]) -> list[Role]:
    """Mark summaries: one lasts until a heading is followed by prose and not by its items."""
    roles = [Role.TEXT] * len(parts)
    start = next((at for at, p in enumerate(parts) if p.heading and is_summary(p.heading)), None)
    if start is None:
        return roles
    for stop in range(start + 1, len(parts)):
        if parts[stop].heading and (parts[stop].text or _leads_to_prose(parts, stop)):
            roles[start:stop] = [Role.SUMMARY] * (stop - start)
            break
    return roles


def _leads_to_prose(parts: Sequence[Part], at: int) -> bool:
    after = next((part for part in parts[at + 1 : at + _REACH] if part.text), None)
    return after is not None and len(after.text) >= _PROSE and not is_bulleted(after)


def _asides(parts: Sequence[Part], roles: list[Role]) -> list[Role]:
    for at, part in enumerate(parts):
        if roles[at] is Role.TEXT and part.heading and is_aside(part.heading):
            roles[at] = Role.ASIDE
    return roles


def _levels(parts: Sequence[Part], roles: Sequence[Role]) -> list[_Level]:
    levels: dict[Look, _Level] = {}
    for at, part in enumerate(parts):
        if part.look is None or roles[at] is not Role.TEXT:
            continue
        level = levels.setdefault(part.look, _Level(part.look))
        level.count += 1
        level.carrying += bool(part.text) or _text_follows(parts, at)
        level.saying += is_sentence(part.heading)
        level.naming += is_category(part.heading)
    return list(levels.values())


def _text_follows(parts: Sequence[Part], at: int) -> bool:
    """Whether a heading has text below it, be it under a run-in heading of a lower level."""
    if at + 1 >= len(parts):
        return False
    after = parts[at + 1]
    if not after.heading:
        return True
    lower = bool(after.text) and after.look != parts[at].look
    return lower and is_sentence(parts[at].heading)


def _is_peer(level: _Level, primary: _Level) -> bool:
    """Whether headings of another look are factors too: set inconsistently, not nested."""
    if not level.carrying or not level.says or level.names:
        return False
    look, best = level.look, primary.look
    same = look[:3] == best[:3] and any(look[:3])
    if look.run_in and not best.run_in and not same:
        return False
    return same or look.weight >= best.weight or (look.bold and best.bold)


def _role(parts: Sequence[Part], at: int, looks: set[Look], primary: _Level) -> Role:
    part = parts[at]
    after = parts[at + 1] if at + 1 < len(parts) else None
    over = after is not None and after.look in looks and not part.text
    names = is_category(part.heading)
    if part.look in looks:
        if names and (primary.says or over):
            return Role.CATEGORY
        return Role.CATEGORY if over and not is_sentence(part.heading) else Role.FACTOR
    assert part.look is not None
    if part.text or after is None:
        return Role.TEXT
    if names or over:
        return Role.CATEGORY
    stands_out = part.look.weight >= primary.look.weight or primary.look.run_in
    return Role.CATEGORY if stands_out and not is_sentence(part.heading) else Role.TEXT


def _mark_plain_headings(parts: Sequence[Part], roles: list[Role], over: Sequence[int]) -> None:
    """Find headings by their length alone, in text without any styling.

    ``over`` are styled headings that name groups; they are categories if headings are found.
    """
    places = [
        at
        for at in range(len(parts) - 1)
        if roles[at] is Role.TEXT and _is_plain_heading(parts[at], parts[at + 1])
    ]
    if len(places) < 2:
        return
    if len(places) < len(over):
        return
    for at in over:
        roles[at] = Role.CATEGORY
    for at in places:
        roles[at] = Role.CATEGORY if is_category(parts[at].text) else Role.FACTOR


def _is_plain_heading(part: Part, after: Part) -> bool:
    text = part.text or part.heading
    if is_bulleted(part) or is_bulleted(after) or part.is_item or not text[:1].isupper():
        return False
    if not 12 <= len(text) <= _PLAIN_HEADING or text.endswith((":", ";", ",")):
        return False
    return len(after.text) >= max(_PROSE, _PLAIN_RATIO * len(text))
