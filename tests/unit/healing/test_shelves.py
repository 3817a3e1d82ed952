"""Made-up books: the same for the same seed, and changed as their world says, from then on."""

from __future__ import annotations

import pytest

from pipewarden.errors import UnknownName
from pipewarden.healing.simulation.shelves import SALES_WORLDS, Shelf, isbn, sales_world
from pipewarden.pipelines.sales.series.isbn import isbn13

BOOKS, CHANGED, WEEKS, SHIFT = 12, 4, 60, 30


def shelf(world, seed=7):
    return Shelf(sales_world(world), books=BOOKS, changed=CHANGED, shift_week=SHIFT, seed=seed)


def amounts(held, name, weeks=range(WEEKS)):
    return [held.sold(name, week) for week in weeks]


def test_books_have_names_whose_digits_add_up():
    names = shelf("stable").names
    assert len(set(names)) == BOOKS
    assert [isbn13(name) for name in names] == names
    assert isbn13(isbn(0)) == isbn(0)


def test_a_table_that_is_written_later_has_the_same_past():
    early, late = shelf("gradual").table(40), shelf("gradual").table(41)
    assert set(early.splitlines()) < set(late.splitlines())
    assert len(late.splitlines()) == 1 + BOOKS * 41
    assert shelf("gradual", seed=8).table(40) != early


@pytest.mark.parametrize("world", sorted(SALES_WORLDS))
def test_only_the_books_that_change_do_and_only_from_then_on(world):
    held, usual = shelf(world), shelf("stable")
    assert len(held.changing) == CHANGED
    for name in held.names:
        same = range(WEEKS) if name not in held.changing else range(SHIFT)
        assert amounts(held, name, same) == amounts(usual, name, same)
    some = [amounts(held, name) != amounts(usual, name) for name in sorted(held.changing)]
    assert all(some) == (world != "stable")


def after(world, weeks):
    """Return what arrives of a book that changes, beside what would have: sums of some weeks."""
    held, usual = shelf(world), shelf("stable")
    name = min(held.changing)
    return sum(amounts(held, name, weeks)) / sum(amounts(usual, name, weeks))


def test_worlds_change_as_they_are_called():
    assert after("level-shift", range(30, 60)) == pytest.approx(1.8, rel=0.02)
    assert after("gradual", range(30, 33)) < 1.3 < after("gradual", range(45, 60))
    assert after("recurring", range(30, 38)) == pytest.approx(1.8, rel=0.02)
    assert after("recurring", range(38, 46)) == pytest.approx(1.0, rel=0.02)
    assert after("broken-unit", range(30, 60)) == pytest.approx(1 / 12, rel=0.05)
    held = shelf("missing-weeks")
    gone = [week for week in range(30, 60) if held.sold(min(held.changing), week) is None]
    assert 5 < len(gone) < 25
    assert sum(line.count(b",") for line in held.table(30).splitlines()) == 2 * (1 + BOOKS * 30)


def test_an_unknown_world_is_refused_with_those_there_are():
    with pytest.raises(UnknownName) as raised:
        sales_world("flood")
    assert "level-shift" in str(raised.value.next_step)
