"""Laws of assignment, of the ids of shadows, and of the interval that decides."""

from __future__ import annotations

import math
import uuid
from random import Random

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.models.challengers import (
    CHALLENGER_TRANSITIONS,
    Challenger,
    ChallengerMode,
    ChallengerState,
    assigned,
    beside,
)
from pipewarden.core.models.comparisons import (
    ComparisonMetric,
    ComparisonPlan,
    Figures,
    HarmLimits,
    harm_of,
)
from pipewarden.models.challenging.comparing import compare, distance
from pipewarden.models.challenging.evidence import Evidence, sums_of
from tiny_models import START

KEYS = [f"customer {number}" for number in range(4_000)]


def challenger(metric: ComparisonMetric, mode=ChallengerMode.SHADOW, number: int = 7) -> Challenger:
    return Challenger(
        id=number,
        model="a",
        environment="production",
        version=2,
        champion=1,
        mode=mode,
        share=0.5,
        plan=ComparisonPlan(metric=metric),
        state=ChallengerState.RUNNING,
        actor="ada",
        reason="",
        started_at=START,
    )


def evidence(one: list[tuple[float, ...]], other: list[tuple[float, ...]]) -> Evidence:
    return Evidence(
        champion={str(n): sums for n, sums in enumerate(one)},
        challenger={str(n): sums for n, sums in enumerate(other)},
        champion_rows=len(one),
        challenger_rows=len(other),
    )


class TestAssignment:
    @given(key=st.text(), number=st.integers(1, 10**9), share=st.floats(0, 1))
    def test_is_the_same_for_the_same_entity(self, key, number, share):
        assert assigned(key, number, share) == assigned(key, number, share)

    @given(key=st.text(), number=st.integers(1, 10**9), less=st.floats(0, 1), more=st.floats(0, 1))
    def test_grows_with_the_share_and_takes_nobody_back(self, key, number, less, more):
        less, more = sorted((less, more))
        assert not assigned(key, number, less) or assigned(key, number, more)

    @pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
    def test_gives_the_share(self, share):
        got = sum(assigned(key, 3, share) for key in KEYS) / len(KEYS)
        assert got == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / len(KEYS)))

    def test_divides_the_entities_anew_for_another_challenger(self):
        one = {key for key in KEYS if assigned(key, 1, 0.2)}
        other = {key for key in KEYS if assigned(key, 2, 0.2)}
        assert len(one & other) / len(one) == pytest.approx(0.2, abs=0.06)


class TestTheIdOfAShadow:
    @given(of=st.uuids(), number=st.integers(1, 10**9))
    def test_is_a_uuid_of_version_7_of_the_same_millisecond(self, of, number):
        made = uuid.UUID(beside(str(of), number))
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert made.int >> 80 == of.int >> 80

    def test_is_its_own_for_each_question_and_each_challenger(self):
        of = [f"00000000-0000-7000-8000-{number:012x}" for number in range(1_000)]
        assert len({beside(name, number) for name in of for number in (1, 2)}) == 2_000
        assert beside(of[0], 1) == beside(of[0], 1)


def test_a_challenger_runs_once_and_ends_once():
    running = ChallengerState.RUNNING
    for state, after in CHALLENGER_TRANSITIONS.items():
        assert (after == set(ChallengerState) - {running}) if state is running else not after


class TestAMetric:
    @pytest.mark.parametrize(
        ("metric", "answer", "label", "sums"),
        [
            (ComparisonMetric.BRIER, {"probability": 0.8}, 1, (pytest.approx(0.04), 1.0)),
            (ComparisonMetric.LOG_LOSS, {"probability": 0.5}, 0, (pytest.approx(0.6931472), 1.0)),
            (ComparisonMetric.F1, {"prediction": 1}, 1, (1.0, 0.0, 0.0)),
            (ComparisonMetric.F1, {"prediction": 1}, False, (0.0, 1.0, 0.0)),
            (ComparisonMetric.F1, {"prediction": 0}, True, (0.0, 0.0, 1.0)),
            (ComparisonMetric.ACCURACY, {"prediction": "yes"}, "yes", (1.0, 1.0)),
            (ComparisonMetric.ABSOLUTE_ERROR, {"prediction": 4.5}, 2, (2.5, 1.0)),
        ],
    )
    def test_is_made_of_what_each_row_adds(self, metric, answer, label, sums):
        assert sums_of(metric, answer, label) == sums

    @pytest.mark.parametrize("metric", ComparisonMetric)
    def test_is_not_made_of_an_answer_without_it(self, metric):
        assert sums_of(metric, {"score": 0.5}, 1) is None

    @pytest.mark.parametrize("answer", [{"probability": 1.5}, {"probability": math.nan}])
    def test_is_not_made_of_what_is_no_probability(self, answer):
        assert sums_of(ComparisonMetric.BRIER, answer, 1) is None


class TestAnInterval:
    def test_of_equals_holds_nothing_but_zero(self):
        rows = [(float(n % 3), 1.0) for n in range(60)]
        found = compare(challenger(ComparisonMetric.BRIER), evidence(rows, rows), 95)
        assert (found.improvement, found.low, found.high) == (0.0, 0.0, 0.0)

    def test_goes_the_way_of_the_metric(self):
        good, bad = [(1.0, 1.0)] * 50, [(0.0, 1.0)] * 50
        better = {
            metric: compare(challenger(metric), evidence(bad, good), 95).improvement
            for metric in (ComparisonMetric.ACCURACY, ComparisonMetric.BRIER)
        }
        assert better == {ComparisonMetric.ACCURACY: 1.0, ComparisonMetric.BRIER: -1.0}

    def test_of_pairs_is_narrower_than_of_two_samples(self):
        random = Random(3)
        rows = [(random.random(), 1.0) for _ in range(300)]
        a_little_less = [(loss - 0.01, 1.0) for loss, _ in rows]
        width = {}
        for mode in ChallengerMode:
            held = challenger(ComparisonMetric.BRIER, mode)
            found = compare(held, evidence(rows, a_little_less), 95)
            width[mode] = found.high - found.low
        assert width[ChallengerMode.SHADOW] < width[ChallengerMode.CANARY] / 100

    def test_is_that_of_the_normal_distribution_where_there_are_many_rows(self):
        random = Random(4)
        losses = [random.gauss(0, 1) for _ in range(2_000)]
        found = compare(
            challenger(ComparisonMetric.BRIER),
            evidence([(0.0, 1.0)] * 2_000, [(loss, 1.0) for loss in losses]),
            95,
        )
        mean = sum(losses) / 2_000
        error = math.sqrt(sum((loss - mean) ** 2 for loss in losses)) / 2_000
        assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)

    def test_holds_the_truth_as_often_as_it_says(self):
        random = Random(5)
        hits = 0
        for number in range(100):
            one = [(float(random.random() < 0.3), 1.0) for _ in range(100)]
            other = [(float(random.random() < 0.3), 1.0) for _ in range(100)]
            held = challenger(ComparisonMetric.BRIER, ChallengerMode.CANARY, number + 1)
            found = compare(held, evidence(one, other), 90)
            hits += found.low <= 0 <= found.high
        assert 82 <= hits <= 97

    def test_counts_a_customer_who_comes_often_once(self):
        often = [(30.0, 100.0), *[(0.0, 1.0)] * 40]
        found = compare(challenger(ComparisonMetric.BRIER), evidence(often, often[::-1]), 95)
        assert found.units == 41
        assert found.high - found.low > 0.2

    def test_of_f1_without_a_positive_is_not_computable_and_never_wins(self):
        none = [(0.0, 0.0, 0.0)] * 50
        found = compare(challenger(ComparisonMetric.F1), evidence(none, none), 95)
        assert math.isnan(found.improvement)
        assert not found.low > 0
        assert found.in_words() == "f1 is not computable on 50 labelled rows"

    def test_of_a_champion_that_finds_nothing_can_be_beaten(self):
        misses, hits = [(0.0, 0.0, 1.0)] * 50, [(1.0, 0.0, 0.0)] * 50
        found = compare(challenger(ComparisonMetric.F1), evidence(misses, hits), 95)
        assert (found.champion, found.challenger, found.low) == (0.0, 1.0, 1.0)


class TestADistance:
    def test_of_a_few_answers_is_not_told(self):
        assert distance([0.1] * 199, [0.9] * 500) is None

    def test_is_0_of_the_same_and_1_of_what_has_nothing_in_common(self):
        some = [n / 300 for n in range(300)]
        assert distance(some, some) == 0.0
        assert distance(some, [2.0] * 300) == 1.0


class TestHarm:
    @given(
        asked=st.integers(0, 1_000),
        failed=st.integers(0, 1_000),
        seconds=st.floats(0, 10),
    )
    def test_is_never_seen_in_fewer_questions_than_declared(self, asked, failed, seconds):
        limits = HarmLimits(asked=1_001)
        figures = Figures(asked=asked, failed=min(asked, failed), seconds=seconds)
        assert harm_of(figures, limits) == ""

    def test_is_counted_over_all_processes(self):
        one = Figures(asked=30, failed=1)
        assert harm_of(one, HarmLimits()) == ""
        assert "no answer to 2 of 60" in harm_of(one.plus(one), HarmLimits())
