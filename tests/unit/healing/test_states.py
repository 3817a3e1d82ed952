"""What may follow what in a healing, and that nothing unproved is left to serve."""

from __future__ import annotations

import pytest

from pipewarden.core.healing.states import (
    ENDS,
    HEALING_TRANSITIONS,
    HealingState,
    given_up,
)
from pipewarden.healing.steps import STEPS
from pipewarden.settings.healing_policy import Timeouts

S = HealingState
OPEN = [state for state in S if not state.ended]
#: The end of what is given up, by a person, by time, by failing.
GIVEN_UP = (S.VETOED, S.TIMED_OUT, S.FAILED)


def reachable(start):
    found, front = {start}, [start]
    while front:
        for state in HEALING_TRANSITIONS[front.pop()]:
            if state not in found:
                found.add(state)
                front.append(state)
    return found


def test_every_state_has_its_transitions():
    assert set(HEALING_TRANSITIONS) == set(S)


def test_every_state_but_a_decline_is_reached_from_the_decision():
    assert reachable(S.DECIDED) == set(S) - {S.DECLINED}


@pytest.mark.parametrize("state", OPEN)
def test_whatever_goes_on_can_end_and_has_a_step_and_a_time_out(state):
    assert reachable(state) & ENDS
    assert state in STEPS
    assert getattr(Timeouts(), state) > 0


@pytest.mark.parametrize("state", ENDS)
def test_nothing_follows_an_end(state):
    assert HEALING_TRANSITIONS[state] == frozenset()
    assert state not in STEPS


@pytest.mark.parametrize("state", [s for s in OPEN if s not in (S.VERIFYING, S.ROLLING_BACK)])
@pytest.mark.parametrize("end", GIVEN_UP)
def test_what_serves_nowhere_yet_ends_at_once(state, end):
    assert given_up(state, end, serves=False) is end


@pytest.mark.parametrize("state", [S.AWAITING, S.PROMOTING, S.VERIFYING])
@pytest.mark.parametrize("end", GIVEN_UP)
def test_what_serves_is_taken_back_before_it_ends(state, end):
    assert given_up(state, end, serves=True) is S.ROLLING_BACK


def test_nobody_stops_what_is_being_undone():
    assert given_up(S.ROLLING_BACK, S.VETOED, serves=True) is None
    assert given_up(S.ROLLING_BACK, S.FAILED, serves=True) is S.FAILED


def test_only_a_proof_keeps_a_version():
    assert [state for state in S if S.KEPT in HEALING_TRANSITIONS[state]] == [S.VERIFYING]


def test_what_people_stopped_is_not_lost():
    assert {state for state in S if state.lost} == {
        S.ROLLED_BACK, S.REJECTED, S.FAILED, S.TIMED_OUT,
    }  # fmt: skip
