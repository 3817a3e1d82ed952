"""A text with edits: the log is exact whatever rules do, in whatever order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.text.edits import (
    Change,
    Edit,
    EditedText,
    moved,
    repaired,
    restore,
)

ALPHABET = "ab \n"


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> list[Edit]:
    """Draw sorted edits that do not overlap, insertions and deletions among them."""
    points = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edits: list[Edit] = []
    for start, end in zip(points[::2], points[1::2], strict=False):
        if edits and (start < edits[-1].end or (edits[-1].start, edits[-1].end) == (start, end)):
            continue
        edits.append(Edit(start, end, draw(st.text(ALPHABET, max_size=3))))
    return edits


@st.composite
def edited(draw: st.DrawFn) -> EditedText:
    """Draw a text that up to five rules have edited."""
    text = EditedText(draw(st.text(ALPHABET, max_size=20)))
    for rule in draw(st.lists(st.sampled_from("pqr"), max_size=5)):
        edits = draw(edits_of(text.text))
        wanted = plainly(text.text, edits)
        text.apply(rule, edits)
        assert text.text == wanted
    return text


def plainly(text: str, edits: list[Edit]) -> str:
    for edit in reversed(edits):
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text


@given(edited())
def test_the_log_leads_to_the_text_and_back(text: EditedText) -> None:
    changes = text.changes()
    assert repaired(text.original, changes) == text.text
    assert restore(text.text, changes) == text.original


@given(edited())
def test_the_log_is_sorted_exact_and_without_empty_entries(text: EditedText) -> None:
    changes = text.changes()
    for change in changes:
        assert text.original[change.start_char : change.end_char] == change.before != change.after
        names = change.rule.split("+")
        assert len(names) == len(set(names))
    spans = [(change.start_char, change.end_char) for change in changes]
    assert spans == sorted(set(spans))
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_rules_that_touched_one_place_are_named_in_the_order_in_which_they_worked() -> None:
    text = EditedText("one two three")
    text.apply("z", [Edit(4, 7, "2")])
    text.apply("a", [Edit(0, 3, "1")])
    text.apply("a", [Edit(0, 3, "1-2")])
    assert text.text == "1-2 three"
    assert text.changes() == (Change("z+a", 0, 7, "one two", "1-2"),)


def test_a_change_that_was_undone_leaves_no_trace() -> None:
    text = EditedText("abc")
    text.apply("there", [Edit(1, 2, "B")])
    text.apply("back", [Edit(1, 2, "b")])
    assert text.changes() == ()


def test_distant_changes_stay_apart_and_in_terms_of_the_original() -> None:
    text = EditedText("aXbYc")
    text.apply("first", [Edit(1, 2, "")])
    text.apply("second", [Edit(2, 3, "yyy")])
    assert text.text == "abyyyc"
    assert text.changes() == (Change("first", 1, 2, "X", ""), Change("second", 3, 4, "Y", "yyy"))


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(2, 3, ""), Edit(0, 1, "")],
        [Edit(0, 2, ""), Edit(1, 3, "")],
        [Edit(2, 1, "")],
        [Edit(0, 4, "")],
        [Edit(-1, 1, "")],
        [Edit(1, 1, "x"), Edit(1, 1, "y")],
    ],
)
def test_edits_that_overlap_or_leave_the_text_are_refused(edits: list[Edit]) -> None:
    text = EditedText("abc")
    with pytest.raises(ValueError, match="edit"):
        text.apply("rule", edits)
    assert text.text == "abc"
    assert text.changes() == ()


def test_a_log_of_another_text_is_refused() -> None:
    change = Change("rule", 0, 1, "a", "bb")
    with pytest.raises(ValueError, match="original"):
        repaired("xyz", [change])
    with pytest.raises(ValueError, match="cleaned"):
        restore("xyz", [change])


@given(st.data())
def test_spans_keep_their_own_characters(data: st.DataObject) -> None:
    text = data.draw(st.text("abcdef", max_size=20))
    edits = data.draw(edits_of(text))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    ((first, last),) = moved([(start, end)], edits)
    after = plainly(text, edits)
    assert 0 <= first <= last <= len(after)
    kept = [e for e in edits if e.start < end and e.end > start]
    if start < end:
        inner = [Edit(max(e.start, start) - start, min(e.end, end) - start, e.after) for e in kept]
        assert after[first:last] == plainly(text[start:end], inner)


def test_many_edits_by_many_rules_stay_linear() -> None:
    text = EditedText("ab" * 100_000)
    for rule in ("one", "two", "three"):
        places = range(0, len(text.text), 2)
        text.apply(rule, [Edit(at, at + 1, rule[0] + "x") for at in places])
    assert text.text.startswith("tx")
    assert restore(text.text, text.changes()) == text.original
