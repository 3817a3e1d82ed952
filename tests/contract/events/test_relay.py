"""The relay: nothing lost, order kept, nobody held back, whatever the targets say."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from stand_in import PATIENT, Clock, StandIn

from pipewarden.core.outages.breaker import BreakerState
from pipewarden.delivery.events import relay
from pipewarden.delivery.events.loop import relay_until
from pipewarden.delivery.events.relay import prune, relay_once, relay_target
from pipewarden.delivery.outcome import DELIVERED, failed, rejected, unavailable
from pipewarden.errors import Fenced, Locked
from pipewarden.jobs.workspace import utc_now
from pipewarden.store.state import outbox
from pipewarden.store.state.delivery import targets as places, undelivered
from pipewarden.store.state.delivery.undelivered import Fortune, Undelivered
from pipewarden.store.state.schema import undelivered_events


@pytest.fixture
def clock():
    return Clock()


def ids(*numbers, subject="run-1"):
    return [f"{subject}/job/{n}" for n in numbers]


def refusing(outcome, *refused):
    return lambda event: outcome if event.get_id() in refused else DELIVERED


def state_of(database, name="here"):
    with database.read() as conn:
        return places.get(conn, name)


def dead_of(database):
    with database.read() as conn:
        return [(letter.seq, letter.reason) for _, letter, _ in undelivered.dead(conn)]


def waiting_of(database, name="here"):
    table = undelivered_events
    query = select(table.c.seq).where(table.c.target == name, table.c.state == "waiting")
    with database.read() as conn:
        return list(conn.execute(query.order_by(table.c.seq)).scalars())


def test_an_event_that_breaks_the_standard_is_dead_and_not_sent(database, clock, told, tell):
    tell(told(1), told(2, subject=""), told(3))
    stand = StandIn()
    (report,) = relay_once(database, [stand.target()], clock).targets
    assert stand.took == ids(1, 3)
    assert (report.delivered, report.dead) == (2, 1)
    assert dead_of(database) == [(2, "invalid")]


def test_a_rejected_event_is_dead_at_once_and_its_subject_goes_on(database, clock, told, tell):
    tell(*(told(n) for n in range(1, 5)))
    stand = StandIn(refusing(rejected("too_large", "over 1 MB"), *ids(2)))
    relay_once(database, [stand.target()], clock)
    assert stand.took == ids(1, 3, 4)
    with database.read() as conn:
        ((name, letter, event),) = undelivered.dead(conn)
    assert (name, letter.reason, letter.error) == ("here", "too_large", "over 1 MB")
    assert event == told(2)
    assert state_of(database).cursor == 4


def test_a_dead_event_that_is_revived_is_sent_again_under_its_id(database, clock, told, tell):
    tell(*(told(n) for n in range(1, 4)))
    stand = StandIn(refusing(rejected("too_large", ""), *ids(2)))
    relay_once(database, [stand.target()], clock)
    stand.answer = lambda _: DELIVERED
    with database.write() as conn:
        assert undelivered.revive(conn, clock(), target="elsewhere") == 0
        assert undelivered.revive(conn, clock(), seqs=[2]) == 1
    relay_once(database, [stand.target()], clock)
    assert stand.took == ids(1, 3, 2)
    assert dead_of(database) == waiting_of(database) == []


def test_an_event_at_fault_waits_with_its_subject_and_no_other(database, clock, told, tell):
    tell(told(1), told(1, "run-2"), told(2), told(2, "run-2"))
    stand = StandIn(refusing(failed("failed", "HTTP 500"), *ids(1)))
    target = stand.target(policy=PATIENT)
    relay_once(database, [target], clock)
    assert stand.took == ids(1, 2, subject="run-2")
    assert waiting_of(database) == [1, 3]
    tell(told(3), told(3, "run-2"))
    relay_once(database, [target], clock)
    assert stand.took == ids(1, 2, 3, subject="run-2")
    assert waiting_of(database) == [1, 3, 5]
    clock.forward(10)
    stand.answer = lambda _: DELIVERED
    relay_once(database, [target], clock)
    assert stand.took[3:] == ids(1, 2, 3)


def test_an_event_at_fault_too_often_is_dead_and_its_subject_goes_on(database, clock, told, tell):
    tell(told(1), told(2), told(1, "run-2"))
    stand = StandIn(refusing(failed("failed", "HTTP 500"), *ids(1)))
    target = stand.target(policy=PATIENT)
    for _ in range(PATIENT.attempts):
        relay_once(database, [target], clock)
        clock.forward(10)
    assert dead_of(database) == [(1, "attempts")]
    assert stand.took == [*ids(1, subject="run-2"), *ids(2)]
    assert sum(ids(1)[0] in wave for wave in stand.waves) == PATIENT.attempts


def test_an_outage_kills_nothing_however_long_it_lasts(database, clock, told, tell):
    tell(*(told(n, f"run-{n % 3}") for n in range(30)))
    stand = StandIn(lambda _: unavailable("refused"))
    target = stand.target(policy=PATIENT)
    for _ in range(50):
        relay_once(database, [target], clock)
        clock.forward(9)
    assert dead_of(database) == waiting_of(database) == []
    stand.answer = lambda _: failed("failed", "HTTP 500")  # of every event: it is no event's fault
    for _ in range(50):
        relay_once(database, [target], clock)
        clock.forward(9)
    assert dead_of(database) == waiting_of(database) == []
    stand.answer = lambda _: DELIVERED
    relay_once(database, [target], clock)
    assert sorted(stand.took) == sorted(told(n, f"run-{n % 3}").id for n in range(30))


def test_an_outage_in_the_middle_sends_nothing_twice_and_keeps_the_order(
    database, clock, told, tell
):
    tell(*(told(n, f"run-{n % 5}") for n in range(60)))
    stand, calls = StandIn(), iter(range(10_000))
    stand.answer = lambda _: unavailable("gone") if next(calls) % 7 == 6 else DELIVERED
    for _ in range(100):
        relay_once(database, [stand.target(policy=PATIENT)], clock)
        clock.forward(9)
    assert len(stand.took) == len(set(stand.took)) == 60
    for subject in range(5):
        own = [i for i in stand.took if i.startswith(f"run-{subject}/")]
        assert own == [told(n, f"run-{subject}").id for n in range(subject, 60, 5)]


def test_the_breaker_opens_waits_longer_each_time_and_closes(database, clock, told, tell):
    tell(told(1))
    stand = StandIn(lambda _: unavailable("amqp://guest:secret@broker refused"))
    target = stand.target(policy=PATIENT)
    waits = []
    for _ in range(6):
        (report,) = relay_once(database, [target], clock).targets
        state = state_of(database)
        waits.append((state.retry_at - clock()).total_seconds())
        assert report.breaker is (
            BreakerState.CLOSED if state.failures < PATIENT.open_after else BreakerState.OPEN
        )
        tried = len(stand.waves)
        relay_once(database, [target], clock)
        assert len(stand.waves) == tried  # left alone until then
        clock.now = state.retry_at
    longest = [min(2.0**n, 8.0) for n in range(6)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert "secret" not in state.last_error
    stand.answer = lambda _: DELIVERED
    (report,) = relay_once(database, [target], clock).targets
    assert report.breaker is BreakerState.CLOSED
    assert state_of(database).retry_at is None


def test_half_open_tries_a_few_subjects_first(database, clock, told, tell):
    tell(*(told(1, f"run-{n}") for n in range(20)))
    stand = StandIn(lambda _: unavailable("gone"))
    target = stand.target(policy=PATIENT)
    for _ in range(PATIENT.open_after):
        relay_once(database, [target], clock)
        clock.forward(9)
    stand.waves.clear()
    relay_once(database, [target], clock)
    assert [len(wave) for wave in stand.waves] == [relay.TRIAL]
    clock.forward(9)
    stand.waves.clear()
    stand.answer = lambda _: DELIVERED
    relay_once(database, [target], clock)
    assert [len(wave) for wave in stand.waves] == [relay.TRIAL, 20 - relay.TRIAL]


def test_a_target_that_asks_for_time_gets_it(database, clock, told, tell):
    tell(told(1))
    stand = StandIn(lambda _: unavailable("HTTP 429", 120.0))
    relay_once(database, [stand.target(policy=PATIENT)], clock)
    assert state_of(database).retry_at == clock() + timedelta(seconds=120)


def test_a_fault_in_a_client_is_an_outage_of_its_target_only(database, clock, told, tell, caplog):
    tell(told(1))

    def broken(_):
        raise RuntimeError("a bug")

    bad, good = StandIn(broken), StandIn()
    reports = relay_once(database, [bad.target("bad"), good.target("good")], clock).targets
    assert [report.error for report in reports] == ["RuntimeError: a bug", ""]
    assert good.took == ids(1)
    assert "event target failed" in caplog.text


def test_a_target_that_hangs_holds_back_no_other(database, clock, told, tell):
    tell(told(1))
    released, stop, hung, good = threading.Event(), threading.Event(), StandIn(), StandIn()
    hung.answer = lambda _: DELIVERED if released.wait(60) else unavailable("late")

    def took(_):
        released.set()
        return DELIVERED

    good.answer = took
    loop = threading.Thread(
        target=relay_until, args=(stop, database, [hung.target("hung"), good.target("good")], clock)
    )
    loop.start()
    assert released.wait(30)  # the good one was sent to while the other hung
    stop.set()
    loop.join(30)
    assert good.took == ids(1)
    assert hung.closed
    assert good.closed


def test_two_relays_do_not_serve_one_target_at_a_time(database, clock, told, tell):
    tell(told(1), told(2))
    inside = []

    def nosy(_):
        inside.append(relay_target(database, other.target(), clock, owner="other"))
        return DELIVERED

    stand, other = StandIn(nosy), StandIn()
    relay_target(database, stand.target(), clock, owner="first")
    assert stand.took == ids(1, 2)
    assert other.waves == []
    assert all("served by first" in report.error for report in inside)


def test_a_relay_that_lost_its_lease_writes_nothing(database, clock, told, tell):
    tell(told(1), told(2))

    def slept(_):
        clock.forward(1_000)
        with database.write() as conn:
            places.claim(conn, "here", owner="other", at=clock(), ttl_seconds=60)
        return DELIVERED

    stand = StandIn(slept)
    report = relay_target(database, stand.target(), clock, owner="first")
    assert "taken over" in report.error
    assert len(stand.waves) == 1  # it found out before the second wave
    assert state_of(database).cursor == 0
    assert state_of(database).lease_owner == "other"


def test_a_lease_is_claimed_renewed_released_and_fenced(database, clock):
    with database.write() as conn:
        first = places.claim(conn, "here", owner="a", at=clock(), ttl_seconds=10)
        with pytest.raises(Locked, match="served by a"):
            places.claim(conn, "here", owner="b", at=clock(), ttl_seconds=10)
        renewed = places.renew(conn, first, at=clock(), ttl_seconds=30)
        clock.forward(20)
        with pytest.raises(Locked):
            places.claim(conn, "here", owner="b", at=clock(), ttl_seconds=10)
        places.release(conn, renewed)
        second = places.claim(conn, "here", owner="b", at=clock(), ttl_seconds=10)
        assert second.token > first.token
        with pytest.raises(Fenced):
            places.record(conn, renewed, cursor=99)
        places.release(conn, renewed)
        assert places.get(conn, "here").lease_owner == "b"


def test_a_long_round_renews_its_lease(database, clock, told, tell):
    tell(*(told(n) for n in range(20)))

    def slow(_):
        clock.forward(9)
        return DELIVERED

    stand = StandIn(slow)
    relay_target(database, stand.target(), clock, owner="first")
    assert stand.took == ids(*range(20))


def test_a_relay_that_died_before_it_noted_sends_again(database, clock, told, tell, monkeypatch):
    tell(told(1))
    stand = StandIn()
    with monkeypatch.context() as patch:
        patch.setattr(relay._Serving, "_note", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            relay_target(database, stand.target(), clock, owner="first")
    relay_once(database, [stand.target()], clock)
    assert stand.took == ids(1, 1)


def test_events_are_pruned_when_old_and_had_by_every_target(database, clock, told, tell):
    tell(*(told(n) for n in range(1, 11)))
    fast, slow = StandIn(), StandIn(lambda _: unavailable("gone"))
    targets = [fast.target("fast"), slow.target("slow")]
    keep = timedelta(days=1)
    clock.forward(60)
    assert relay_once(database, targets, clock, keep=keep).pruned == 0
    clock.forward(3 * 86_400)
    assert relay_once(database, targets, clock, keep=keep).pruned == 0  # slow has none
    slow.answer = refusing(rejected("too_large", ""), *ids(4))
    clock.forward(600)
    assert relay_once(database, targets, clock, keep=keep).pruned == 9
    with database.read() as conn:
        assert [seq for seq, _ in outbox.page(conn)] == [4]  # dead, so still to be looked at
    assert prune(database, [fast.target("fast")], clock()) == 0
    assert slow.took == ids(1, 2, 3, 5, 6, 7, 8, 9, 10)


def test_without_targets_old_events_go(database, clock, told, tell):
    tell(told(1), told(2))
    clock.forward(86_400)
    assert relay_once(database, [], clock, keep=timedelta(hours=1)).pruned == 2


def test_what_is_not_wanted_is_passed_over(database, clock, told, tell):
    tell(*(told(n, kind="item.quarantined") for n in range(1_200)), told(2_000))
    stand = StandIn()
    relay_once(database, [stand.target(types=("io.pipewarden.job.*",))], clock)
    assert stand.took == ids(2_000)
    assert state_of(database).cursor == 1_201


def test_a_subject_is_due_when_its_first_event_is(database, clock, told, tell):
    tell(*(told(n, subject) for n, subject in enumerate("abab", 1)))
    now, later = clock(), clock() + timedelta(seconds=1)
    letters = [
        Undelivered(seq=seq, subject=subject, state=Fortune.WAITING, retry_at=at, at=now)
        for seq, (subject, at) in enumerate(zip("abab", (later, now, now, later), strict=True), 1)
    ]
    with database.write() as conn:
        undelivered.put(conn, "here", letters)
        undelivered.put(conn, "elsewhere", letters[:1])
    with database.read() as conn:
        assert undelivered.due(conn, "here", now, 10) == [letters[1], letters[3]]
        assert undelivered.due(conn, "here", now, 1) == [letters[1]]
        assert undelivered.due(conn, "here", later, 10) == letters
        assert undelivered.due(conn, "nowhere", later, 10) == []
        assert undelivered.waiting_of(conn, "here", ["a", "c"]) == {"a": 2}
        assert undelivered.waiting_among(conn, "elsewhere", [1, 2, 9]) == {1}


def test_new_events_stay_behind_a_subject_that_is_due_in_part(
    database, clock, told, tell, monkeypatch
):
    monkeypatch.setattr(relay, "PAGE", 2)
    tell(*(told(n) for n in range(1, 8)))
    stand = StandIn()
    target = stand.target()
    relay_once(database, [target], clock)
    with database.write() as conn:
        letters = [
            Undelivered(
                seq=seq, subject="run-1", state=Fortune.WAITING, retry_at=clock(), at=clock()
            )
            for seq in range(1, 6)
        ]
        undelivered.put(conn, "here", letters)
    tell(told(8), told(9))
    relay_once(database, [target], clock)
    assert stand.took == ids(*range(1, 8), *range(1, 6), 8, 9)


def test_two_relays_at_work_send_each_event_once_and_in_order(database, told, tell):
    stop, stand, lock = threading.Event(), StandIn(), threading.Lock()
    inside = []

    def alone(_):
        assert lock.acquire(blocking=False)  # nobody else is sending
        inside.append(threading.get_ident())
        lock.release()
        return DELIVERED

    stand.answer = alone
    loops = [
        threading.Thread(target=relay_until, args=(stop, database, [stand.target()], utc_now))
        for _ in range(2)
    ]
    for loop in loops:
        loop.start()
    for first in range(0, 300, 10):
        tell(*(told(n, f"run-{n % 7}") for n in range(first, first + 10)))
        time.sleep(0.02)
    ends = time.monotonic() + 30
    while state_of(database).cursor < 300 and time.monotonic() < ends:
        time.sleep(0.05)
    stop.set()
    for loop in loops:
        loop.join(30)
    assert len(stand.took) == 300
    for subject in range(7):
        own = [i for i in stand.took if i.startswith(f"run-{subject}/")]
        assert own == [told(n, f"run-{subject}").id for n in range(subject, 300, 7)]


def test_a_relay_that_is_killed_while_it_sends_is_taken_over(database, clock, told, tell, tmp_path):
    tell(*(told(n, f"run-{n % 3}") for n in range(30)))
    taken = tmp_path / "taken"
    url = database.url.render_as_string(hide_password=False)
    program = [sys.executable, str(Path(__file__).with_name("dying_relay.py")), url, str(taken)]
    killed = subprocess.run(program, check=False)
    assert killed.returncode == -signal.SIGKILL
    first = taken.read_text().split()
    assert len(first) == 10
    stand = StandIn()
    (refused,) = relay_once(database, [stand.target()], clock).targets
    assert "served by the dying one" in refused.error
    assert stand.took == []
    clock.forward(relay.lease_seconds(stand.target()) + 1)
    relay_once(database, [stand.target()], clock)
    assert len(stand.took) == 30
    assert set(first) <= set(stand.took)  # they come again, under their ids
