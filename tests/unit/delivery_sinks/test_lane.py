"""The fan-out: one sink's trouble is nobody else's, and no document overtakes another."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.outcome import failed, rejected, unavailable
from pipewarden.delivery.sinks import care
from pipewarden.delivery.sinks.courier import Courier
from pipewarden.delivery.sinks.lane import Lane
from pipewarden.delivery.sinks.standing import Standing, read_standing, write_standing
from pipewarden.errors import StorageUnavailable


@pytest.fixture
def lane(sink, tmp_path, clock):
    opened = Lane(sink.enabled(), tmp_path / "memory", clock, random=lambda: 0.0)
    yield opened
    opened.close()


def hand(lane, *deliveries):
    lane.begin(deliveries)
    lane.finish()


# ── one lane ─────────────────────────────────────────────────────────────────────────────────────


def test_a_sink_that_answers_needs_no_spool(lane, sink, make):
    hand(lane, make("a", {"n": 1}), make("b", {"n": 2}), make("a", {"n": 3}))
    assert sink.calls == [["b", "a"]]
    assert sink.held["a"] == b'{"n":3}'
    assert not lane.folder.exists()


def test_documents_of_other_pipelines_do_not_go_there(sink, tmp_path, clock, make):
    lane = Lane(sink.enabled(pipelines=("art*",)), tmp_path / "m", clock)
    hand(lane, make("a", {"n": 1}), make("b", {"n": 1}, pipeline="articles"))
    assert sink.calls == [["b"]]


def test_what_fails_waits_and_what_comes_later_waits_behind_it(lane, sink, make, clock):
    sink.fates["b"] = unavailable("busy")
    hand(lane, make("a", {"n": 1}), make("b", {"n": 1}), make("c", {"n": 1}))
    del sink.fates["b"]
    hand(lane, make("b", {"n": 2}), make("d", {"n": 2}))
    assert sink.held.keys() == {"a", "c"}
    clock.advance(100)
    assert lane.catch_up()
    assert sink.held == {"a": b'{"n":1}', "c": b'{"n":1}', "b": b'{"n":2}', "d": b'{"n":2}'}


def test_a_sink_that_failed_is_left_alone_for_a_while(lane, sink, make, clock):
    sink.down = True
    hand(lane, make("a", {"n": 1}))
    hand(lane, make("b", {"n": 1}))
    assert len(sink.calls) == 1
    sink.down = False
    assert not lane.catch_up()
    clock.advance(0.4)
    assert not lane.catch_up()
    clock.advance(0.2)
    assert lane.catch_up()
    assert sink.held.keys() == {"a", "b"}
    assert read_standing(lane.folder).breaker.failures == 0


def test_the_pauses_grow_and_survive_the_process(lane, sink, make, clock, tmp_path):
    sink.down = True
    hand(lane, make("a", {"n": 1}))
    waits = []
    for _ in range(8):
        breaker = read_standing(lane.folder).breaker
        waits.append((breaker.retry_at - clock.now).total_seconds())
        clock.now = breaker.retry_at
        another = Lane(sink.enabled(), tmp_path / "memory", clock, random=lambda: 0.0)
        assert not another.catch_up()
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    told = care.status([sink.enabled()], tmp_path, clock())[0]
    assert (told.state, told.breaker, told.failures) == ("down", "open", 9)
    assert told.last_error == "it is down"


def test_what_is_refused_blocks_nobody(lane, sink, make):
    sink.fates["b"] = rejected("too_large", "it is too large")
    hand(lane, make("a", {"n": 1}), make("b", {"n": 1}), make("c", {"n": 1}))
    assert sink.held.keys() == {"a", "c"}
    assert lane.spool.is_empty()
    line = (lane.folder / "refused.jsonl").read_text()
    assert '"reason":"too_large","error":"it is too large"' in line
    assert '"document":{"n":1}' in line
    assert read_standing(lane.folder) == Standing()


def test_a_document_that_is_at_fault_again_and_again_is_refused_in_the_end(
    sink, tmp_path, clock, make
):
    lane = Lane(sink.enabled(policy=Policy(attempts=3)), tmp_path / "m", clock)
    sink.fates["b"] = failed("engine_exception", "a shard is unwell")
    hand(lane, make("a", {"n": 1}), make("b", {"n": 1}))
    for n in range(3):
        hand(lane, make(f"more-{n}", {"n": 1}))
        clock.advance(400)
        lane.catch_up()
    assert lane.spool.is_empty()
    assert sink.held.keys() == {"a", "more-0", "more-1", "more-2"}
    assert "engine_exception" in (lane.folder / "refused.jsonl").read_text()


def test_a_sink_that_raises_is_one_that_failed(lane, sink, make, clock, caplog):
    sink.raises = RuntimeError("a bug, password=tell-no-one")
    hand(lane, make("a", {"n": 1}))
    assert lane.spool.waiting().documents == 1
    assert read_standing(lane.folder).last_error == "RuntimeError: a bug, password=[redacted]"
    assert "tell-no-one" not in caplog.text
    sink.raises = None
    clock.advance(100)
    assert lane.catch_up()


def test_a_call_that_hangs_is_left_alone_and_nothing_overtakes_it(sink, tmp_path, clock, make):
    sink.gate = threading.Event()
    lane = Lane(sink.enabled(timeout=0.01), tmp_path / "m", clock)
    hand(lane, make("a", {"v": 1}))
    clock.advance(1_000)
    hand(lane, make("a", {"v": 2}))
    assert sink.calls == [["a"]]
    assert lane.spool.waiting().documents == 2
    sink.gate.set()
    lane.close()
    clock.advance(1_000)
    assert Lane(sink.enabled(), tmp_path / "m", clock).catch_up()
    assert sink.held == {"a": b'{"v":2}'}


def test_a_damaged_line_is_kept_and_the_rest_is_sent(lane, sink, make, clock):
    sink.down = True
    hand(lane, make("a", {"n": 1}), make("b", {"n": 2}), make("c", {"n": 3}))
    path = next(lane.folder.glob("*.spool"))
    path.write_bytes(path.read_bytes().replace(b'{"n":2}', b'{"n":9}'))
    sink.down = False
    clock.advance(100)
    assert lane.catch_up()
    assert sink.held.keys() == {"a", "c"}
    assert b'{"n":9}' in (lane.folder / "damaged.spool").read_bytes()


def test_a_disk_that_is_full_stops_the_run(lane, sink, make, monkeypatch):
    sink.down = True

    def full(*_):
        raise StorageUnavailable("no space left")

    monkeypatch.setattr(lane.spool, "append", full)
    with pytest.raises(StorageUnavailable):
        hand(lane, make("a", {"n": 1}))


# ── all lanes ────────────────────────────────────────────────────────────────────────────────────


def test_sinks_are_sent_to_at_once_and_one_that_is_down_costs_the_others_nothing(
    sink, tmp_path, clock, make
):
    meeting = threading.Barrier(2, timeout=60)

    @dataclass
    class Meeting(type(sink)):
        def deliver(self, deliveries, timeout):
            meeting.wait()
            return super().deliver(deliveries, timeout)

    one, two, down = Meeting(), Meeting(), type(sink)(down=True)
    sinks = [one.enabled("one"), two.enabled("two"), down.enabled("down")]
    courier = Courier(sinks, tmp_path, clock)
    courier.hand([make("a", {"n": 1}), make("b", {"n": 1})])
    assert one.held.keys() == two.held.keys() == {"a", "b"}
    assert courier.settle("run-1", 2) == {
        "one": {"delivered": 2, "spooled": 0, "refused": 0},
        "two": {"delivered": 2, "spooled": 0, "refused": 0},
        "down": {"delivered": 0, "spooled": 2, "refused": 0},
    }
    courier.close()
    assert one.closed
    assert down.closed


def test_replay_does_not_wait_for_the_breaker(sink, tmp_path, clock, make):
    sink.down = True
    courier = Courier([sink.enabled()], tmp_path, clock)
    courier.hand([make("a", {"n": 1})])
    assert [(d.sent, d.left, d.error) for d in care.replay([sink.enabled()], tmp_path, clock)] == [
        (0, 1, "it is down")
    ]
    sink.down = False
    assert [(d.sent, d.left, d.error) for d in care.replay([sink.enabled()], tmp_path, clock)] == [
        (1, 0, "")
    ]
    courier.close()


def test_the_service_goes_on_sending_until_it_is_stopped(sink, tmp_path, clock, make):
    sink.down = True
    courier = Courier([sink.enabled()], tmp_path, clock)
    courier.hand([make("a", {"n": 1})])
    sink.down = False
    clock.advance(100)
    stop = threading.Event()
    sink.gate = threading.Event()
    serving = threading.Thread(
        target=care.catch_up_until, args=(stop, [sink.enabled()], tmp_path, clock)
    )
    serving.start()
    sink.gate.set()
    while "a" not in sink.held:
        threading.Event().wait(0.005)
    stop.set()
    serving.join(60)
    assert not serving.is_alive()
    assert sink.closed


def test_a_standing_that_does_not_read_is_that_of_a_new_sink(tmp_path):
    write_standing(tmp_path, Standing(last_error="postgresql://u:tell-no-one@h/d", failed_at="now"))
    assert read_standing(tmp_path).last_error == "postgresql://u:[redacted]@h/d"
    (tmp_path / "standing.json").write_text("{")
    assert read_standing(tmp_path) == Standing()
