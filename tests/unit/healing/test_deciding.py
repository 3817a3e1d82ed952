"""Whether to act: every reason against it, and that going back needs none of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.healing.deciding import decide
from pipewarden.core.healing.facts import Facts, Performance, Signal, trigger_of
from pipewarden.core.healing.states import Action, Trigger
from pipewarden.settings.healing_policy import Policy

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
POLICY = Policy.model_validate({})


def signal(trigger=Trigger.PERFORMANCE, **also):
    fields = {"metric": "performance.auc", "words": "performance.auc 0.61, limit 0.88", **also}
    return Signal(trigger=trigger, at=NOW, since=NOW - timedelta(days=1), **fields)


def facts(*triggers, **also):
    held = {
        "model": "credit",
        "environment": "production",
        "at": NOW,
        "serving": 3,
        "serving_since": NOW - timedelta(days=40),
        "signals": tuple(signal(one) for one in triggers or (Trigger.PERFORMANCE,)),
        "performance": Performance.BREACHED,
        "labelled": 5_000,
        "positives": 800,
    }
    return Facts(**{**held, **also})


def policy(**also):
    return Policy.model_validate(also)


def codes(decision):
    return [reason.code for reason in decision.reasons]


def test_decay_is_retrained():
    decision = decide(facts(), POLICY)
    assert decision.acts
    assert decision.action is Action.RETRAIN
    assert "0.61" in decision.words
    assert decision.evidence["facts"]["labelled"] == 5_000
    assert decision.evidence["policy"]["breaker"] == POLICY.breaker


@pytest.mark.parametrize(
    ("ago", "words"), [(timedelta(minutes=3), "3 min ago"), (timedelta(days=3), "3 d ago")]
)
def test_how_long_ago_the_last_promotion_was_is_said_in_a_unit_that_fits(ago, words):
    decision = decide(facts(promoted_at=NOW - ago, promotion_cooldown_days=7.0), POLICY)
    assert decision.reasons[0].words == (
        f"the last promotion was {words}, and production wants 7 days between two"
    )


def test_from_when_on_labels_are_too_few_is_said():
    few = decide(facts(labelled=120, since=NOW - timedelta(hours=3)), POLICY)
    assert few.reasons[0].words == (
        "120 labelled predictions since 2026-03-04 09:00 are too few to learn from; "
        "at least 200 are needed"
    )
    rare = decide(facts(positives=4, since=NOW - timedelta(hours=3)), POLICY)
    assert rare.reasons[0].words.startswith("4 labels of the rarer kind since 2026-03-04 09:00")


def test_nothing_is_decided_where_nothing_asks():
    assert decide(replace(facts(), signals=()), POLICY) is None


def test_nothing_is_decided_beside_a_healing_that_goes_on():
    assert decide(facts(open_healing=7), POLICY) is None


def test_nothing_is_decided_where_nothing_serves():
    assert decide(facts(serving=None), POLICY) is None


def test_drift_alone_is_no_reason_while_the_answers_are_good():
    decision = decide(
        facts(Trigger.DRIFT, performance=Performance.HOLDS, performance_words="auc 0.91"), POLICY
    )
    assert codes(decision) == ["no_decay"]
    assert not decision.acts
    assert "auc 0.91" in decision.words


def test_drift_is_a_reason_where_nothing_is_known_of_the_answers():
    assert decide(facts(Trigger.DRIFT, performance=Performance.UNKNOWN), POLICY).acts


def test_drift_alone_is_a_reason_where_the_policy_says_so():
    held = facts(Trigger.DRIFT, performance=Performance.HOLDS)
    assert decide(held, policy(needs_decay=False)).acts


@pytest.mark.parametrize(
    ("code", "known", "rules"),
    [
        ("paused", {"paused": "we move house (ada)"}, {}),
        ("not_fresh", {"fresh": False}, {}),
        ("breaker", {"lost_in_a_row": 3}, {}),
        ("cooldown", {"last_ended": NOW - timedelta(hours=23)}, {}),
        (
            "promotion_cooldown",
            {"promoted_at": NOW - timedelta(days=3), "promotion_cooldown_days": 7.0},
            {},
        ),
        ("budget", {"begun_in_period": 4}, {}),
        ("hours", {}, {"hours": {"days": ["mon"]}}),
        ("hours", {}, {"hours": {"begin": 8, "end": 12}}),
        ("cannot_learn", {"learns": False, "labelled": 0}, {}),
        ("labels", {"labelled": 199}, {}),
        ("labels", {"positives": 49}, {}),
    ],
)
def test_each_reason_alone_is_enough_not_to_act(code, known, rules):
    decision = decide(facts(**known), policy(**rules))
    assert codes(decision) == [code]
    assert decision.action is Action.OBSERVE


def test_all_that_speaks_against_it_is_told():
    decision = decide(facts(paused="no (ada)", labelled=3, begun_in_period=9), POLICY)
    assert codes(decision) == ["paused", "budget", "labels"]


def test_a_trigger_does_no_more_than_it_may():
    decision = decide(facts(), policy(triggers={"performance": {"action": "observe"}}))
    assert codes(decision) == ["not_permitted"]


def test_the_strongest_trigger_decides():
    held = facts(Trigger.AGE, Trigger.DRIFT, Trigger.PERFORMANCE)
    assert decide(held, POLICY).trigger is Trigger.PERFORMANCE


def test_a_person_need_not_wait_for_the_hour_or_the_cooldown():
    held = facts(Trigger.MANUAL, last_ended=NOW - timedelta(hours=1))
    assert decide(held, policy(hours={"days": ["sun"]})).acts


def test_a_person_does_not_get_past_the_breaker():
    assert codes(decide(facts(Trigger.MANUAL, lost_in_a_row=3), POLICY)) == ["breaker"]


# ── going back ───────────────────────────────────────────────────────────────────────────────────

YOUNG = {
    "serving_since": NOW - timedelta(hours=20),
    "previous": 2,
    "comparison": {"better": True, "words": "AUC 0.91 against 0.55"},
}


def test_a_young_version_that_is_worse_than_the_one_before_is_rolled_back():
    decision = decide(facts(**YOUNG), POLICY)
    assert decision.action is Action.ROLL_BACK
    assert "AUC 0.91 against 0.55" in decision.words


def test_going_back_waits_for_nothing():
    held = facts(
        **YOUNG, lost_in_a_row=9, begun_in_period=9, last_ended=NOW, promoted_at=NOW,
        promotion_cooldown_days=7.0, labelled=0,
    )  # fmt: skip
    assert decide(held, policy(hours={"days": ["sun"]})).action is Action.ROLL_BACK


@pytest.mark.parametrize(
    "otherwise",
    [
        {"serving_since": NOW - timedelta(hours=73)},
        {"previous": None},
        {"comparison": None},
        {"comparison": {"better": False}},
    ],
)
def test_otherwise_it_is_retrained(otherwise):
    assert decide(facts(**{**YOUNG, **otherwise}), POLICY).action is Action.RETRAIN


def test_a_pause_holds_for_going_back_as_well():
    assert codes(decide(facts(**YOUNG, paused="no (ada)"), POLICY)) == ["paused"]


def test_drift_rolls_nothing_back():
    held = facts(Trigger.DRIFT, **YOUNG, performance=Performance.UNKNOWN)
    assert decide(held, POLICY).action is Action.RETRAIN


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────

KNOWN = st.fixed_dictionaries(
    {
        "lost_in_a_row": st.integers(0, 6),
        "begun_in_period": st.integers(0, 8),
        "labelled": st.integers(0, 9_000),
        "positives": st.none() | st.integers(0, 900),
        "paused": st.sampled_from(["", "a reason (ada)"]),
        "performance": st.sampled_from(Performance),
        "fresh": st.booleans(),
        "learns": st.booleans(),
        "previous": st.none() | st.just(2),
        "comparison": st.none() | st.fixed_dictionaries({"better": st.booleans()}),
        "serving_since": st.sampled_from([NOW, NOW - timedelta(days=90)]),
    }
)


@given(KNOWN, st.sets(st.sampled_from(Trigger), min_size=1))
def test_every_decision_has_a_reason_in_words_and_the_facts(known, triggers):
    decision = decide(facts(*sorted(triggers), **known), POLICY)
    assert decision.reasons
    assert all(reason.words for reason in decision.reasons)
    assert decision.evidence["facts"]["model"] == "credit"


@given(KNOWN, st.sets(st.sampled_from(Trigger), min_size=1))
def test_the_breaker_and_a_pause_let_no_training_begin(known, triggers):
    decision = decide(facts(*sorted(triggers), **known), POLICY)
    if known["paused"] or known["lost_in_a_row"] >= POLICY.breaker:
        assert decision.action is not Action.RETRAIN


@pytest.mark.parametrize(
    ("metric", "trigger"),
    [
        ("drift.observed_share", Trigger.DRIFT),
        ("drift.concept", Trigger.PERFORMANCE),
        ("performance.auc", Trigger.PERFORMANCE),
        ("estimated.auc", Trigger.PERFORMANCE),
        ("forecast.mase", Trigger.PERFORMANCE),
        ("queue.depth", None),
    ],
)
def test_what_a_figure_is_taken_for(metric, trigger):
    assert trigger_of(metric) is trigger
