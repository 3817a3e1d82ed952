"""Keys, rates and kept answers on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.errors import Conflict, UnknownName
from pipewarden.store.state.database import Database
from pipewarden.store.state.service import breakers, idempotency, keys, rates, runners
from pipewarden.store.state.service.breakers import SHARED, BreakerRow
from pipewarden.store.state.service.idempotency import Answer
from pipewarden.store.state.service.keys import ApiKey, Scope
from pipewarden.store.state.service.runners import RunnerState

DAY = timedelta(days=1)


def made(database, later, key_id="k1", scope=Scope.VIEWER):
    key = ApiKey(
        id=key_id, name="eva", scope=scope, hash="h", created_at=later(0), created_by="ada"
    )
    with database.write() as conn:
        keys.create(conn, key)
    return key


def test_a_key_comes_back_as_it_was_and_is_revoked_once(database, later):
    key = made(database, later)
    with database.write() as conn:
        assert keys.get(conn, "k1") == key
        assert keys.any_valid(conn)
        assert keys.revoke(conn, "k1", actor="bob", at=later(1)).revoked_by == "bob"
        assert not keys.any_valid(conn)
        with pytest.raises(Conflict, match="revoked by bob"):
            keys.revoke(conn, "k1", actor="bob", at=later(2))
        with pytest.raises(UnknownName):
            keys.revoke(conn, "nix", actor="bob", at=later(2))
        assert [held.id for held in keys.listed(conn)] == ["k1"]


def test_each_scope_holds_those_before_it():
    order = list(Scope)
    for held in order:
        for needed in order:
            assert held.allows(needed) is (order.index(needed) <= order.index(held))


def test_many_replicas_together_take_no_more_than_the_limit(database):
    def take(_):
        with database.write() as conn:
            return rates.take(conn, "k", window=7, limit=50, block=7)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(20))) == 50


@settings(max_examples=30)
@given(asks=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=25))
def test_no_window_gives_more_than_its_limit_and_a_past_one_gives_nothing(asks):
    database = Database.open("sqlite://")
    taken: dict[int, int] = {}
    newest = 0
    with database.write() as conn:
        for window, block in asks:
            got = rates.take(conn, "k", window=window, limit=10, block=block)
            if window < newest:
                assert got == 0
                continue
            newest = window
            before = taken.get(window, 0)
            assert got == min(block, 10 - before)
            taken[window] = before + got
    database.close()


def begin(database, at, key="k", fingerprint="f", owner="eva"):
    with database.write() as conn:
        return idempotency.begin(conn, owner, key, fingerprint, at=at, keep=DAY)


ANSWER = Answer(status=202, headers={"Location": "/x"}, body="{}")


def finish(database, begun):
    with database.write() as conn:
        return idempotency.finish(conn, "eva", "k", ANSWER, begun=begun)


def test_a_request_is_in_work_then_answered_alike_then_forgotten(database, later):
    assert begin(database, later(0)) is None
    assert begin(database, later(1)).answer is None
    assert finish(database, later(0))
    again = begin(database, later(2), fingerprint="other")
    assert (again.fingerprint, again.answer) == ("f", ANSWER)
    assert begin(database, later(DAY.total_seconds())) is None


def test_an_abandoned_request_is_made_again_and_the_first_cannot_finish_any_more(database, later):
    begin(database, later(0))
    again = later(idempotency.ABANDONED)
    assert begin(database, again) is None
    assert not finish(database, later(0))
    assert finish(database, again)
    assert not finish(database, again)


def test_a_request_that_did_nothing_can_be_made_again(database, later):
    begin(database, later(0))
    with database.write() as conn:
        idempotency.give_up(conn, "eva", "k", begun=later(0))
    assert begin(database, later(1)) is None


def test_of_many_at_once_one_begins(database, later):
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(lambda _: begin(database, later(0)), range(16)))
    assert begun.count(None) == 1


def test_services_are_heard_of_until_they_leave_or_fall_silent(database, later):
    def state(owner, seconds):
        return RunnerState(
            owner=owner, started_at=later(0), heartbeat_at=later(seconds), slots=2, running=1
        )

    with database.write() as conn:
        for owner, seconds in (("a", 1), ("b", 2), ("a", 3)):
            runners.beat(conn, state(owner, seconds))
        assert runners.known(conn) == [state("a", 3), state("b", 2)]
        runners.forget(conn, later(3))
        assert runners.known(conn) == [state("a", 3)]
        runners.leave(conn, "a")
        assert runners.known(conn) == []


def test_what_an_owner_says_of_its_breakers_replaces_what_it_said(database, later):
    def row(owner, name="broker", failures=1, at=0):
        return BreakerRow(
            owner=owner,
            name=name,
            job_id="run-1",
            failures=failures,
            retry_at=later(at + 5),
            since=later(0),
            told_at=later(at),
        )

    first, second, every = row("a:1:1"), row("b:2:2", at=50), row(SHARED, "registry")
    with database.write() as conn:
        for held in (first, second, every):
            breakers.tell(conn, held.owner, [held])
        assert breakers.known(conn) == [first, second, every]
        worse = row("a:1:1", failures=4, at=1)
        breakers.tell(conn, "a:1:1", [worse])
        assert breakers.known(conn) == [worse, second, every]
        breakers.forget(conn, later(40))
        assert breakers.known(conn) == [second, every]
        breakers.tell(conn, "b:2:2", [])
        breakers.tell(conn, SHARED, [])
        assert breakers.known(conn) == []
