"""Lines and spaces: what was wrapped at a width is joined, and space that shows nothing goes."""

# ruff: noqa: RUF001 - the patterns name such characters

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from pipewarden.pipelines.articles.text.edits import Edit

#: White space of a line, but for the ideographic space, which indents Chinese and Japanese.
_BLANK = "[^\\S\n\u3000]"
_UNTIDY = re.compile("[^\\S\n \u3000]|  | \n|\n |\n\n\n|\\A[ \n]|[ \n]\\Z")
_SPACES = re.compile(f"{_BLANK}*\n(?:{_BLANK}|\n)*|{_BLANK}{{2,}}|[^\\S\n \u3000]|\\A | \\Z")

#: Widths between which lines are taken for wrapped, in characters.
_NARROWEST, _WIDEST = 40, 100
#: Lines differ in what the width was measured with: tabs, marks of the wire, two-column signs.
_SLACK = 4
_PAIRS = 2
_ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
_ITEM = re.compile(r"\s*(?:[-*•·o–—]\s|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]\s|>)")
_GAP, _LEADER = re.compile(r"\S(?: {3,}|\t)\S"), re.compile(r"\.{4,}|-{4,}|={3,}|_{3,}")
_DIGIT = re.compile(r"\d")
_FIGURE = re.compile(r"\S*\d\S*|-+|nil|unch|n/a|n\.a\.", re.IGNORECASE)
_BROKEN = re.compile(r"(?:^|[^-\w])((?:\w+-)*\w{2,})-$")
_AND = frozenset(("and", "or", "to", "nor"))


def whitespace(text: str) -> list[Edit]:
    """Return edits that leave one space between words, none at line ends, and one empty line.

    Parameters
    ----------
    text
        Any text.
    """
    if not _UNTIDY.search(text):
        return []
    edits = []
    for match in _SPACES.finditer(text):
        start, end = match.span()
        if start == 0 or end == len(text):
            after = ""
        elif "\n" in match[0]:
            after = "\n" * min(2, match[0].count("\n"))
        else:
            after = " "
        if after != match[0]:
            edits.append(Edit(start, end, after))
    return edits


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that has text: where it stands, and how it looks."""

    start: int
    end: int
    text: str
    indent: int
    is_item: bool
    is_table: bool

    @property
    def width(self) -> int:
        """Its characters without its indent, which a wrapped paragraph's first line has."""
        return len(self.text)


def wrapped_lines(text: str) -> list[Edit]:
    """Return edits that join the lines of a text that was wrapped at a width.

    A text counts as wrapped when no line is long and several sentences go on in the next line. Then
    two lines are one where the first word of the second would not have found room in the first, or
    a sentence goes on. Tables, lists, verses and headlines have room left, so they stay. An
    indented line begins a paragraph.

    Parameters
    ----------
    text
        Any text.
    """
    if text.count("\n") < _PAIRS or not _may_be_wrapped(text):
        return []
    lines = _lines(text)
    widths = [one.width for one, two in pairwise(lines) if two and one and _goes_on(one, two)]
    if len(widths) < _PAIRS:
        return []
    widths.sort()
    width = widths[-1 - len(widths) // 20]
    if width < _NARROWEST or _is_verse(lines, width):
        return []
    known = _Words(text)
    edits = []
    indents = any(line and line.indent > 1 and not line.is_table for line in lines)
    for one, two in pairwise(lines):
        if one is None or two is None:
            continue
        opens = indents and one is lines[0] and not one.text.isupper()
        edit = _between(one, two, 0 if opens and not two.indent else width, known)
        if edit is not None:
            edits.append(edit)
    return edits


def _may_be_wrapped(text: str) -> bool:
    longest = 0
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        longest = end - start
        if longest > _WIDEST + 8:
            return False
        start = end + 1
    return True


def _lines(text: str) -> list[_Line | None]:
    """Return the lines in order; None for an empty one."""
    lines: list[_Line | None] = []
    at = 0
    for raw in text.split("\n"):
        words = raw.strip()
        if words:
            indent = len(raw) - len(raw.lstrip())
            is_item = _ITEM.match(raw) is not None
            end = at + len(raw.rstrip())
            lines.append(_Line(at, end, words, indent, is_item, _is_table(words)))
        else:
            lines.append(None)
        at += len(raw) + 1
    return lines


def _is_table(line: str) -> bool:
    if ("   " in line or "\t" in line) and _GAP.search(line):
        return True
    if _LEADER.search(line):
        return True
    if not _DIGIT.search(line):
        return False
    words = line.split()
    figures = sum(1 for word in words if _FIGURE.fullmatch(word))
    return figures * 2 >= len(words) > 1


def _goes_on(one: _Line, two: _Line) -> bool:
    """Whether a sentence plainly goes on in the next line."""
    if two.indent > 1 or two.is_item or one.is_table or two.is_table:
        return False
    return two.text[0].islower() and not _ENDED.search(one.text)


def _is_verse(lines: list[_Line | None], width: int) -> bool:
    """Whether lines end where they please, though sentences go on."""
    pairs = [(a, b) for a, b in pairwise(lines) if a and b and _goes_on(a, b)]
    room = sum(1 for a, b in pairs if not _is_full(a, b, width - 2 * _SLACK))
    return room * 3 > len(pairs)


def _is_full(one: _Line, two: _Line, width: int) -> bool:
    first = two.text.split(None, 1)[0]
    return one.width + one.indent + 1 + len(first) > width


def _between(one: _Line, two: _Line, width: int, known: _Words) -> Edit | None:
    """Return what becomes of the break between two lines; None where it stays."""
    if two.is_item or one.is_table or two.is_table:
        return None
    if two.indent > 1:
        apart = two.indent != one.indent or _ENDED.search(one.text)
        return Edit(one.end, two.start, "\n\n") if apart and not one.is_item else None
    goes_on = _goes_on(one, two)
    if not goes_on and not _is_full(one, two, width if _ENDED.search(one.text) else width - _SLACK):
        return None
    start = two.start + two.indent
    broken = _BROKEN.search(one.text)
    if broken and two.text[0].isalnum() and two.text.split(None, 1)[0] not in _AND:
        whole = broken[1] + _letters(two.text)
        known_whole = two.text[0].islower() and whole.isalpha() and whole in known
        return Edit(one.end - 1 if known_whole else one.end, start, "")
    return Edit(one.end, start, " ")


def _letters(text: str) -> str:
    match = re.match(r"[^\W\d_]+", text)
    return match[0] if match else ""


class _Words:
    """The words of a text, looked up only when a line ends with a hyphen."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: frozenset[str] | None = None

    def __contains__(self, word: str) -> bool:
        if self._words is None:
            self._words = frozenset(re.findall(r"[^\W\d_]+", self._text))
        return word in self._words
