"""Worlds change when they should, and a stream of one seed is always the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipewarden.errors import UnknownName
from pipewarden.healing.simulation.clock import BEGIN, SimulatedClock
from pipewarden.healing.simulation.people import TARGET, population, table
from pipewarden.healing.simulation.stream import Plan, Stream
from pipewarden.healing.simulation.worlds import USUAL, WORLDS, Conditions, world_of


class Notebook:
    """A front that writes down what it is asked and told."""

    def __init__(self):
        self.asked, self.told = [], []

    def predict(self, model, rows):
        self.asked += rows
        return [f"p{len(self.asked) - len(rows) + n}" for n in range(len(rows))]

    def report(self, reports):
        self.told += reports

    def close(self):
        pass


def streamed(days=3.0, **plan):
    front = Notebook()
    stream = Stream(Plan(**{"world": WORLDS["sudden"], **plan}), front, "credit", BEGIN)
    stream.days(days)
    return front, stream


def rate(people):
    return sum(one.fails for one in people) / len(people)


@pytest.mark.parametrize("name", sorted(set(WORLDS) - {"seasonal"}))
def test_before_its_change_every_world_is_the_usual_one(name):
    assert WORLDS[name](-0.01) == USUAL


@pytest.mark.parametrize("name", sorted(set(WORLDS) - {"stable", "seasonal"}))
def test_after_its_change_no_world_is(name):
    assert WORLDS[name](1.0) != USUAL


def test_a_gradual_world_changes_little_by_little_and_a_recurring_one_comes_back():
    shares = [WORLDS["gradual"](day).concept for day in (0, 7, 14, 30)]
    assert shares == [0, 0.5, 1, 1]
    assert [WORLDS["recurring"](day).concept for day in (0, 6.9, 7, 14)] == [1, 1, 0, 1]


def test_an_unknown_world_is_refused_with_those_known():
    with pytest.raises(UnknownName) as refused:
        world_of("rosy")
    assert "sudden" in refused.value.next_step


def test_the_same_seed_gives_the_same_people():
    assert population(50, 3) == population(50, 3)
    assert population(50, 3) != population(50, 4)


def test_people_are_in_the_ranges_that_the_table_describes():
    people = population(2_000, 1)
    assert 0.15 < rate(people) < 0.35
    for one in people:
        assert 18 <= one.features["age"] <= 120
        assert 0 <= one.features["RevolvingUtilizationOfUnsecuredLines"] <= 1
    told = [one.features["MonthlyIncome"] for one in people]
    assert 0.1 < sum(income is None for income in told) / len(told) < 0.2


def test_trouble_makes_more_of_them_fail():
    assert rate(population(2_000, 1, Conditions(distress=0.8))) > rate(population(2_000, 1)) + 0.05


def test_a_table_has_the_target_and_an_empty_cell_for_what_is_not_told():
    lines = table(population(200, 1)).decode().splitlines()
    assert lines[0].startswith(TARGET)
    assert len(lines) == 201
    assert any(",," in line for line in lines)


def test_a_stream_asks_as_often_as_it_says_and_labels_come_late():
    front, stream = streamed(days=3, rows_a_day=100, delay_hours=30)
    assert stream.asked == len(front.asked) == 300
    assert (
        stream.told
        == len(front.told)
        == sum(100 * (hour + 1) // 24 - 100 * hour // 24 for hour in range(24)) + 100 * 18 // 24
    )
    assert front.told[0].at == BEGIN + timedelta(hours=30)


def test_only_a_share_gets_a_label():
    front, _ = streamed(days=3, rows_a_day=400, delay_hours=0, labelled=0.5)
    assert 0.4 < len(front.told) / len(front.asked) < 0.6


def test_flipped_labels_say_the_opposite():
    true, _ = streamed(delay_hours=0, world=WORLDS["stable"], shift_day=0)
    flipped, _ = streamed(delay_hours=0, world=WORLDS["poisoned"], shift_day=0)
    pairs = zip(true.told, flipped.told, strict=True)
    assert all(one.value != other.value for one, other in pairs)


def test_a_clock_does_not_go_back():
    clock = SimulatedClock()
    clock.pass_by(hours=2)
    clock.to(BEGIN)
    assert clock() == BEGIN + timedelta(hours=2)
