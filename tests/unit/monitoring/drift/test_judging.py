"""Drift is what is significant, large and seen on enough rows; the rest is said, never guessed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.judging import judge
from pipewarden.monitoring.drift.rules import DriftRules, persisted
from pipewarden.monitoring.drift.verdict import Computed, DriftKind, NotComputed


def results(verdict, kind=DriftKind.VALUES):
    return {result.name: result for result in verdict.of(kind)}


def drifted(verdict):
    return {(r.kind.value, r.name) for r in verdict.results if r.drifted}


def reason(result) -> str:
    assert isinstance(result.finding, NotComputed)
    assert result.drifted is None
    return result.finding.reason


@pytest.mark.parametrize("rows", [200, 2_000, 20_000])
def test_a_window_of_the_same_world_does_not_drift(baseline, world, rows):
    made = world(rows, seed=rows)
    verdict = judge(baseline, made["columns"], made["scores"], labels=made["labels"])
    assert drifted(verdict) == set()
    assert verdict.not_computable == ()
    assert (verdict.observed_share, verdict.drifted) == (0.0, False)


@pytest.mark.parametrize("shift", [0.2, -0.2, 1.0])
def test_a_shifted_column_drifts_and_no_other(baseline, world, shift):
    verdict = judge(baseline, world(2_000, seed=2, shift=shift * 0.7)["columns"])
    assert drifted(verdict) == {("values", "income")}
    assert verdict.observed_share == 0.25
    assert not verdict.drifted


def test_other_shares_of_levels_drift(baseline, world):
    columns = world(2_000, seed=3)["columns"]
    columns["job"] = np.where(columns["job"] == "clerk", "nurse", columns["job"])
    verdict = judge(baseline, columns)
    assert ("values", "job") in drifted(verdict)
    finding = results(verdict)["job"].finding
    assert isinstance(finding, Computed)
    assert finding.test == "chi_square"
    assert finding.told["level"] in ("clerk", "nurse")


def test_numbers_of_few_values_are_tested_by_chi_square(baseline, world):
    finding = results(judge(baseline, world(1_000, seed=4)["columns"]))["loans"].finding
    assert isinstance(finding, Computed)
    assert finding.test == "chi_square"
    assert finding.p_value == finding.statistics["chi_square_p"]


def test_a_difference_that_is_sure_but_small_is_no_drift(baseline, world):
    finding = results(judge(baseline, world(200_000, seed=5, shift=0.06)["columns"]))[
        "income"
    ].finding
    assert isinstance(finding, Computed)
    assert finding.significant
    assert not finding.large
    assert not finding.drifted


def test_a_difference_that_is_large_but_unsure_is_no_drift():
    before = Baseline.freeze({"x": np.random.default_rng(0).normal(size=5_000)})
    window = {"x": np.random.default_rng(8).normal(0.1, 1.0, 200)}
    finding = results(judge(before, window))["x"].finding
    assert isinstance(finding, Computed)
    assert finding.large
    assert not finding.significant


def test_a_body_that_moved_is_seen_behind_a_tail_that_is_far():
    rng = np.random.default_rng(7)
    tail = np.concatenate([np.zeros(4_900), rng.normal(1e6, 1e5, 100)])
    body = rng.normal(size=5_000)
    window = np.concatenate([rng.normal(0.8, 1, 2_000), rng.normal(1e6, 1e5, 40)])
    finding = results(judge(Baseline.freeze({"x": body + tail}), {"x": window}))["x"].finding
    assert isinstance(finding, Computed)
    assert finding.statistics["wasserstein"] < 0.1
    assert finding.effect == "jensen_shannon"
    assert finding.drifted


# ── missing values ───────────────────────────────────────────────────────────────────────────────


def without(column, share, seed=0):
    out = np.array(column, dtype=object)
    out[np.random.default_rng(seed).random(len(out)) < share] = None
    return out


def test_values_that_go_missing_are_a_finding_of_their_own(baseline, world):
    columns = world(1_000, seed=8)["columns"]
    columns["income"] = without(columns["income"], 0.3)
    verdict = judge(baseline, columns)
    assert drifted(verdict) == {("missing", "income")}
    assert verdict.drifted_columns == ("income",)
    finding = results(verdict, DriftKind.MISSING)["income"].finding
    assert isinstance(finding, Computed)
    assert finding.told["share"] == pytest.approx(0.3, abs=0.05)


def test_a_column_that_is_all_missing_is_not_computable_and_counts_as_drifted(baseline, world):
    columns = world(1_000, seed=9)["columns"] | {"age": np.full(1_000, np.nan)}
    verdict = judge(baseline, columns)
    assert reason(results(verdict)["age"]) == "every value of the window is missing"
    assert drifted(verdict) == {("missing", "age")}
    assert "age" in verdict.judged_columns


def test_fewer_missing_values_than_before_are_no_finding(world):
    columns = world(2_000, seed=1)["columns"]
    held = Baseline.freeze(columns | {"income": without(columns["income"], 0.5)})
    assert drifted(judge(held, world(2_000, seed=2)["columns"])) == set()


def test_a_code_for_none_is_a_missing_value():
    rng = np.random.default_rng(1)
    held = Baseline.freeze({"late": rng.poisson(3, 1_000)}, missing={"late": [96, 98]})
    window = np.where(rng.random(1_000) < 0.2, 98, rng.poisson(3, 1_000))
    assert drifted(judge(held, {"late": window})) == {("missing", "late")}


# ── what cannot be computed ──────────────────────────────────────────────────────────────────────

BROKEN = {
    "empty": (np.array([]), "the window has no rows"),
    "all missing": (np.array([None] * 500), "every value of the window is missing"),
    "all infinite": (np.full(500, np.inf), "every value of the window is missing"),
    "too few": (np.arange(37.0), "the window has 37 values; 200 are needed"),
    "text": (np.array(["12"] * 500), "the window holds no number, but text"),
    "texts among objects": (np.array(["12", None] * 300, dtype=object), "but str"),
    "times": (np.full(500, np.datetime64("2026-01-01")), "but datetime64"),
    "lists": ([[1.0]] * 500, "but list"),
    "two dimensions": (np.ones((500, 2)), "2 dimensions"),
    "complex": (np.full(500, 1j), "but complex128"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_column_is_not_computable_and_costs_no_other(baseline, world, fault):
    column, words = BROKEN[fault]
    sound = judge(baseline, world(500, seed=11)["columns"])
    verdict = judge(baseline, world(500, seed=11)["columns"] | {"income": column})
    assert words in reason(results(verdict)["income"])
    assert drifted(verdict) <= {("missing", "income")}
    for name in ("age", "loans", "job"):
        ours, theirs = results(verdict)[name].finding, results(sound)[name].finding
        assert isinstance(ours, Computed)
        assert isinstance(theirs, Computed)
        assert ours.statistics == theirs.statistics


def test_a_column_that_the_window_lacks_is_not_computable(baseline, world):
    columns = world(500, seed=12)["columns"]
    del columns["job"]
    verdict = judge(baseline, columns)
    assert reason(results(verdict)["job"]) == "the window has no such column"
    assert verdict.judged_columns == ("age", "income", "loans")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (np.zeros(500), "one value only"),
        (np.array(["a"] * 500), "one value only"),
        (np.full(500, np.nan), "the baseline has 0 values"),
        (np.array([f"name {n}" for n in range(1_500)]), "they are names"),
    ],
)
def test_a_baseline_that_tells_nothing_is_not_computable(column, words):
    held = Baseline.freeze({"x": column})
    window = np.array([f"other {n}" for n in range(500)]) if column.dtype.kind == "U" else None
    verdict = judge(held, {"x": np.arange(500.0) if window is None else window})
    assert words in reason(results(verdict)["x"])
    assert (verdict.observed_share, verdict.drifted) == (None, None)


def test_an_empty_window_has_no_observed_share(baseline):
    verdict = judge(baseline, {}, [], labels=[])
    assert (verdict.rows, verdict.observed_share, verdict.drifted) == (0, None, None)
    assert len(verdict.not_computable) == len(verdict.results)


def test_a_number_beyond_any_float_is_a_missing_value(baseline, world):
    columns = world(500, seed=13)["columns"]
    columns["income"] = np.array([10**400, 1e300, *columns["income"][2:]], dtype=object)
    found = results(judge(baseline, columns), DriftKind.MISSING)["income"].finding
    assert isinstance(found, Computed)
    assert found.told["share"] == 2 / 500


odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=2)
)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(odd, max_size=250))
def test_whatever_a_column_holds_it_is_judged_or_told_why_not(baseline, values):
    window = {name: np.array([*values, None], dtype=object)[:-1] for name in baseline.columns}
    verdict = judge(baseline, window, values, labels=values)
    assert all(isinstance(r.finding, Computed) or r.finding.reason for r in verdict.results)
    for result in verdict.results:
        if isinstance(result.finding, Computed):
            assert 0.0 <= result.finding.p_value <= result.finding.p_adjusted <= 1.0
            assert np.isfinite(result.finding.value)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_order_of_rows_means_nothing(baseline, world):
    columns = world(800, seed=14, shift=0.1)["columns"]
    order = np.random.default_rng(0).permutation(800)
    shuffled = {name: column[order] for name, column in columns.items()}
    one, other = judge(baseline, columns), judge(baseline, shuffled)
    for ours, theirs in zip(one.results, other.results, strict=True):
        assert isinstance(ours.finding, Computed)
        assert isinstance(theirs.finding, Computed)
        assert ours.finding.statistics == pytest.approx(theirs.finding.statistics)


def test_the_more_a_column_shifts_the_larger_its_effect(baseline, world):
    sizes = []
    for shift in (0.0, 0.1, 0.3, 0.6, 1.0):
        verdict = judge(baseline, world(1_000, seed=15, shift=shift)["columns"])
        finding = results(verdict)["income"].finding
        assert isinstance(finding, Computed)
        sizes.append(finding.value / finding.floor)
    assert sizes == sorted(sizes)


def test_one_more_test_makes_none_of_the_others_surer(baseline, world):
    made = world(600, seed=16, shift=0.15)
    alone = results(judge(baseline, made["columns"]))["income"].finding
    beside = results(judge(baseline, made["columns"], made["scores"]))["income"].finding
    assert isinstance(alone, Computed)
    assert isinstance(beside, Computed)
    assert beside.p_value == alone.p_value
    assert beside.p_adjusted >= alone.p_adjusted


# ── scores, labels, segments ─────────────────────────────────────────────────────────────────────


def test_scores_that_rose_drift(baseline, world):
    made = world(1_000, seed=17)
    verdict = judge(baseline, made["columns"], np.sqrt(made["scores"]))
    assert drifted(verdict) == {("scores", "")}


def test_labels_that_come_more_often_are_prior_and_concept_drift(baseline, world):
    made = world(2_000, seed=18)
    more = np.where(np.random.default_rng(0).random(2_000) < 0.15, 1.0, made["labels"])
    verdict = judge(baseline, made["columns"], made["scores"], labels=more)
    assert drifted(verdict) == {("labels", ""), ("concept", "")}


def test_scores_that_tell_less_than_they_did_are_concept_drift_alone(baseline, world):
    made = world(4_000, seed=19, tilt=0.0)
    verdict = judge(baseline, made["columns"], made["scores"], labels=made["labels"])
    assert ("concept", "") in drifted(verdict)
    finding = results(verdict, DriftKind.CONCEPT)[""].finding
    assert isinstance(finding, Computed)
    assert finding.told["slope"] < 0.3
    assert finding.told["baseline_slope"] == pytest.approx(1.0, abs=0.1)


def test_labels_that_are_not_known_yet_are_left_out(baseline, world):
    made = world(1_000, seed=20)
    known = np.where(np.arange(1_000) < 300, made["labels"], np.nan)
    verdict = judge(baseline, made["columns"], made["scores"], labels=known)
    for kind in (DriftKind.LABELS, DriftKind.CONCEPT):
        assert results(verdict, kind)[""].sample == 300


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([np.nan] * 500, "no row has both"),
        ([1.0] * 500, "every label is 1"),
        ([0.0, 1.0, 2.0, 1.0] * 125, "not 0 and 1"),
        ([0.0] * 497 + [1.0] * 3, "3 of the rarer label; 10 are needed"),
        ([0.0, 1.0] * 50 + [np.nan] * 400, "100 labels; 200 are needed"),
        ([0.0, 1.0], "500 scores and 2 labels"),
    ],
)
def test_concept_drift_that_cannot_be_computed_says_why(baseline, world, labels, words):
    made = world(500, seed=21)
    verdict = judge(baseline, made["columns"], made["scores"], labels=np.array(labels))
    assert words in reason(results(verdict, DriftKind.CONCEPT)[""])


def test_a_baseline_without_scores_or_labels_says_so(world):
    made = world(500, seed=22)
    held = Baseline.freeze(made["columns"])
    verdict = judge(held, made["columns"], made["scores"], labels=made["labels"])
    told = {r.kind: reason(r) for r in verdict.not_computable}
    assert told == {
        DriftKind.SCORES: "the baseline has no scores",
        DriftKind.LABELS: "the baseline has no labels",
        DriftKind.CONCEPT: "the baseline has no scores with labels",
    }


def test_a_population_that_grew_older_is_told_by_segment(baseline, world):
    columns = world(2_000, seed=23)["columns"]
    columns["age"] = np.where(columns["age"] < 30, columns["age"] + 40, columns["age"])
    verdict = judge(baseline, columns)
    found = {name for kind, name in drifted(verdict) if kind == "segment"}
    assert found == {"age <30", "age >=60"}
    assert {r.name for r in verdict.of(DriftKind.SEGMENT)} == {
        "age <30", "age 30-<60", "age >=60", "job clerk", "job driver", "job nurse"
    }  # fmt: skip


def test_a_segment_that_is_too_rare_is_not_computable(world):
    columns = world(1_000, seed=24)["columns"]
    held = Baseline.freeze(columns, segments={"age": (79.5,), "gone": (1,)})
    told = results(judge(held, world(400, seed=25)["columns"]), DriftKind.SEGMENT)
    assert "times only" in reason(told["age >=79.5"])
    assert reason(told["gone"]) == "the baseline has no such column"


# ── persistence ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("history", "lasts"),
    [
        ([True], False),
        ([True, True], True),
        ([True, False, True], True),
        ([True, False, False], False),
        ([True, True, False, False], False),
        ([], False),
    ],
)
def test_drift_lasts_when_two_of_the_last_three_windows_drifted(history, lasts):
    assert persisted(history, 2, 3) is lasts


@pytest.mark.parametrize(("k", "n"), [(0, 3), (4, 3)])
def test_more_windows_than_are_looked_at_cannot_be_asked(k, n):
    with pytest.raises(ValueError, match="k of n"):
        persisted([True], k, n)


@given(history=st.lists(st.booleans()), k=st.integers(1, 5), more=st.integers(0, 5))
def test_a_stricter_rule_never_says_more(history, k, more):
    assert persisted(history, k, 5 + more) or not persisted(history, min(5, k + 1), 5)


def test_rules_are_the_callers(baseline, world):
    made = world(150, seed=26, shift=1.0)
    strict = judge(baseline, made["columns"])
    loose = judge(baseline, made["columns"], rules=DriftRules(minimum_sample=100))
    assert reason(results(strict)["income"]) == "the window has 150 values; 200 are needed"
    assert results(loose)["income"].drifted


def test_a_floor_of_zero_leaves_it_to_significance(baseline, world):
    rules = DriftRules(wasserstein_floor=0.0, jensen_shannon_floor=0.0)
    verdict = judge(baseline, world(20_000, seed=5, shift=0.06)["columns"], rules=rules)
    assert drifted(verdict) == {("values", "income")}
