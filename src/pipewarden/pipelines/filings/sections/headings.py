# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Lines that could be the heading of an Item, with what tells a heading from a mention of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipewarden.pipelines.filings.reading.lines import Line
from pipewarden.pipelines.filings.sections.catalogue import Catalogue, ItemKey, letters

_PART = re.compile(
    r"\s*PART\s+(?P<part>I{1,3}V?|IV|[1-4])(?![A-Za-z])[\s.,:;|/–—-]*", re.IGNORECASE
)
_SUFFIX = (
    r"(?:\s?\([aAbBcC]\)|[aAbBcC](?![a-z])|\s[aAbBcC](?=\s*[.:)–—-])|[.-][aAbBcC](?=[\s.:)–—-]|$)"
    r"|\s[ABC](?=\s+(?:RISK|Risk|UNRES|Unres|CYBER|Cyber|QUANT|Quant)))"
)
_ITEM = re.compile(
    r"[\s\"“•*\[(]*I\s?T\s?E\s?M\s?(?P<many>S?)[\s.:#]*"
    rf"(?P<number>\d{{1,2}}(?!\d){_SUFFIX}?|[IL][AB](?![A-Z]))"
    rf"(?P<more>(?:\s*(?:,|&|and|through|to|/|,\s*and)\s*(?:I\s?TEMS?\s*)?\d{{1,2}}(?!\d){_SUFFIX}?)*)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"\s*(?P<number>\d{{1,2}}{_SUFFIX}?)\s*[.):–—-]?\s*(?=[A-Z“\"]|$)")
_NUMBER = re.compile(rf"\d{{1,2}}{_SUFFIX}?")
_SEPARATOR = re.compile(r"^[\s.:;,)\]–—|•*-]*")
_CONTINUED = re.compile(r"\(?\s*cont(?:inued|['’]?d)?\b", re.IGNORECASE)
_MARK = re.compile(r"[.:–—-]")
#: What stands right after a number where the title is left out and a statement takes its place.
_STATEMENT = re.compile(
    r"(?:not\s+(?:applicable|required)|none|n/a|omitted|there\s+(?:have|has|were|are)|no\s+material|see\s|refer"
    r"|incorporated|as\s+a\s+smaller|smaller\s+reporting|we\s+are\s|the\s+information\s|in\s+addition)",
    re.IGNORECASE,
)
#: The one title that says by itself which Item it heads, whatever the number before it.
_MISNUMBERED_TITLE = "riskfactors"
#: The longest heading, title and a few words more.
_LONGEST = 260


@dataclass(frozen=True, slots=True)
class Heading:
    """A line, or a few, that read like the heading of an Item.

    Parameters
    ----------
    key
        The Item; the first one where a heading names several.
    also
        The other Items of a combined heading.
    first, last
        The first and last line of it.
    rest
        What follows the title in the last line; not empty where the text runs on.
    titled
        Whether the title is that of the Item.
    bare
        Whether the word "Item" is missing.
    """

    key: ItemKey
    also: tuple[ItemKey, ...]
    first: int
    last: int
    rest: str
    titled: bool
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Numbered:
    """What the beginning of a line says: part, numbers, and what comes after them."""

    part: int
    numbers: tuple[str, ...]
    remainder: str
    bare: bool


def item_headings(lines: Sequence[Line], catalogue: Catalogue) -> list[Heading]:
    """Return every line that could be an Item's heading, in order; rows of contents among them."""
    found: list[Heading] = []
    part = 0
    for index, line in enumerate(lines):
        text = line.text
        lead = text[:1]
        if not (lead.isdigit() or lead in 'IiPp•*“"(['):
            continue
        if lead in "Pp":
            named = _PART.match(text)
            if named is None:
                continue
            part = _part(named.group("part"))
            if named.end() >= len(text) - 1 or len(text) > _LONGEST:
                continue
        heading = _heading(lines, index, part, catalogue)
        if heading is not None:
            found.append(heading)
    return found


def _part(numeral: str) -> int:
    return {"i": 1, "ii": 2, "iii": 3, "iv": 4}.get(numeral.lower()) or int(
        numeral if numeral.isdigit() else 0
    )


def numbered(text: str) -> Numbered | None:
    """Return the Item numbers that a line begins with, or None."""
    part = 0
    named = _PART.match(text)
    at = 0
    if named:
        part, at = _part(named.group("part")), named.end()
    found = _ITEM.match(text, at)
    if found:
        numbers = [_clean(found.group("number"))]
        numbers += [_clean(n) for n in _NUMBER.findall(found.group("more"))]
        return Numbered(part, tuple(numbers), text[found.end() :], bare=False)
    bare = _BARE.match(text, at)
    if bare and len(text) <= 120:
        return Numbered(part, (_clean(bare.group("number")),), text[bare.end() :], bare=True)
    return None


def _clean(number: str) -> str:
    number = re.sub(r"[\s().-]", "", number).upper()
    return "1" + number[1:] if number[0] in "IL" else number


def _heading(lines: Sequence[Line], index: int, part: int, catalogue: Catalogue) -> Heading | None:
    found = numbered(lines[index].text)
    if found is None:
        return None
    title = _SEPARATOR.sub("", found.remainder)
    marked = bool(_MARK.search(found.remainder[: len(found.remainder) - len(title)]))
    last = index
    if len(letters(title)) < 2 and index + 1 < len(lines):
        last = _title_line(lines, index)
        title = _SEPARATOR.sub("", lines[last].text)
    key = _key(catalogue, found, part, title)
    if not found.bare and letters(title) == _MISNUMBERED_TITLE:
        key = catalogue.keys("1A")[0]
    if key is None:
        return None
    if not catalogue.matches(key, title):
        if last > index:  # the number stands alone, and what follows is no title
            return None if found.bare else Heading(key, (), index, index, "", titled=False)
        is_heading = not found.bare and _could_be_title(title, marked=marked)
        statement = title if _STATEMENT.match(title) else ""
        return Heading(key, (), index, last, statement, titled=False) if is_heading else None
    rest = rest_of_title(title)
    also = tuple(
        other for n in found.numbers[1:] for other in catalogue.keys(n) if other.part == key.part
    )
    whole = Heading(key, also, index, last, rest or "", titled=True, bare=found.bare)
    return None if rest is None else whole


def _title_line(lines: Sequence[Line], index: int) -> int:
    """Return the line after a number that holds its title: a dash may stand between."""
    after = index + 1
    if len(letters(lines[after].text)) < 2 and after + 1 < len(lines):
        after += 1
    return after


def _could_be_title(title: str, *, marked: bool) -> bool:
    return len(title) <= 120 and (marked or title[:1].isupper() or not title)


def _key(catalogue: Catalogue, found: Numbered, part: int, title: str) -> ItemKey | None:
    keys = catalogue.keys(found.numbers[0])
    if len(keys) <= 1:
        return keys[0] if keys else None
    for key in keys:
        if catalogue.matches(key, title):
            return key
    wanted = found.part or part
    return next((key for key in keys if key.part == wanted), None)


#: A title may go on with these; anything else after it is text that runs on.
_EXTENDED = re.compile(
    r"^[\s,]*(?:and|of|to|for|relating|related|affecting|that|which|concerning|in|on|–|—|-|/|&)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?][”\"’')]?(?:\s|$)")
_RISK = re.compile(r"\W*R\s?I\s?S\s?K\s*F\s?A\s?C\s?T\s?O\s?R\s?S?\b", re.IGNORECASE)


def rest_of_title(title: str) -> str | None:
    """Return the text that runs on after a title, or None when the line is prose that mentions it.

    ``Risk Factors`` → an empty string; ``Risk Factors. We face …`` → ``We face …``;
    ``Risk Factors of this report describes …`` → None.
    """
    named = _RISK.match(title)
    if named is None:
        return "" if len(title) <= _LONGEST else None
    rest = title[named.end() :]
    text = _SEPARATOR.sub("", rest.lstrip('”"’ '))
    if not text or _CONTINUED.match(text):
        return ""
    if re.match(r"^[\s”\"’]*[.:–—-]", rest):
        return text.lstrip('”"’ ') if not text[:1].islower() else None
    if _EXTENDED.match(rest) or text[:1].islower():
        is_title = len(title) <= 120 and not _SENTENCE.search(title[:-1])
        return "" if is_title and not title.endswith(".") else None
    if rest[:1] in ',;”"’' and len(title) > 80:
        return None
    return "" if re.fullmatch(r"\W*[\divx–-]{1,9}\W*", text) else text
