"""What every sink keeps: once, in order, whatever fails; the same statements for every kind."""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict

import pytest
from places import JsonlPlace, delivery

from pipewarden.delivery.outcome import Fate
from pipewarden.delivery.sinks import care
from pipewarden.delivery.sinks.courier import Courier
from pipewarden.delivery.sinks.lane import Lane

pytestmark = pytest.mark.service("postgresql")

STRANGE_KEYS = [
    "東京/Zoë “quoted” .txt",
    "\U0001f4f0 news",
    "a'; DROP TABLE docs; --",
    'b"{}%s%(x)s\\',
    "ערב/طوبى",
    "line\nbreak\tand tab",
    " leading and trailing ",
    "long/" + "ü" * 2_000,
    "long/" + "ü" * 2_001,
    "#",
    "_",
]


def deliver(sink, *deliveries):
    return [outcome.fate for outcome in sink.sink.deliver(deliveries, sink.timeout)]


@pytest.fixture
def sink(place):
    opened = place.enabled()
    yield opened
    opened.sink.close()


@pytest.fixture
def spools(tmp_path):
    return tmp_path / "spool"


# ── one call after the other ─────────────────────────────────────────────────────────────────────


def test_what_is_delivered_is_there_with_its_version(place, sink):
    one = delivery("a.txt", {"text": "one", "n": 1.5, "list": [1, None, True]})
    assert deliver(sink, one) == [Fate.DELIVERED]
    held = place.held()["a.txt"]
    assert held["document"] == {"text": "one", "n": 1.5, "list": [1, None, True]}
    told = held["id"], held["version"], held["content_hash"], held["fingerprint"], held["run_id"]
    assert told == (one.id, one.version, one.content_hash, "1/abc", "run-1")


def test_what_is_delivered_again_is_there_once(place, sink):
    batch = [delivery(f"{n}", {"n": n}) for n in range(20)]
    for _ in range(3):
        assert set(deliver(sink, *batch)) == {Fate.DELIVERED}
    assert place.contents() == {f"{n}": {"n": n} for n in range(20)}
    if isinstance(place, JsonlPlace):
        assert len(place.lines()) == 20


def test_the_last_version_stays_and_one_that_returns_is_new(place, sink):
    for version in (1, 2, 3, 1):
        deliver(sink, delivery("k", {"v": version}), delivery(f"k{version}", {"v": version}))
    assert place.contents() == {"k": {"v": 1}, "k1": {"v": 1}, "k2": {"v": 2}, "k3": {"v": 3}}


def test_what_is_withdrawn_is_gone_and_may_come_back(place, sink):
    deliver(sink, delivery("a", {"n": 1}), delivery("b", {"n": 2}))
    assert deliver(sink, delivery("a"), delivery("never was")) == [Fate.DELIVERED] * 2
    assert place.contents() == {"b": {"n": 2}}
    deliver(sink, delivery("a", {"n": 1}))
    assert place.contents() == {"a": {"n": 1}, "b": {"n": 2}}


def test_pipelines_have_keys_of_their_own(place, sink):
    deliver(sink, delivery("a", {"n": 1}), delivery("a", {"n": 2}, pipeline="others"))
    deliver(sink, delivery("a", pipeline="notes"))
    assert place.contents() == {"a": {"n": 2}}


def test_one_that_is_refused_costs_the_others_nothing(place, sink):
    if place.refused is None:
        pytest.skip("a file of lines refuses nothing")
    if place.before_refused is not None:
        deliver(sink, delivery("first", place.before_refused))
    batch = [delivery(f"{n}", place.refused if n in (0, 7, 8, 19) else {"n": n}) for n in range(20)]
    outcomes = sink.sink.deliver(batch, sink.timeout)
    refused = {d.key: o for d, o in zip(batch, outcomes, strict=True) if o.fate is Fate.REJECTED}
    assert refused.keys() == {"0", "7", "8", "19"}
    assert all(outcome.reason and outcome.error for outcome in refused.values())
    assert {o.fate for o in outcomes} == {Fate.DELIVERED, Fate.REJECTED}
    assert place.contents().keys() - {"first"} == {d.key for d in batch} - refused.keys()


def test_big_documents_arrive_whole(place, sink):
    big = {"text": "“naïve” 東京 " * 350_000}
    batch = [delivery("big", big), delivery("small", {"n": 1}), delivery("big 2", big)]
    assert deliver(sink, *batch) == [Fate.DELIVERED] * 3
    assert batch[0].size > 5_000_000
    assert place.contents() == {"big": big, "small": {"n": 1}, "big 2": big}


def test_any_text_may_be_a_key(place, sink):
    assert set(deliver(sink, *[delivery(key, {"k": key}) for key in STRANGE_KEYS])) == {
        Fate.DELIVERED
    }
    assert place.contents() == {key: {"k": key} for key in STRANGE_KEYS}
    assert set(deliver(sink, *map(delivery, STRANGE_KEYS[1:]))) == {Fate.DELIVERED}
    assert place.contents().keys() == {STRANGE_KEYS[0]}


def test_one_that_is_down_says_so_and_answers_again_when_it_is_back(place, sink):
    deliver(sink, delivery("a", {"n": 1}))
    assert sink.sink.probe(2.0).fate is Fate.DELIVERED
    place.down()
    told = sink.sink.deliver([delivery("b", {"n": 2}), delivery("c", {"n": 3})], 2.0)
    assert [outcome.fate for outcome in told] == [Fate.UNAVAILABLE, Fate.UNTRIED]
    assert told[0].error
    assert sink.sink.probe(2.0).fate is Fate.UNAVAILABLE
    place.up()
    assert sink.sink.probe(2.0).fate is Fate.DELIVERED
    assert deliver(sink, delivery("b", {"n": 2})) == [Fate.DELIVERED]
    assert place.contents() == {"a": {"n": 1}, "b": {"n": 2}}


# ── through the fan-out ──────────────────────────────────────────────────────────────────────────


def test_ten_thousand_documents(place, sink, spools, clock):
    courier = Courier([sink], spools, clock)
    batch = [delivery(f"{n:05d}", {"n": n}) for n in range(10_000)]
    for start in range(0, len(batch), 500):
        courier.hand(batch[start : start + 500])
    assert courier.settle("run-1", 10_000) == {
        "it": {"delivered": 10_000, "spooled": 0, "refused": 0}
    }
    assert place.contents() == {f"{n:05d}": {"n": n} for n in range(10_000)}


@pytest.mark.parametrize("down", [range(4), range(3, 7), range(6, 10), (1, 4, 8), range(10)])
def test_one_that_is_down_for_a_while_has_everything_in_the_end(place, sink, spools, clock, down):
    """Ten batches, each with a newer version of a document that all have; some while it is down."""
    courier = Courier([sink], spools, clock)
    wanted = {}
    is_down = False
    for number in range(10):
        if (number in down) != is_down:
            is_down = not is_down
            place.down() if is_down else place.up()
        batch = [delivery(f"{number}-{n}", {"n": n}) for n in range(5)]
        batch += [delivery("shared", {"version": number})]
        batch += [delivery(f"{number - 1}-0")] if number else []
        courier.hand(batch)
        wanted |= {d.key: None if d.document is None else d for d in batch}
        clock.advance(100)
    if is_down:
        place.up()
    courier.close()
    told = care.replay([place.enabled()], spools, clock)
    assert [(done.left, done.error) for done in told] == [(0, "")]
    held = place.held()
    assert {k: e["version"] for k, e in held.items()} == {
        k: d.version for k, d in wanted.items() if d is not None
    }
    assert held["shared"]["document"] == {"version": 9}
    assert (care.status([sink], spools, clock())[0].state) == "up to date"


def test_a_run_catches_up_by_itself(place, sink, spools, clock):
    courier = Courier([sink], spools, clock)
    place.down()
    for n in range(5):
        courier.hand([delivery("k", {"v": n}), delivery(f"{n}", {"n": n})])
    assert courier.settle("run-1", 10)["it"] == {"delivered": 0, "spooled": 10, "refused": 0}
    place.up()
    clock.advance(100)
    courier.hand([delivery("k", {"v": 5})])
    clock.advance(100)
    assert courier.settle("run-1", 11)["it"] == {"delivered": 11, "spooled": 0, "refused": 0}
    assert place.contents() == {"k": {"v": 5}, **{f"{n}": {"n": n} for n in range(5)}}
    courier.close()


def test_two_runs_at_once_lose_nothing(place, spools, clock):
    """Both hand over while the sink goes down and comes back; each has documents of its own."""
    halfway = threading.Barrier(3, timeout=60)
    failed = []

    def run(name):
        try:
            courier = Courier([place.enabled()], spools, clock)
            for n in range(20):
                if n in (7, 14):
                    halfway.wait()
                    halfway.wait()
                courier.hand([delivery(f"{name}-{n}-{m}", {"n": n}, run=name) for m in range(10)])
            courier.close()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=run, args=(name,)) for name in ("run-1", "run-2")]
    for thread in threads:
        thread.start()
    for act in (place.down, place.up):
        halfway.wait()
        act()
        clock.advance(100)
        halfway.wait()
    for thread in threads:
        thread.join()
    assert not failed
    clock.advance(100)
    sink = place.enabled()
    assert [done.left for done in care.replay([sink], spools, clock)] == [0]
    wanted = {f"run-{r}-{n}-{m}" for r in (1, 2) for n in range(20) for m in range(10)}
    assert place.held().keys() == wanted
    if isinstance(place, JsonlPlace):
        assert len(place.lines()) == len(wanted)


def test_what_is_refused_is_kept_with_the_reason_and_blocks_nobody(place, sink, spools, clock):
    if place.refused is None:
        pytest.skip("a file of lines refuses nothing")
    courier = Courier([sink], spools, clock)
    if place.before_refused is not None:
        courier.hand([delivery("first", place.before_refused, run="run-0")])
    place.down()
    courier.hand([delivery("a", {"n": 1}), delivery("spooled", place.refused)])
    place.up()
    clock.advance(100)
    courier.settle("run-1", 2)
    courier.hand([delivery("direct", place.refused), delivery("b", {"n": 2})])
    counts = courier.settle("run-1", 4)["it"]
    courier.close()
    assert counts == {"delivered": 2, "spooled": 0, "refused": 2}
    assert place.contents().keys() - {"first"} == {"a", "b"}
    lines = (spools / "it" / "refused.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert '"key":"spooled"' in lines[0]
    assert '"reason":' in lines[1]
    told = care.status([sink], spools, clock())[0]
    assert (told.refused, told.state) == (2, "up to date")


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────


def test_no_secret_is_told(place, spools, clock, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = {
        "postgresql": {"url": "postgresql://nobody:tell-no-one-1@127.0.0.1:{port}/nowhere"},
        "elasticsearch": {"url": "http://nobody:tell-no-one-2@127.0.0.1:{port}"},
    }
    kind = place.options()["kind"]
    if kind == "jsonl":
        pytest.skip("a folder has no secret")
    more = {"url": secrets[kind]["url"].format(port=place.proxy.port)}
    place.down()
    sink = place.enabled(**more)
    courier = Courier([sink], spools, clock)
    courier.hand([delivery("a", {"n": 1})])
    told = care.status([sink], spools, clock(), probe=True)
    courier.close()
    assert told[0].state == "down"
    assert told[0].last_error
    kept = "".join(p.read_text() for p in spools.rglob("*") if p.is_file())
    assert "tell-no-one" not in caplog.text + str([asdict(s) for s in told]) + kept + repr(sink)


def test_a_lane_of_a_sink_that_hangs_lets_go_in_time(place, spools, clock):
    """The other end accepts and never answers; the call ends in time, and all is spooled."""
    import socket

    if isinstance(place, JsonlPlace):
        pytest.skip("a folder answers")
    place.down()
    with socket.create_server(("127.0.0.1", place.proxy.port)):
        sink = place.enabled(timeout=0.5)
        lane = Lane(sink, spools / "it", clock)
        lane.begin([delivery("a", {"n": 1})])
        lane.finish()
        assert lane.spool.waiting().documents == 1
        assert care.status([sink], spools, clock())[0].state == "down"
    lane.close()
