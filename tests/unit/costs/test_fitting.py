"""Cost by items: the line, its interval, and when there is too little to draw one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.costs.fitting import fit, forecast, quantile, too_little, within

ITEMS = [0, 10, 20, 40, 80, 160]


def costs(fixed: float, each: float, items=ITEMS):
    return [fixed + each * number for number in items]


@given(fixed=st.floats(0, 1e4), each=st.floats(0.001, 1e3), volume=st.floats(0.1, 100))
def test_what_lies_on_a_line_is_found_and_continued(fixed, each, volume):
    held = forecast(ITEMS, costs(fixed, each), volume, level=0.9)
    near = pytest.approx
    assert held.line.fixed == near(fixed, rel=1e-6, abs=1e-6 * (each + 1))
    assert held.line.each == near(each, rel=1e-6, abs=1e-9 * (fixed + 1))
    assert held.value == near(sum(costs(fixed, each * volume)), rel=1e-6)
    assert held.low <= held.value <= held.high


def test_no_part_is_negative():
    through_zero = fit(ITEMS, [max(0.0, cost) for cost in costs(-5, 1)])
    assert (through_zero.fixed, through_zero.each > 0) == (0.0, True)
    assert through_zero.freedom == len(ITEMS) - 1
    flat = fit(ITEMS, costs(100, -0.5))
    assert (flat.each, flat.fixed > 0) == (0.0, True)


def test_runs_without_work_weigh_no_more_than_one_with_one_item():
    line = fit([0, 0, 0, 10, 100], [2, 2, 2, 3, 12])
    assert line.fixed == pytest.approx(2)
    assert line.each == pytest.approx(0.1)


def test_the_interval_holds_what_comes_as_often_as_it_says():
    draw = random.Random(7)

    def cost(number: int) -> float:
        return 5 + 0.1 * number + draw.gauss(0, 0.05 * max(number, 1) ** 0.5)

    held = 0
    for _ in range(500):
        items = [draw.randint(0, 200) for _ in range(10)]
        found = forecast(items, list(map(cost, items)), 10, level=0.9)
        held += found.low <= sum(cost(10 * number) for number in items) <= found.high
    assert 0.85 <= held / 500 <= 0.95


def test_more_scatter_makes_a_wider_interval():
    smooth = forecast(ITEMS, costs(1, 1), 10, level=0.9)
    rough = [cost * (1.3 if index % 2 else 0.7) for index, cost in enumerate(costs(1, 1))]
    wide = forecast(ITEMS, rough, 10, level=0.9)
    assert wide.high - wide.low > 10 * (smooth.high - smooth.low)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "too few runs: 0"),
        ([1, 2, 3, 4], "too few runs: 4"),
        ([0, 0, 0, 10, 20], "2 of which had work"),
        ([100, 110, 105, 100, 120], "about the same work, 100 to 120 items"),
    ],
)
def test_it_is_said_why_there_is_no_line(items, words):
    assert words in too_little(items)


def test_five_runs_of_different_sizes_are_enough():
    assert too_little([0, 0, 10, 12, 15]) == ""


@pytest.mark.parametrize(
    ("level", "freedom", "t"),
    # Student's t, two-sided: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
    [(0.9, 1, 6.314), (0.9, 4, 2.132), (0.95, 10, 2.228), (0.99, 30, 2.750), (0.9, 9_999, 1.646)],
)
def test_students_t_is_that_of_the_tables(level, freedom, t):
    assert quantile(level, freedom) == pytest.approx(t, abs=6e-4)


@given(level=st.floats(0.01, 0.999), freedom=st.integers(1, 200))
def test_quantile_and_probability_are_inverse(level, freedom):
    assert within(quantile(level, freedom), freedom) == pytest.approx(level, abs=1e-6)
