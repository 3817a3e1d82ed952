"""A window's data has the form and the values of the baseline, or it is said what differs."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import ObservationStatus
from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.quality.judging import judge
from pipewarden.monitoring.quality.observing import observations
from pipewarden.monitoring.quality.rules import QualityRules
from pipewarden.monitoring.quality.verdict import Fault

AT = datetime(2026, 3, 1, tzinfo=UTC)


def rows(number, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "income": np.exp(rng.normal(8, 0.7, number)),
        "age": rng.integers(20, 80, number),
        "home": rng.choice(["rent", "own"], number),
    }


@pytest.fixture(scope="module")
def baseline():
    return Baseline.freeze(rows(4_000))


def found(verdict, fault, name=""):
    (one,) = (r for r in verdict.of(fault) if r.name == name)
    return one


def bad(verdict):
    return {(r.fault.value, r.name) for r in verdict.results if r.bad}


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_window_like_the_baseline_is_good(baseline, seed):
    verdict = judge(baseline, rows(1_000, seed))
    assert bad(verdict) == set()
    assert verdict.bad is False
    assert all(result.value is not None for result in verdict.results)


def test_columns_that_are_absent_retyped_or_unknown_break_the_schema(baseline):
    window = rows(500, 1)
    del window["home"]
    window |= {"age": np.array(["old"] * 500), "extra": np.zeros(500)}
    verdict = judge(baseline, window)
    schema = found(verdict, Fault.SCHEMA)
    assert (schema.value, schema.bad) == (3.0, True)
    assert schema.reason == "absent: home; other type: age; unknown: extra"
    assert found(verdict, Fault.NEW_CATEGORY, "home").value is None


def test_columns_of_different_lengths_break_the_schema(baseline):
    window = rows(500, 1) | {"age": np.arange(30, 70)}
    assert found(judge(baseline, window), Fault.SCHEMA).reason == "columns of 40 and 500 rows"


def test_missing_values_that_grew_more_are_told(baseline):
    window = rows(500, 1)
    window["income"][:50] = np.nan
    verdict = judge(baseline, window)
    assert bad(verdict) == {("missing", "income")}
    one = found(verdict, Fault.MISSING, "income")
    assert (one.value, one.threshold) == (0.1, 0.05)


def test_an_upstream_that_changed_its_unit_leaves_the_range(baseline):
    window = rows(500, 1)
    window["income"] = window["income"] * 1_000
    verdict = judge(baseline, window)
    assert bad(verdict) == {("range", "income")}
    assert found(verdict, Fault.RANGE, "income").told["above"] > 490


def test_a_few_values_outside_of_the_range_are_what_chance_brings():
    held = Baseline.freeze({"x": np.random.default_rng(0).normal(size=300)})
    one = found(judge(held, {"x": np.random.default_rng(9).normal(size=300)}), Fault.RANGE, "x")
    assert one.bad is False
    wide = judge(held, {"x": np.random.default_rng(9).normal(size=300) * 3})
    assert found(wide, Fault.RANGE, "x").bad is True


@pytest.mark.parametrize(("new", "status"), [(100, "breach"), (1, "warn"), (0, "ok")])
def test_a_new_category_is_worth_a_look_and_many_are_a_breach(baseline, new, status):
    window = rows(500, 1)
    window["home"] = np.array([*(["boat"] * new), *window["home"][new:]])
    told = observations(judge(baseline, window), check_id="c", at=AT, subject="credit")
    (one,) = (o for o in told if o.metric == "quality.new_category")
    assert one.status == status
    assert one.value == new / 500
    assert one.evidence["shown"] == (["boat"] if new else [])


def test_new_categories_are_common_where_the_baseline_saw_most_of_its_levels_once():
    rng = np.random.default_rng(0)
    held = Baseline.freeze({"word": [f"w{n}" for n in rng.zipf(1.5, 900)]})
    window = {"word": [f"w{n}" for n in rng.zipf(1.5, 900)]}
    one = found(judge(held, window), Fault.NEW_CATEGORY, "word")
    assert one.value > one.threshold
    assert one.bad is False


def test_names_of_new_levels_are_cut(baseline):
    window = rows(500, 1) | {"home": np.array(["x" * 1_000] * 500)}
    one = found(judge(baseline, window), Fault.NEW_CATEGORY, "home")
    assert one.told["shown"] == ["x" * 40]


def test_a_batch_that_came_twice_has_copies(baseline):
    window = {name: np.concatenate([column, column]) for name, column in rows(300, 1).items()}
    one = found(judge(baseline, window), Fault.DUPLICATES)
    assert (one.value, one.bad) == (0.5, True)


def test_rows_that_are_often_equal_are_no_copies():
    def coarse(number, seed):
        rng = np.random.default_rng(seed)
        return {"a": rng.integers(0, 40, number), "b": rng.integers(0, 40, number)}

    held = Baseline.freeze(coarse(2_000, 0))
    one = found(judge(held, coarse(500, 1)), Fault.DUPLICATES)
    assert one.value > 0.05
    assert one.bad is False
    many = found(judge(held, coarse(20_000, 1)), Fault.DUPLICATES)
    assert many.value is None
    assert "cannot be told" in many.reason


BROKEN = {
    "no rows": ({}, "no such column"),
    "empty": ({"income": np.array([])}, "the window has 0 values; 200 are needed"),
    "all missing": ({"income": np.full(500, np.nan)}, "the window has 0 values"),
    "text": ({"income": np.array(["1"] * 500)}, "the window has 0 values"),
    "few": ({"income": np.ones(20)}, "the window has 20 values; 200 are needed"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_range_that_cannot_be_computed_says_why(baseline, fault):
    changed, words = BROKEN[fault]
    window = (rows(500, 1) | changed) if changed else {}
    one = found(judge(baseline, window), Fault.RANGE, "income")
    assert (one.value, one.bad) == (None, None)
    assert words in one.reason


def test_observations_bear_names_of_the_catalogue(baseline):
    told = observations(
        judge(baseline, {"age": np.arange(20)}), check_id="c", at=AT, subject="credit",
        environment="production", version=2, window="n=20",
    )  # fmt: skip
    assert {one.metric for one in told} == {f"quality.{fault.value}" for fault in Fault}
    assert {one.metric for one in told} <= set(METRICS)
    unknown = [one for one in told if one.status is ObservationStatus.NOT_COMPUTABLE]
    assert all(one.value is None and one.reason for one in unknown)
    assert [one.metric for one in told if one not in unknown] == ["quality.schema"]


def test_rules_are_the_callers(baseline):
    window = rows(500, 1)
    window["income"][:50] = np.nan
    assert bad(judge(baseline, window, QualityRules(missing_floor=0.2))) == set()
