"""Edits: what a rule wants to change in a text, and the log of all that was changed.

A rule answers with edits of the text it was given. `EditedText` applies them, rule after rule, and
keeps one list of changes in terms of the original, so that the original can be had back. The cost
of a rule is linear in the text and in the number of edits, and nothing where it has none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement that a rule asks for.

    Parameters
    ----------
    start, end
        The span to replace, in characters of the text that the rule was given; half open.
    after
        What stands there instead.
    """

    start: int
    end: int
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log.

    Parameters
    ----------
    rule
        The rule that made it; several are joined by ``+`` in the order in which they worked.
    start_char, end_char
        The span in characters of the original text; half open.
    before, after
        What stood there in the original, and what stands there now.
    """

    rule: str
    start_char: int
    end_char: int
    before: str
    after: str


class EditedText:
    """A text, and what one rule after the other made of it.

    Parameters
    ----------
    original
        The text as it came.
    """

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = original
        self._rules: list[str] = []
        self._done: list[_Done] = []

    def apply(self, rule: str, edits: Sequence[Edit]) -> None:
        """Replace what a rule asks for.

        Parameters
        ----------
        rule
            The rule's name, as it is to stand in the log.
        edits
            Edits of `text` as it is now, sorted, none overlapping another.

        Raises
        ------
        ValueError
            The edits are not sorted, overlap, or lie outside the text.
        """
        if not edits:
            return
        _require_order(edits, len(self.text))
        if rule not in self._rules:
            self._rules.append(rule)
        number = self._rules.index(rule)
        if self._done:
            self._done = _composed(self._done, edits, self.text, number)
        else:
            self._done = [_Done(e.start, e.end, e.after, (number,)) for e in edits]
        self.text = _with(self.text, edits)

    def changes(self) -> tuple[Change, ...]:
        """Return the log: sorted spans of the original, none overlapping another."""
        found = []
        for done in self._done:
            before = self.original[done.start : done.end]
            if before != done.after:
                rule = "+".join(self._rules[number] for number in done.rules)
                found.append(Change(rule, done.start, done.end, before, done.after))
        return tuple(found)


@dataclass(slots=True)
class _Done:
    """A replaced span of the original, with the numbers of the rules that had a part in it."""

    start: int
    end: int
    after: str
    rules: tuple[int, ...]


def _require_order(edits: Sequence[Edit], length: int) -> None:
    if edits[0].start < 0 or edits[-1].end > length:
        raise ValueError("an edit lies outside the text")
    if any(edit.start > edit.end for edit in edits):
        raise ValueError("an edit ends before it begins")
    for one, other in pairwise(edits):
        twice = one.start == one.end == other.start == other.end
        if one.end > other.start or twice:
            raise ValueError(f"edits overlap or are not sorted: {one} and {other}")


def _with(text: str, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
    """Return the characters from ``start`` to ``end`` with the edits in them made."""
    parts: list[str] = []
    for edit in edits:
        parts += (text[start : edit.start], edit.after)
        start = edit.end
    parts.append(text[start:end])
    return "".join(parts)


def _composed(done: list[_Done], edits: Sequence[Edit], text: str, rule: int) -> list[_Done]:
    """Return both as one list of replaced spans of the original: a merge of two sorted lists.

    ``shift`` is how far a place after what was handled has moved from the original to ``text``.
    """
    merged: list[_Done] = []
    shift = i = j = 0
    while j < len(edits):
        start, end = edits[j].start, edits[j].end
        while i < len(done) and _precedes(done[i], shift, start, end):
            merged.append(done[i])
            shift += _growth(done[i])
            i += 1
        # The group: this edit, and all that overlaps it, and all that overlaps that.
        first, place, rules, moved, members = j, start - shift, {rule}, shift, i
        while True:
            if i < len(done) and _touches(done[i], moved, start, end):
                at = done[i].start + moved
                start, end = min(start, at), max(end, at + len(done[i].after))
                rules.update(done[i].rules)
                moved += _growth(done[i])
                i += 1
            elif j == first or (j < len(edits) and i > members and edits[j].start < end):
                end = max(end, edits[j].end)
                j += 1
            elif j < len(edits) and i > members and _inserts_at(edits[j], end, done[i - 1]):
                j += 1
            else:
                break
        place = min(place, start - shift)
        after = _with(text, edits[first:j], start, end)
        merged.append(_Done(place, end - moved, after, tuple(sorted(rules))))
        shift = moved
    return merged + done[i:]


def _growth(done: _Done) -> int:
    return len(done.after) - (done.end - done.start)


def _touches(done: _Done, shift: int, start: int, end: int) -> bool:
    """Whether a change has to be one with the span; ``shift`` is that of the change's start."""
    left = done.start + shift
    right = left + len(done.after)
    if start < right and left < end:
        return True
    # Two insertions at one place have no order of their own, so they become one.
    return start == end and start in (left, right) and (left == right or done.start == done.end)


def _precedes(done: _Done, shift: int, start: int, end: int) -> bool:
    right = done.start + shift + len(done.after)
    return right <= start and not _touches(done, shift, start, end)


def _inserts_at(edit: Edit, end: int, last: _Done) -> bool:
    """Whether an edit inserts at the end of a group whose last change inserted or deleted."""
    return edit.start == edit.end == end and (last.start == last.end or not last.after)


def repaired(original: str, changes: Sequence[Change]) -> str:
    """Return the cleaned text that a log makes of the original.

    Raises
    ------
    ValueError
        The log is not one of this text.
    """
    for change in changes:
        if original[change.start_char : change.end_char] != change.before:
            raise ValueError(f"the log does not fit the original at {change.start_char}")
    return _with(original, (Edit(c.start_char, c.end_char, c.after) for c in changes))


def restore(cleaned: str, changes: Sequence[Change]) -> str:
    """Return the original that a log belongs to.

    Raises
    ------
    ValueError
        The log is not one of this text.
    """
    back, shift = [], 0
    for change in changes:
        start = change.start_char + shift
        end = start + len(change.after)
        if cleaned[start:end] != change.after:
            raise ValueError(f"the log does not fit the cleaned text at {start}")
        back.append(Edit(start, end, change.before))
        shift += len(change.after) - len(change.before)
    return _with(cleaned, back)


def moved(spans: Iterable[tuple[int, int]], edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """Return the places of spans of a text after edits of that text.

    A span keeps its own characters; where an edit overlaps one of its ends, it takes in the whole
    replacement. What is inserted at one of its ends stays outside.

    Parameters
    ----------
    spans
        Half open spans of the text before the edits, in any order.
    edits
        Sorted edits, none overlapping another.
    """
    starts, ends = [edit.start for edit in edits], [edit.end for edit in edits]
    shifts = [0]
    for edit in edits:
        shifts.append(shifts[-1] + len(edit.after) - (edit.end - edit.start))

    def begin(at: int) -> int:
        number = bisect_right(ends, at)
        inside = number < len(edits) and starts[number] < at
        return shifts[number] + (starts[number] if inside else at)

    def finish(at: int) -> int:
        number = min(bisect_right(ends, at), bisect_left(starts, at))
        inside = number < len(edits) and starts[number] < at
        return shifts[number + 1] + ends[number] if inside else shifts[number] + at

    places = []
    for start, end in spans:
        first = begin(start)
        places.append((first, max(first, finish(end))))
    return places
