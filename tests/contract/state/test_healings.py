"""Healings in the database: one open a model, moved only by who holds the lease."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import exc, insert

from pipewarden.core.healing.deciding import Decision, Reason
from pipewarden.core.healing.states import Action, HealingState, Trigger
from pipewarden.errors import Fenced, IllegalTransition, Locked
from pipewarden.store.state.healing import healings, holds
from pipewarden.store.state.healing.schema import healings as rows

S = HealingState
PLACE = "production"


def decision(action=Action.RETRAIN, code="performance"):
    return Decision(
        action=action,
        trigger=Trigger.PERFORMANCE,
        reasons=(Reason(code=code, words="auc 0.6, limit 0.8"),),
        evidence={"facts": {"labelled": 3}},
    )


@pytest.fixture
def record(database, later):
    """Return what writes a decision at a second."""

    def make(held=None, *, model="credit", at=0.0):
        with database.write() as conn:
            return healings.record(
                conn, held or decision(), model=model, environment=PLACE, champion=1,
                actor="pipewarden", at=later(at),
            )  # fmt: skip

    return make


@pytest.fixture
def claim(database, later):
    """Return what takes the lease on a healing, for 60 seconds."""

    def make(healing, owner="one", *, at=0.0, **also):
        with database.write() as conn:
            return healings.claim(conn, healing.id, owner=owner, at=later(at), seconds=60, **also)

    return make


@pytest.fixture
def move(database, later):
    def make(healing, state, *, at=1.0, **also):
        with database.write() as conn:
            return healings.move(conn, healing, state, at=later(at), reason="so", **also)

    return make


def test_a_decision_comes_back_as_it_was_written(record):
    healing, new = record()
    assert new
    assert healing.state is S.DECIDED
    assert healing.decision["facts"] == {"labelled": 3}
    assert healing.decision["reasons"] == [{"code": "performance", "words": "auc 0.6, limit 0.8"}]
    assert healing.reason == "auc 0.6, limit 0.8"


def test_one_healing_of_a_model_is_open(record):
    first, _ = record()
    second, new = record(at=5)
    assert (second.id, new) == (first.id, False)
    other, new = record(model="sales/1")
    assert new
    assert other.id != first.id


def test_the_database_itself_refuses_a_second_open_one(record, database):
    record()
    with database.read() as conn:
        held = dict(conn.execute(rows.select()).mappings().one())
    del held["id"]
    with pytest.raises(exc.IntegrityError), database.write() as conn:
        conn.execute(insert(rows).values(**held))


def test_a_decision_not_to_act_that_repeats_is_counted(record, later):
    decline = decision(Action.OBSERVE, "cooldown")
    first, _ = record(decline)
    again, new = record(decline, at=60)
    assert (again.id, new, again.times) == (first.id, False, 2)
    assert again.last_at == later(60)
    assert again.state is S.DECLINED


def test_another_reason_is_another_decision(record):
    first, _ = record(decision(Action.OBSERVE, "cooldown"))
    other, new = record(decision(Action.OBSERVE, "budget"))
    again, third = record(decision(Action.OBSERVE, "cooldown"))
    assert new
    assert third
    assert len({first.id, other.id, again.id}) == 3


# ── the lease ────────────────────────────────────────────────────────────────────────────────────


def test_of_two_healers_one_goes_on(record, claim):
    healing, _ = record()
    claim(healing, "one")
    with pytest.raises(Locked, match="in the hands of one"):
        claim(healing, "two", at=59)


def test_another_goes_on_when_the_lease_is_over_and_the_first_is_fenced_off(record, claim, move):
    healing, _ = record()
    old = claim(healing, "one")
    new = claim(healing, "two", at=61)
    with pytest.raises(Fenced):
        move(old, S.COLLECTING, at=62)
    assert move(new, S.COLLECTING, at=63).state is S.COLLECTING


def test_the_lease_of_the_dead_is_taken_over_at_once(record, claim):
    healing, _ = record()
    claim(healing, "dead")
    assert claim(healing, "two", at=1, steal_from="dead").lease_owner == "two"


def test_what_was_given_back_anybody_may_take(record, claim, database):
    healing, _ = record()
    held = claim(healing, "one")
    with database.write() as conn:
        healings.release(conn, held)
    assert claim(healing, "two").lease_owner == "two"


def test_what_has_ended_nobody_takes(record, claim, move):
    healing, _ = record()
    move(claim(healing), S.VETOED)
    with pytest.raises(IllegalTransition, match="vetoed"):
        claim(healing)


# ── changes ──────────────────────────────────────────────────────────────────────────────────────


def test_a_state_comes_with_what_was_found_and_forgets_failures(record, claim, move, database):
    healing, _ = record()
    held = claim(healing)
    with database.write() as conn:
        held = healings.failed(conn, held, "the disk was full")
        held = healings.keep(conn, held, {"job": "run-1"})
    assert (held.attempts, held.error) == (1, "the disk was full")
    moved = move(held, S.COLLECTING, facts={"rows": 7}, candidate=2)
    assert (moved.attempts, moved.error, moved.candidate) == (0, "", 2)
    assert moved.facts == {"job": "run-1", "rows": 7}


def test_a_forbidden_state_is_refused(record, claim, move):
    healing, _ = record()
    with pytest.raises(IllegalTransition, match="cannot become kept"):
        move(claim(healing), S.KEPT)


def test_of_two_who_move_it_one_does(record, claim, move):
    healing, _ = record()
    held = claim(healing)
    move(held, S.COLLECTING)
    with pytest.raises(Fenced):
        move(held, S.ROLLING_BACK)


def test_after_its_end_another_may_be_opened(record, claim, move):
    healing, _ = record()
    ended = move(claim(healing), S.FAILED)
    assert ended.ended_at is not None
    _, new = record(at=9)
    assert new


def test_the_time_of_a_pause_does_not_count(record, database, later):
    healing, _ = record()
    with database.write() as conn:
        held = healings.hold(conn, healing, at=later(10), actor="ada")
        again = healings.hold(conn, held, at=later(20), actor="eve")
        assert (again.paused_at, again.paused_by) == (later(10), "ada")
        going = healings.go_on(conn, again, at=later(70))
    assert going.paused_at is None
    assert going.entered_at - healing.entered_at == timedelta(seconds=60)


# ── what people said ─────────────────────────────────────────────────────────────────────────────


def test_a_pause_of_all_and_of_one(database, later):
    with database.write() as conn:
        assert holds.pause(conn, "", PLACE, actor="ada", reason="a move", at=later())
        assert not holds.pause(conn, "", PLACE, actor="eve", reason="too", at=later(1))
        assert holds.pause(conn, "credit", PLACE, actor="eve", reason="odd", at=later(2))
        assert [one.reason for one in holds.of(conn, "credit", PLACE)] == ["a move", "odd"]
        assert [one.paused_by for one in holds.of(conn, "sales/1", PLACE)] == ["ada"]
        assert holds.of(conn, "credit", "staging") == []
        assert holds.resume(conn, "", PLACE, at=later(9))
        assert not holds.resume(conn, "", PLACE, at=later(10))
        (all_, one) = holds.of(conn, "credit", PLACE)
    assert (all_.paused_at, all_.reset_at) == (None, later(10))
    assert one.paused_at == datetime.fromisoformat(later(2).isoformat())
