"""What is recommended: only what the figures say, with them, and a command."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipewarden.core.costs import advice
from pipewarden.core.costs.advice import Group
from pipewarden.core.costs.figures import Cost, CostKind, total

AT = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = Group(names=(), cpu_seconds=0.0)


def run(items: int, cpu: float, **also) -> Cost:
    held = {"items": items, "cpu_seconds": cpu, "item_seconds": cpu, **also}
    return Cost(kind=CostKind.RUN, id="r", pipeline="p", began_at=AT, at=AT, **held)


def test_items_that_fail_again_are_named_with_their_share():
    found = advice.of_failing(
        "p", Group(names=["bad one", "b"], cpu_seconds=4, times=7), total([run(10, 20)])
    )
    assert "2 items failed in 3 runs or more" in found.words
    assert "7 attempts took 4.00 CPU s, 20% of all items'" in found.words
    assert (found.cpu_seconds, found.figures["share"]) == (4, 0.2)
    assert found.act == "pipewarden quarantine list --pipeline p"
    assert advice.of_failing("p", NOBODY, total([run(10, 20)])) is None


@pytest.mark.parametrize(("checks", "said"), [(2.9, False), (3.1, True)])
def test_checks_are_named_from_three_tenths_on(checks, said):
    found = advice.of_checks("p", total([run(10, 10, check_seconds=checks)]))
    assert (found is not None) is said
    if found:
        assert "31% of the items' CPU" in found.words
        assert "310.00 ms an item" in found.words


def test_a_stage_that_takes_most_is_named_where_there_are_several():
    whole = total([run(10, 8)])
    found = advice.of_stage("p", {"read": 1.0, "parse": 7.0}, 10.0, "r-1", whole)
    assert "the stage parse took 70% of the items' time, 7.00 of 10.00 s" in found.words
    assert found.cpu_seconds == pytest.approx(5.6)
    assert found.act == "pipewarden jobs status r-1"
    assert advice.of_stage("p", {"parse": 9.0}, 10.0, "r-1", whole) is None
    assert advice.of_stage("p", {"read": 5.0, "parse": 4.0}, 10.0, "r-1", whole) is None
    assert advice.of_stage("p", {}, 0.0, "", whole) is None


def test_runs_that_find_little_to_do_are_named():
    costs = [run(items, 5 + 0.1 * items) for items in (0, 1, 2, 4, 8)]
    found = advice.of_fixed("p", costs, total(costs))
    assert "94% of its CPU went into runs as such, 5.00 s each" in found.words
    assert found.cpu_seconds == pytest.approx(25)
    busy = [run(items, 5 + 0.1 * items) for items in (100, 200, 300, 400, 800)]
    assert advice.of_fixed("p", busy, total(busy)) is None
    assert advice.of_fixed("p", costs[:4], total(costs[:4])) is None


def test_few_items_that_take_most_are_named():
    whole = total([run(100, 10)])
    assert advice.most_named(100) == 5
    heavy = Group(names=["a", "b", "c", "d"], cpu_seconds=6, run_id="r-1")
    found = advice.of_heavy("p", heavy, whole)
    assert "4 items of 100 took 60% of all items' CPU" in found.words
    assert "a, b, c, …" in found.words
    assert found.act == "pipewarden jobs status r-1 --items all"
    light = Group(names=["a"], cpu_seconds=4, run_id="r-1")
    assert advice.of_heavy("p", light, whole) is None
    assert advice.of_heavy("p", heavy, total([run(19, 10)])) is None


def test_a_choice_that_never_changes_and_a_model_that_nobody_asks_are_named():
    whole = total([run(10, 10)])
    same = advice.of_unchanged("p", Group(names=["sales/a b"], cpu_seconds=5), 4, whole)
    assert "1 model chose the same each time: 4 fits after the first" in same.words
    assert same.act == "pipewarden models versions 'sales/a b'"
    idle = advice.of_unasked("p", Group(names=["m", "n"], cpu_seconds=2), 8, 30.0)
    assert "2 of 8 models that serve answered nothing in 30 days" in idle.words
    assert advice.of_unchanged("p", NOBODY, 0, whole) is None
    assert advice.of_unasked("p", NOBODY, 8, 30.0) is None


def test_what_costs_most_comes_first():
    lost = Group(names=["healing/1"], cpu_seconds=9)
    small = advice.of_unasked("p", Group(names=["m"], cpu_seconds=2), 8, 30.0)
    large = advice.of_healings("m", lost, 2)
    assert "1 of 2 healings of m did not help and took 9.00 CPU s" in large.words
    assert advice.ranked([small, None, large]) == [large, small]
    assert advice.of_healings("m", NOBODY, 2) is None
