"""What was sent and is waited for: nothing is lost, nothing is answered twice, blame is exact."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given, settings, strategies as st

from pipewarden.engine.task import Task
from pipewarden.jobs.runners.celery.messages import Sent
from pipewarden.jobs.runners.celery.outstanding import Outstanding

SILENCE = 10.0


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def chunk(*keys: str) -> tuple[Sent, ...]:
    return tuple(Sent(Task(key, Path(key), known_hash="h")) for key in keys)


def started(*chunks: tuple[Sent, ...]) -> tuple[Outstanding, Clock]:
    clock = Clock()
    out = Outstanding(SILENCE, clock)
    for one in chunks:
        out.add(one)
        send_all(out)
    return out, clock


def send_all(out: Outstanding) -> list[tuple[int, list[str]]]:
    """Send everything that waits; return what went out under which number."""
    gone = []
    while (upcoming := out.upcoming()) is not None:
        gone.append((upcoming[0], [sent.task.key for sent in upcoming[1]]))
        out.sent()
    return gone


def test_what_is_answered_is_not_waited_for() -> None:
    out, _ = started(chunk("a", "b"))
    assert (out.answered("a"), len(out)) == (True, 1)
    assert (out.answered("b"), len(out)) == (True, 0)


def test_only_the_first_answer_counts() -> None:
    out, _ = started(chunk("a", "b"))
    assert [out.answered("a"), out.answered("a"), out.answered("zebra")] == [True, False, False]


def test_a_silent_worker_is_lost_and_its_items_are_sent_one_by_one() -> None:
    out, clock = started(chunk("a", "b", "c"))
    out.taken(1, "w1")
    out.answered("a")
    clock.now = SILENCE - 0.1
    assert (out.overdue(), send_all(out)) == ([], [])
    clock.now = SILENCE
    assert out.overdue() == []
    assert send_all(out) == [(2, ["b"]), (3, ["c"])]
    assert out.workers_lost == 1


def test_a_sign_of_life_keeps_a_worker() -> None:
    out, clock = started(chunk("a"))
    for _ in range(20):
        clock.now += SILENCE * 0.9
        out.taken(1, "w1")
        assert (out.overdue(), send_all(out)) == ([], [])


def test_an_item_whose_worker_is_lost_twice_is_given_up_and_no_other() -> None:
    out, clock = started(chunk("killer", "b"))
    out.taken(1, "w1")
    clock.now += SILENCE
    out.overdue()
    assert send_all(out) == [(2, ["killer"]), (3, ["b"])]
    out.taken(2, "w2")
    out.taken(3, "w3")
    out.answered("b")
    clock.now += SILENCE
    (lost,) = out.overdue()
    assert (lost.key, lost.reason) == ("killer", "worker_lost")
    assert "w2" in lost.message
    assert (len(out), send_all(out)) == (0, [])


def test_losses_are_counted_for_an_item_not_for_a_message() -> None:
    """A chunk sent again because nobody took it has lost no worker."""
    out, clock = started(chunk("a"))
    for _ in range(6):
        clock.now += SILENCE * 100
        out.overdue()
        assert len(send_all(out)) == 1
    assert out.workers_lost == 0
    out.taken(7, "w1")
    clock.now += SILENCE
    assert out.overdue() == []


def test_a_second_delivery_of_what_a_worker_is_at_changes_nothing() -> None:
    out, _ = started(chunk("a", "b"))
    out.taken(1, "w1")
    out.returned(1, "w2")
    assert send_all(out) == []


def test_a_second_delivery_of_what_is_answered_changes_nothing() -> None:
    out, _ = started(chunk("a"))
    out.answered("a")
    out.returned(1, "w2")
    assert (send_all(out), len(out)) == ([], 0)


def test_what_its_own_worker_gives_back_is_sent_again_without_blame() -> None:
    out, _ = started(chunk("a", "b", "c"))
    out.taken(1, "w1")
    out.answered("a")
    out.returned(1, "w1")
    assert send_all(out) == [(2, ["b", "c"])]
    assert out.workers_lost == 0


def test_a_chunk_delivered_twice_that_nobody_had_begun_is_sent_again() -> None:
    out, _ = started(chunk("a"))
    out.returned(1, "w2")
    assert send_all(out) == [(2, ["a"])]


def test_when_nobody_gives_a_sign_the_oldest_chunk_is_sent_again_less_and_less_often() -> None:
    out, clock = started(chunk("a"), chunk("b"), chunk("c"))
    sent = []
    for _ in range(24 * 360):  # a day without a worker, in steps of silence
        clock.now += SILENCE
        out.overdue()
        sent += send_all(out)
    assert out.unheard
    assert len(sent) < 150


def test_a_broker_that_lost_everything_costs_two_spans_of_silence() -> None:
    out, clock = started(chunk("a"), chunk("b"), chunk("c"))
    clock.now += SILENCE
    out.overdue()
    assert send_all(out) == [(4, ["a"])]
    out.taken(4, "w1")  # what was sent later has come: what was sent before never will
    out.overdue()
    clock.now += SILENCE * 0.9
    out.taken(4, "w1")
    assert (out.overdue(), send_all(out)) == ([], [])
    clock.now += SILENCE * 0.2
    out.taken(4, "w1")
    assert out.overdue() == []
    assert send_all(out) == [(5, ["b"]), (6, ["c"])]
    assert out.workers_lost == 0


def test_an_outage_of_the_broker_is_nobodys_silence() -> None:
    out, clock = started(chunk("a"))
    out.taken(1, "w1")
    clock.now += SILENCE * 50
    out.outage_over()
    assert (out.overdue(), out.workers_lost) == ([], 0)


def test_stopping_waits_only_for_what_was_begun() -> None:
    out, _ = started(chunk("a", "b"), chunk("c"))
    out.taken(1, "w1")
    out.add(chunk("d"))
    out.withdraw()
    assert (len(out), send_all(out)) == (1, [])
    assert out.answered("c") is False
    out.answered("a")
    out.answered("b")
    assert len(out) == 0


def test_what_is_sent_again_is_known_as_such() -> None:
    out, _ = started(chunk("a", "b"))
    out.returned(1, "w1")
    assert out.repeated(chunk("a", "new"))
    assert not out.repeated(chunk("new"))
    out.answered("a")
    assert not out.repeated(chunk("a"))


def test_how_far_it_is_spread_counts_from_the_oldest_unanswered() -> None:
    out, _ = started(chunk("a", "b"), chunk("c", "d"))
    assert out.spread == 3
    out.answered("c")
    assert out.spread == 3
    out.answered("a")
    out.answered("b")
    assert out.spread == 0


@given(st.integers(0, 1 << 32), st.integers(1, 30), st.integers(1, 6), st.booleans())
@settings(max_examples=200)
def test_whatever_a_broker_and_workers_do_every_item_is_answered_once(  # noqa: C901
    seed: int, items: int, size: int, mortal: bool
) -> None:
    """A broker that loses, repeats and reorders; workers that die, and give back what is done.

    One item kills every worker. It is given up, and no other where workers die of nothing else.
    """
    rng = random.Random(seed)
    keys = [f"i{n}" for n in range(items)]
    killer = rng.choice([*keys, ""])
    out, clock = started(*(chunk(*keys[n : n + size]) for n in range(0, items, size)))
    queue = [(1 + n // size, keys[n : n + size]) for n in range(0, items, size)]
    answered: list[str] = []
    given_up: list[str] = []
    calm = False
    for step in range(4_000):
        calm = calm or step > 200  # faults end one day
        fault = 0.0 if calm else rng.random()
        if queue and fault > 0.9:
            queue.clear()
        elif queue and fault > 0.8:
            queue.append(rng.choice(queue))
        elif queue:
            number, held = queue.pop(0)
            worker = f"w{step}"
            out.taken(number, worker)
            for key in held:
                if key == killer or (mortal and not calm and rng.random() < 0.1):
                    break
                if out.answered(key):
                    answered.append(key)
            else:
                if fault > 0.7:
                    out.returned(number, worker)
        clock.now += SILENCE * rng.choice([0.1, 1.0, 3.0])
        if fault > 0.6:
            out.outage_over()
        given_up += [worked.key for worked in out.overdue()]
        queue += send_all(out)
        if not len(out):
            break
    assert sorted(answered + given_up) == sorted(keys)
    assert killer == "" or killer in given_up
    assert mortal or len(given_up) == bool(killer)
