"""Whatever a target answers: nothing is lost, nothing overtakes, nothing is sent twice over."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st

from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.events.ordering import Plan, Queued, Round, plan, settle
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, failed, rejected, unavailable
from pipewarden.store.state.delivery.undelivered import Fortune, Undelivered
from pipewarden.store.state.outbox import OutboxEvent

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(first_delay=1.0, longest_delay=4.0, attempts=3)
ANSWERS = {
    "delivered": DELIVERED,
    "rejected": rejected("too_large", ""),
    "failed": failed("failed", ""),
    "unavailable": unavailable("gone"),
    "untried": UNTRIED,
}


def event(seq, subject="a"):
    return OutboxEvent(type="t", subject=subject, data={}, at=NOW, id=str(seq))


class Model:
    """One target and its rows, as the relay keeps them in the database."""

    def __init__(self, subjects):
        self.events = [(seq, event(seq, subject)) for seq, subject in enumerate(subjects, 1)]
        self.cursor, self.now = 0, NOW
        self.rows: dict[int, Undelivered] = {}
        self.took: list[OutboxEvent] = []

    def waiting(self):
        held = (self.rows[seq] for seq in sorted(self.rows))
        return [row for row in held if row.state is Fortune.WAITING]

    def due(self):
        heads = {}
        for row in self.waiting():
            heads.setdefault(row.subject, row)
        return [row for row in self.waiting() if heads[row.subject].retry_at <= self.now]

    def dead(self):
        return [row for row in self.rows.values() if row.state is Fortune.DEAD]

    def round(self, answer, page=5, wave=3):
        rows = self.due()[:page]
        behind = frozenset(row.subject for row in self.waiting() if row not in rows)
        events = dict(self.events)
        again = [Queued(row.seq, events[row.seq], row.attempts, parked=True) for row in rows]
        new = [pair for pair in self.events if pair[0] > self.cursor][:page]
        sent = Round(plan(again, behind, new, lambda _: True))
        while going := sent.wave(wave):
            subjects = [queued.event.subject for queued in going]
            assert len(set(subjects)) == len(subjects)
            outcomes = [answer() for _ in going]
            pairs = zip(going, outcomes, strict=True)
            self.took += [queued.event for queued, said in pairs if said is DELIVERED]
            sent.record(going, outcomes)
        settled = settle(sent, self.cursor, self.now, POLICY, lambda: 0.0)
        assert settled.cursor >= self.cursor
        self.cursor = settled.cursor
        for seq in settled.delivered:
            self.rows.pop(seq, None)
        self.rows |= {letter.seq: letter for letter in settled.letters}
        self.now += timedelta(seconds=5)
        return settled


@settings(max_examples=300)
@given(
    subjects=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    seed=st.integers(0, 2**32),
    weights=st.lists(st.integers(0, 5), min_size=5, max_size=5).filter(lambda w: w[0] > 0),
)
def test_all_is_delivered_or_dead_in_order_and_once(subjects, seed, weights):
    model, chance = Model(subjects), random.Random(seed)
    names = list(ANSWERS)
    for _ in range(60):
        model.round(lambda: ANSWERS[chance.choices(names, weights)[0]])
    for _ in range(60):
        model.round(lambda: DELIVERED)
    took = [e.id for e in model.took]
    assert len(took) == len(set(took))
    assert {*took, *(str(row.seq) for row in model.dead())} == {e.id for _, e in model.events}
    assert model.waiting() == []
    for subject in "abcd":
        own = [int(e.id) for e in model.took if e.subject == subject]
        assert own == sorted(own)


@given(
    subjects=st.lists(st.sampled_from("abcd"), min_size=1, max_size=30), rounds=st.integers(1, 30)
)
def test_a_target_that_takes_nothing_kills_nothing(subjects, rounds):
    model = Model(subjects)
    for number in range(rounds):
        said = ANSWERS["unavailable" if number % 2 else "failed"]
        settled = model.round(lambda said=said: said)
        assert settled.failure is not None
        assert settled.letters == ()
    assert (model.cursor, model.rows) == (0, {})


def test_a_subject_that_stays_behind_holds_its_new_events():
    held = plan([], frozenset("a"), [(9, event(9)), (10, event(10, "b"))], lambda _: True)
    assert [q.seq for q in held.held] == [9]
    assert [q.seq for q in held.queue] == [10]


def test_what_is_not_wanted_is_neither_sent_nor_held():
    planned = plan([], frozenset("a"), [(9, event(9)), (10, event(10, "b"))], lambda _: False)
    assert planned == Plan(page=(9, 10))


def test_a_round_with_no_event_moves_the_cursor_over_the_page():
    assert settle(Round(Plan(page=(3, 4, 5))), 2, NOW, POLICY, lambda: 0.0).cursor == 5
