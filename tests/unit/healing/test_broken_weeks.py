"""New weeks of a series that are broken, and those that only changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipewarden.healing.broken import judged
from pipewarden.healing.together.weeks import problems_of, tail_of
from pipewarden.settings.healing_policy import Quality

LIMITS = Quality()
TAIL = [100.0 + week % 20 for week in range(104)]


def weeks(amounts, every=1):
    first = date(2026, 1, 3)
    return [
        {"label": amount, "answer": {"steps": [{"ds": str(first + timedelta(weeks=n * every))}]}}
        for n, amount in enumerate(amounts)
    ]


@pytest.mark.parametrize("amount", [30.0, 60.0, 110.0, 240.0, 460.0])
def test_a_series_may_sell_much_more_or_less_than_before(amount):
    assert problems_of(TAIL, weeks([amount] * 8), LIMITS) == []


@pytest.mark.parametrize("times", [1 / 12, 12, 1000, 1 / 1000])
def test_amounts_beyond_all_that_was_sold_are_in_another_unit(times):
    (told,) = problems_of(TAIL, weeks([110 * times] * 8), LIMITS)
    assert "as in another unit" in told


def test_the_newer_half_of_the_weeks_decides():
    assert problems_of(TAIL, weeks([110.0] * 4 + [9.0] * 4), LIMITS) != []
    assert problems_of(TAIL, weeks([9.0] * 4 + [110.0] * 4), LIMITS) == []


def test_weeks_that_do_not_come_are_told():
    (told,) = problems_of(TAIL, weeks([110.0] * 8, every=2), LIMITS)
    assert told == "weeks: 47% of the new ones did not come, and 0% before"
    gaps = [value if n % 2 else None for n, value in enumerate(TAIL)]
    assert problems_of(gaps, weeks([110.0] * 8, every=2), LIMITS) == []


def test_little_is_known_of_a_short_series_and_nothing_of_no_weeks():
    assert problems_of(TAIL[:7], weeks([9.0] * 8), LIMITS) == []
    assert problems_of(TAIL, [], LIMITS) == []


def test_a_champion_that_is_a_series_is_known_by_its_tail():
    champion = {"baseline": {"tail": {"ds": [], "y": TAIL}, "forecast": [1.0]}}
    assert tail_of(champion) == TAIL
    assert tail_of({"baseline": {"columns": []}}) is None
    newest = weeks([9.0] * 8)
    assert judged(champion, weeks([110.0] * 8), LIMITS).problems == ()
    assert judged(champion, weeks([110.0] * 8), LIMITS, newest).problems != ()


def test_what_a_short_series_says_nothing_of_is_not_computable():
    champion = {"baseline": {"tail": {"ds": [], "y": TAIL[:7]}}}
    found = judged(champion, weeks([9.0] * 8), LIMITS)
    assert found.problems == ()
    assert found.not_computable == ("weeks: the champion knows 7 of them; 8 are needed",)
