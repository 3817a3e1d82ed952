"""The loop over a tiny model: every way through it, and every way out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipewarden.core.healing.states import Action, HealingState
from pipewarden.errors import Conflict, UsageError
from pipewarden.healing import controlling
from pipewarden.healing.deciding.signals import Asked
from pipewarden.healing.explaining import explain
from pipewarden.healing.looping import ask, once
from tiny_healing import DEADLY, HEALTHY, PLACE, UGLY, LearningMeans

S = HealingState
WHOLE = [
    *("decided", "collecting", "retraining", "evaluating", "gating", "promoting"),
    *("verifying", "kept"),
]


def newest(held):
    return held.healings()[0]


def promoted(held):
    """Return a clinic whose candidate serves and is being proved."""
    held.fall_ill()
    once(held.healer())
    assert newest(held).state is S.VERIFYING
    return held


def test_a_model_that_fell_ill_is_healed(made):
    held = promoted(made())
    assert held.serving() == 2
    held.ask(10, 10.0)
    held.hours += 2
    once(held.healer())

    assert held.acts() == WHOLE
    assert held.serving() == 2
    assert newest(held).facts["verification"]["champion"] == 10.0 - HEALTHY
    assert held.sound()


def test_a_round_over_the_healthy_says_and_writes_nothing(made):
    held = made()
    held.observe(good=True)
    done = once(held.healer())
    assert (held.healings(), held.acts(), len(done.looked)) == ([], [], 1)
    told = " ".join(explain(held.healer(), "mean", PLACE).sentences)
    assert "Nothing asks for a healing" in told
    assert "performance.auc 0.9" in told


def test_what_proves_worse_is_rolled_back_and_quarantined(made):
    held = promoted(made())
    held.ask(10, HEALTHY)
    done = once(held.healer())

    assert [one.healing.id for one in done.lost] == [newest(held).id]
    assert newest(held).state is S.ROLLED_BACK
    assert held.serving() == 1
    assert held.versions()[2] == "quarantined"
    assert "surely worse" in newest(held).reason


def test_what_is_not_proved_in_time_is_rolled_back(made):
    held = promoted(made({"timeouts_hours": {"verifying": 5}}))
    held.hours += 6
    once(held.healer())
    assert newest(held).state is S.ROLLED_BACK
    assert held.serving() == 1
    assert "0 of 4 labels" in newest(held).reason


def test_a_candidate_that_is_not_better_is_rejected_and_stays_deployable(made):
    held = made()
    held.fall_ill(truth=HEALTHY)
    once(held.healer())
    assert newest(held).state is S.REJECTED
    assert "not surely better" in newest(held).reason
    assert (held.serving(), held.versions()[2]) == (1, "deployable")


def test_a_candidate_that_its_training_gate_refuses_is_quarantined(made):
    held = made()
    held.fall_ill(truth=UGLY)
    once(held.healer())
    assert newest(held).state is S.REJECTED
    assert "pretty" in newest(held).reason
    assert held.versions()[2] == "quarantined"


def test_a_candidate_that_the_promotion_gate_refuses_is_rejected(made, monkeypatch):
    held = made()
    held.fall_ill()
    monkeypatch.setattr(LearningMeans, "compare", lambda *_: {"size": 0})
    once(held.healer())
    assert newest(held).state is S.REJECTED
    assert "size" in newest(held).reason
    assert held.serving() == 1


def test_a_table_that_does_not_train_ends_it(made):
    held = made()
    held.fall_ill(truth=DEADLY)
    once(held.healer())
    assert newest(held).state is S.FAILED
    assert "made no model" in newest(held).reason


def test_too_few_rows_are_waited_for(made):
    held = made({"training": {"min_rows": 30, "max_rows": 100, "holdout": 0.5}})
    held.fall_ill()
    assert "too few to train on" in once(held.healer()).advanced[0].waits
    assert newest(held).state is S.COLLECTING
    told = " ".join(explain(held.healer(), "mean", PLACE).sentences)
    assert "It waits: 10 rows are too few to train on: 30" in told
    held.ask(60, 10.0)
    once(held.healer())
    assert newest(held).state is S.VERIFYING


def test_a_state_that_lasts_too_long_ends_it(made):
    held = made(
        {"training": {"min_rows": 30, "max_rows": 100}, "timeouts_hours": {"collecting": 3}}
    )
    held.fall_ill()
    once(held.healer())
    held.hours += 4
    once(held.healer())
    assert newest(held).state is S.TIMED_OUT
    assert "collecting for more than 3 hours" in newest(held).reason


def test_a_step_that_goes_on_failing_ends_it(made, monkeypatch):
    held = made({"attempts": 2})
    held.fall_ill()
    monkeypatch.setattr("tiny_healing.LearningMeans.contest", lambda *_, **__: 1 / 0)
    once(held.healer())
    assert (newest(held).state, newest(held).attempts) == (S.EVALUATING, 1)
    assert "ZeroDivisionError" in newest(held).error
    once(held.healer())
    assert held.healings()[0].state is S.FAILED


def test_a_version_that_somebody_else_deployed_ends_it(made):
    held = promoted(made())
    held.deploy(held.train(5, 5))
    once(held.healer())
    assert held.acts()[-1] == "overtaken"
    assert held.serving() == 3


def test_a_bad_young_version_is_rolled_back_at_once(made):
    held = made()
    held.deploy(held.train(10, 10))
    held.fall_ill(truth=HEALTHY)
    once(held.healer())
    assert newest(held).action is Action.ROLL_BACK
    assert newest(held).state is S.ROLLED_BACK
    assert (held.serving(), held.versions()[2]) == (1, "quarantined")


def test_a_signature_is_waited_for_where_the_policy_wants_one(made):
    held = made({"approval": True})
    held.fall_ill()
    done = once(held.healer()).advanced[0]
    assert done.healing.state is S.AWAITING
    assert "pipewarden approve --model mean --version 2" in done.waits
    assert held.serving() == 1


def test_a_deployment_that_waits_for_a_signature_is_waited_for(made):
    held = made(environment={"cooldown_days": 0, "approval": False})
    held.fall_ill()
    held.workspace.settings.models.environments[PLACE] = (
        held.workspace.settings.models.environments[PLACE].model_copy(update={"approval": True})
    )
    done = once(held.healer()).advanced[0]
    assert done.healing.state is S.AWAITING
    assert held.serving() == 1


# ── cooldown, budget, breaker ────────────────────────────────────────────────────────────────────


def fail(held):
    held.fall_ill(truth=UGLY)
    once(held.healer())


def test_the_breaker_opens_is_observed_and_is_closed_by_a_person(made):
    held = made({"breaker": 2, "cooldown_hours": 0, "budget": {"healings": 9}})
    for _ in range(3):
        fail(held)
    assert [one.state for one in held.healings()] == [S.DECLINED, S.REJECTED, S.REJECTED]
    assert "the breaker is open" in newest(held).reason

    controlling.resume(held.healer(), "mean", PLACE)
    fail(held)
    assert newest(held).state is S.REJECTED


def test_the_environment_grants_healing_its_own_cooldown(made):
    strict = made(environment={"cooldown_days": 7})
    strict.fall_ill()
    once(strict.healer())
    assert [one["code"] for one in newest(strict).decision["reasons"]] == ["promotion_cooldown"]

    granted = made(environment={"cooldown_days": 7, "healing_cooldown_days": 0})
    granted.fall_ill()
    once(granted.healer())
    assert newest(granted).state is S.VERIFYING


def test_a_decline_that_repeats_is_written_once(made):
    held = made({"budget": {"healings": 0}})
    for _ in range(3):
        held.fall_ill()
        once(held.healer())
    assert [(one.state, one.times) for one in held.healings()] == [(S.DECLINED, 3)]
    assert held.acts() == ["declined"]


# ── people ───────────────────────────────────────────────────────────────────────────────────────


def test_a_paused_healing_stands_still_and_its_time_does_not_pass(made):
    held = promoted(made({"timeouts_hours": {"verifying": 5}}))
    controlling.pause(held.healer(), "mean", PLACE, reason="let me look")
    held.hours += 50
    assert "paused by" in once(held.healer()).advanced[0].waits
    controlling.resume(held.healer(), "mean", PLACE)
    once(held.healer())
    assert newest(held).state is S.VERIFYING


def test_nothing_is_decided_while_it_is_paused(made):
    held = made()
    controlling.pause(held.healer(), "", PLACE, reason="freeze")
    held.fall_ill()
    once(held.healer())
    assert newest(held).state is S.DECLINED
    assert "freeze" in newest(held).reason


def test_a_paused_healing_is_stepped_state_by_state(made):
    held = made({"training": {"min_rows": 30, "max_rows": 100, "holdout": 0.5}})
    held.fall_ill()
    once(held.healer())
    held.ask(60, 10.0)
    controlling.pause(held.healer(), "mean", PLACE, reason="slowly")
    for state in (S.RETRAINING, S.EVALUATING, S.GATING):
        assert controlling.step(held.healer(), "mean", PLACE).passed == (state,)
        assert newest(held).paused_at is not None


def test_a_veto_before_the_promotion_leaves_all_as_it_is(made):
    held = made({"training": {"min_rows": 30, "max_rows": 100}})
    held.fall_ill()
    once(held.healer())
    ended = controlling.veto(held.healer(), "mean", PLACE, reason="not now")
    assert ended.state is S.VETOED
    assert held.serving() == 1
    with pytest.raises(Conflict):
        controlling.veto(held.healer(), "mean", PLACE, reason="again")


def test_a_veto_after_the_promotion_brings_the_champion_back(made):
    held = promoted(made())
    ended = controlling.veto(held.healer(), "mean", PLACE, reason="not this one")
    assert ended.state is S.ROLLED_BACK
    assert held.serving() == 1
    assert "not this one" in ended.reason


@pytest.mark.parametrize("act", [controlling.veto, controlling.pause])
def test_who_stops_it_says_why(made, act):
    held = made()
    with pytest.raises(UsageError, match="reason"):
        act(held.healer(), "mean", PLACE, reason=" ")


def test_somebody_asks_for_a_healing(made):
    held = made()
    held.ask(20, 10.0)
    asked = Asked(actor="ada", reason="I know something")
    done = ask(held.healer(), "mean", PLACE, asked)
    assert done.advanced[0].healing.state is S.VERIFYING
    assert held.acts()[0] == "decided"
    assert newest(held).actor == "ada"


# ── two healers ──────────────────────────────────────────────────────────────────────────────────


def test_of_two_healers_one_acts(made, monkeypatch):
    held = made()
    held.fall_ill()
    one, two = (replace(held.healer(), owner=f"elsewhere:1:{n}") for n in (1, 2))
    said = []
    real = LearningMeans.contest

    def meanwhile(self, *args, **also):
        if not said:
            said.append("")
            said[0] = once(two).advanced[0].waits
        return real(self, *args, **also)

    monkeypatch.setattr(LearningMeans, "contest", meanwhile)
    once(one)
    assert "in the hands of elsewhere:1:1" in said[0]
    assert held.acts()[:7] == WHOLE[:7]
    assert len(held.versions()) == 2


def test_a_healer_that_slept_through_its_lease_changes_nothing_more(made, monkeypatch):
    held = made()
    held.fall_ill()
    one, two = (replace(held.healer(), owner=f"elsewhere:1:{n}") for n in (1, 2))
    real, slept = LearningMeans.contest, []

    def sleeps(self, *args, **also):
        if not slept:
            slept.append(True)
            held.hours += 1
            once(two)
        return real(self, *args, **also)

    monkeypatch.setattr(LearningMeans, "contest", sleeps)
    done = once(one)
    assert "another healer" in done.advanced[0].waits
    assert held.acts()[:7] == WHOLE[:7]
    assert len(held.acts("model.deployed")) == 2
