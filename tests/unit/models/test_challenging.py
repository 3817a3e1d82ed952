"""A challenger runs under a plan declared beforehand, ends once, and never touches the champion."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from pipewarden.core.models.challengers import ChallengerMode
from pipewarden.core.models.comparisons import ComparisonMetric, ComparisonPlan, Figures
from pipewarden.errors import Conflict, IllegalTransition, UnknownName, UsageError
from pipewarden.models import deploying, rolling_back
from pipewarden.models.challenging import ending, judging
from pipewarden.models.outcome import Outcome
from pipewarden.store.state.models import challengers, versions
from tiny_challengers import PLAN, answered, both, labelled, now, right, start, two, unsure, wrong
from tiny_models import EVIL

CANARY = ChallengerMode.CANARY


@pytest.fixture
def pair(house):
    """Return a house in which version 1 of a model serves, and version 2 does not."""
    two(house)
    return house


def judged(house, held):
    return judging.judge(house.context, held.id)


def counted(house, held, **figures):
    with house.database.write() as conn:
        challengers.count(conn, held.id, Figures(**figures))


class TestABeginning:
    def test_is_told_to_ledger_and_world_and_leaves_the_champion(self, pair):
        held = start(pair)
        assert (held.version, held.champion, held.state) == (2, 1, "running")
        assert pair.acts()[-1] == ("challenger.started", "a@2")
        assert pair.events()[-1] == ("started", "a@2")
        assert pair.serving() == 1
        assert pair.sound()

    def test_of_a_second_one_is_refused_while_the_first_runs(self, pair):
        pair.train("a", 0, 2)
        first = start(pair)
        with pytest.raises(Conflict, match="another challenger"):
            start(pair, 3)
        assert [one.id for one in judging.running(pair.context)] == [first.id]
        ending.stop(pair.context, first.id, reason="enough")
        assert start(pair, 3).running

    def test_needs_a_champion_that_was_found_good(self, house):
        house.train("a", 1)
        with pytest.raises(Conflict, match="nothing serves in production"):
            start(house, 1)

    @pytest.mark.parametrize(
        ("version", "fault", "why"),
        [(1, Conflict, "is the champion"), (9, UnknownName, "no version 9")],
    )
    def test_is_of_another_version_than_the_champion(self, pair, version, fault, why):
        with pytest.raises(fault, match=why):
            start(pair, version)

    def test_of_a_version_that_may_not_be_deployed_is_refused(self, pair):
        pair.train("a", 0, 2, deployable=False)
        pair.train("a", EVIL)
        with pytest.raises(Conflict, match="quarantined"):
            start(pair, 3)
        with pytest.raises(Conflict, match="its answers are evil"):
            start(pair, 4)
        assert judging.running(pair.context) == []

    @pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
    def test_of_a_canary_needs_a_share(self, pair, share):
        with pytest.raises(UsageError, match="share of a canary"):
            start(pair, mode=CANARY, share=share)

    def test_under_a_plan_that_decides_nothing_is_refused(self, pair):
        plan = replace(PLAN, labelled=1, hours=0, confidence=101)
        with pytest.raises(UsageError, match=r"fewer than 2.*hours.*confidence"):
            start(pair, plan=plan)

    def test_of_a_canary_needs_the_signature_that_a_deployment_needs(self, strict):
        house = strict(cooldown_days=0, approval=False)
        two(house)
        policy = house.context.policy("production").model_copy(update={"approval": True})
        environments = {"production": policy}
        house.change(settings=house.context.settings.model_copy(
            update={"environments": environments}
        ))  # fmt: skip
        with pytest.raises(Conflict, match="nobody signed"):
            start(house, mode=CANARY, share=0.5)
        assert start(house).running  # nobody gets a shadow's answers

    def test_keeps_its_version_from_being_cleaned_up(self, pair):
        held = start(pair)
        ending.stop(pair.context, held.id, reason="enough")
        with pair.database.read() as conn:
            assert ("a", 2) in versions.referenced(conn)

    def test_takes_the_place_of_one_whose_champion_went(self, pair):
        first = start(pair)
        pair.train("a", 0, 1)
        deploying.deploy(pair.context, "a", "production", "3", reason="")
        second = start(pair)
        assert (now(pair, first).state, second.champion) == ("overtaken", 3)


@pytest.mark.parametrize(("mode", "rows"), [(ChallengerMode.SHADOW, 120), (CANARY, 300)])
class TestAComparison:
    def test_waits_for_the_declared_number(self, pair, mode, rows):
        held = start(pair, mode=mode, share=0.5)
        both(pair, held, rows // 4, unsure, right)
        found = judged(pair, held)
        assert found.challenger.running
        assert "of 100 labelled" in found.reason

    def test_is_won_by_one_that_is_surely_better(self, pair, mode, rows):
        held = start(pair, mode=mode, share=0.5)
        both(pair, held, rows, unsure, right)
        found = judged(pair, held)
        assert found.challenger.state == "won"
        assert found.comparison.improvement == pytest.approx(0.15)  # 0.4² - 0.1²
        assert found.comparison.low <= found.comparison.improvement <= found.comparison.high
        assert pair.acts()[-1] == ("challenger.won", "a@2")
        assert pair.events()[-1] == ("ended", "a@2")
        assert pair.serving() == 1

    def test_is_lost_where_the_margin_is_not_reached(self, pair, mode, rows):
        plan = replace(PLAN, margin=0.2)
        held = start(pair, mode=mode, share=0.5, plan=plan)
        both(pair, held, rows, unsure, right)
        assert judged(pair, held).challenger.state == "lost"

    def test_is_lost_by_an_equal_unless_it_may_be_a_little_worse(self, pair, mode, rows):
        for margin, state in ((0.0, "lost"), (-0.01, "won")):
            held = start(pair, mode=mode, share=0.5, plan=replace(PLAN, margin=margin))
            both(pair, held, rows, right, right)
            assert judged(pair, held).challenger.state == state
            with pair.database.write() as conn:  # the same ids are answered again
                conn.exec_driver_sql("DELETE FROM predictions")
                conn.exec_driver_sql("DELETE FROM labels")

    def test_is_stopped_at_once_by_harm(self, pair, mode, rows):
        held = start(pair, mode=mode, share=0.5, plan=replace(PLAN, labelled=100_000))
        both(pair, held, rows, right, wrong)
        found = judged(pair, held)
        assert found.harm
        assert "worse by more than 0.2" in found.reason
        assert pair.acts()[-1] == ("challenger.harmed", "a@2")
        assert pair.serving() == 1

    def test_ends_undecided_when_its_time_is_over(self, pair, mode, rows):
        held = start(pair, mode=mode, share=0.5)
        both(pair, held, rows // 4, right, right)
        pair.later(days=2)
        found = judged(pair, held)
        assert found.challenger.state == "undecided"
        assert found.reason.startswith("after 24 hours")


class TestAJudgement:
    def test_without_labels_waits(self, pair):
        held = start(pair)
        answered(pair, held, 100, right, wrong)
        found = judged(pair, held)
        assert (found.challenger.running, found.labelled, found.comparison) == (True, 0, None)

    def test_counts_only_rows_that_both_answered_and_that_hold_what_it_needs(self, pair):
        held = start(pair, plan=replace(PLAN, metric=ComparisonMetric.LOG_LOSS))
        ids = answered(pair, held, 60, right, lambda n: right(n) if n < 50 else 7.0)
        labelled(pair, ids[10:])
        found = judged(pair, held)
        assert found.labelled == 40
        assert found.warnings == ("10 labelled answers do not hold what log_loss needs",)

    def test_of_many_failures_stops_it(self, pair):
        held = start(pair)
        counted(pair, held, asked=49, failed=49)
        assert judged(pair, held).challenger.running
        counted(pair, held, asked=51, failed=1)
        found = judged(pair, held)
        assert found.harm
        assert "no answer to 50 of 100 rows" in found.reason

    def test_of_a_slow_one_stops_it(self, pair):
        held = start(pair)
        counted(pair, held, asked=100, seconds=1.0, champion_rows=100, champion_seconds=0.05)
        found = judged(pair, held)
        assert found.harm
        assert "10.00 ms for a row, the champion 0.50 ms" in found.reason

    def test_of_one_that_takes_microseconds_more_does_not(self, pair):
        held = start(pair)
        counted(pair, held, asked=100, seconds=0.09, champion_rows=100, champion_seconds=0.0001)
        assert judged(pair, held).challenger.running

    def test_warns_of_other_answers_and_goes_on(self, pair):
        held = start(pair)
        answered(pair, held, 250, right, lambda _: 0.5)
        found = judged(pair, held)
        assert found.challenger.running
        assert "distributed otherwise" in found.warnings[0]

    def test_ends_one_whose_champion_went(self, pair):
        held = start(pair)
        pair.train("a", 0, 1)
        deploying.deploy(pair.context, "a", "production", "3", reason="")
        found = judged(pair, held)
        assert found.challenger.state == "overtaken"
        assert found.reason == "version 3 serves in the place of version 1, its champion"

    def test_of_one_that_ended_tells_how(self, pair):
        held = start(pair)
        ending.stop(pair.context, held.id, reason="enough")
        before = pair.acts()
        found = judged(pair, held)
        assert (found.challenger.state, found.reason) == ("stopped", "enough")
        assert pair.acts() == before

    def test_of_all_leaves_none_out(self, pair):
        two(pair, "b")
        held = [start(pair), start(pair, model="b")]
        done = judging.step(pair.context)
        assert [one.challenger.id for one in done.judgements] == [one.id for one in held]
        assert done.failures == {}

    def test_of_all_goes_past_one_that_cannot_be_judged(self, pair, monkeypatch, caplog):
        two(pair, "b")
        first, second = start(pair), start(pair, model="b")
        asked = judging.judge

        def judge(context, number):
            if number == first.id:
                raise Conflict("it cannot be judged")
            return asked(context, number)

        monkeypatch.setattr(judging, "judge", judge)
        with caplog.at_level(logging.CRITICAL):
            done = judging.step(pair.context)
        assert [one.challenger.id for one in done.judgements] == [second.id]
        assert done.failures == {f"challenger {first.id}": "it cannot be judged"}

    def test_is_the_same_whoever_judges_from_the_same_labels(self, pair):
        held = start(pair, plan=replace(PLAN, labelled=1000))
        both(pair, held, 60, unsure, right)
        assert judged(pair, held).comparison == judged(pair, held).comparison


class TestAnEnd:
    def test_on_a_persons_word_names_the_person(self, pair):
        held = start(pair)
        ended = ending.stop(pair.context, held.id, reason="enough").challenger
        assert (ended.state, ended.ended_by, ended.ended_reason) == ("stopped", "ada", "enough")
        assert pair.acts()[-1] == ("challenger.stopped", "a@2")

    def test_comes_once(self, pair):
        held = start(pair)
        ending.stop(pair.context, held.id, reason="enough")
        before = pair.acts()
        with pytest.raises(IllegalTransition, match="is stopped, which cannot become stopped"):
            ending.stop(pair.context, held.id, reason="again")
        assert pair.acts() == before


class TestAPromotion:
    def won(self, house):
        held = start(house)
        both(house, held, 120, unsure, right)
        assert judged(house, held).challenger.state == "won"
        return held

    def test_is_a_deployment_that_names_its_comparison(self, pair):
        held = self.won(pair)
        done = ending.promote(pair.context, held.id)
        assert (done.outcome, pair.serving()) == (Outcome.VERIFIED, 2)
        with pair.database.read() as conn:
            from pipewarden.store.state.models import deployments

            assert deployments.serving(conn, "a", "production").reason.startswith(
                f"challenger {held.id}: brier 0.0100 against 0.1600"
            )

    def test_never_goes_around_the_promotion_gate(self, pair):
        held = self.won(pair)
        gates = pair.context.gates
        gates.mkdir()
        (gates / "means-promotion.yaml").write_text(
            "version: 1\nchecks:\n  improvement:\n    target: 1000\n", encoding="utf-8"
        )
        assert ending.promote(pair.context, held.id).outcome is Outcome.REFUSED
        assert pair.serving() == 1

    def test_waits_for_the_approval_that_the_policy_asks_for(self, strict):
        house = strict(cooldown_days=0, approval=True)
        house.train("a", 0, 9)
        house.train("a", 0, 3)
        environments = house.context.settings.environments
        free = environments["production"].model_copy(update={"approval": False})
        settings = house.context.settings
        house.change(settings=settings.model_copy(update={"environments": {"production": free}}))
        deploying.deploy(house.context, "a", "production", "1", reason="")
        house.change(settings=settings)
        held = self.won(house)
        assert ending.promote(house.context, held.id).outcome is Outcome.AWAITING
        assert house.serving() == 1

    def test_of_one_that_did_not_win_is_refused(self, pair):
        held = start(pair)
        with pytest.raises(Conflict, match="is running, and only one that won"):
            ending.promote(pair.context, held.id)

    def test_against_another_champion_than_it_beat_is_refused(self, pair):
        held = self.won(pair)
        pair.train("a", 0, 1)
        deploying.deploy(pair.context, "a", "production", "3", reason="")
        with pytest.raises(Conflict, match="version 3 serves in production"):
            ending.promote(pair.context, held.id)
        rolling_back.rollback(pair.context, ["a"], "production", reason="bad")
        assert ending.promote(pair.context, held.id).outcome is Outcome.VERIFIED


def test_a_plan_comes_back_as_it_was_declared():
    assert ComparisonPlan.of_document(PLAN.as_document()) == PLAN
