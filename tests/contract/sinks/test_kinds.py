"""What is particular to one kind of sink."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from places import delivery

from pipewarden.delivery.outcome import Fate
from pipewarden.delivery.sinks.kinds import jsonl as kind
from pipewarden.delivery.sinks.kinds.elasticsearch import ElasticsearchOptions, ElasticsearchSink
from pipewarden.delivery.sinks.kinds.jsonl import JsonlOptions, JsonlSink, documents_in
from pipewarden.delivery.sinks.kinds.jsonl_compaction import compact
from pipewarden.delivery.sinks.kinds.postgresql import PostgresqlOptions, PostgresqlSink
from pipewarden.errors import Locked
from pipewarden.store.files import durable


def fates(sink, *deliveries):
    return [outcome.fate for outcome in sink.deliver(deliveries, 10.0)]


# ── jsonl ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def lines(tmp_path, clock):
    options = JsonlOptions(kind="jsonl", folder=Path("archive"))
    return JsonlSink(options, tmp_path, clock)


def names(sink):
    return [path.name for path in kind.files_of(sink.folder, sink.pattern)]


def test_a_day_has_its_file_by_utc(lines, clock):
    clock.now = datetime.fromisoformat("2026-03-01T23:59:59+00:00")
    fates(lines, delivery("a", {"n": 1}))
    clock.now = datetime.fromisoformat("2026-03-01T22:30:00-02:00")
    fates(lines, delivery("b", {"n": 1}))
    assert names(lines) == ["documents-2026-03-01.jsonl", "documents-2026-03-02.jsonl"]


def test_a_clock_that_is_set_back_reorders_nothing(lines, clock):
    fates(lines, delivery("a", {"v": 1}))
    clock.advance(86_400)
    fates(lines, delivery("a", {"v": 2}))
    clock.advance(-86_400)
    fates(lines, delivery("a", {"v": 3}))
    assert len(names(lines)) == 2
    assert documents_in(lines.folder)["notes/a"]["document"] == {"v": 3}


def test_half_a_line_is_seen_by_no_reader_and_cut_off_by_the_next_writer(lines, tmp_path, clock):
    fates(lines, delivery("a", {"n": 1}))
    path = lines.folder / names(lines)[0]
    with path.open("ab") as file:
        file.write(b'{"id":"notes/b","documen')
    assert documents_in(lines.folder).keys() == {"notes/a"}
    fresh = JsonlSink(JsonlOptions(kind="jsonl", folder=Path("archive")), tmp_path, clock)
    fates(fresh, delivery("c", {"n": 1}))
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["a", "c"]


def test_what_a_dead_run_wrote_is_not_written_again(lines, tmp_path, clock):
    batch = [delivery(f"{n}", {"n": n}) for n in range(5)]
    fates(lines, *batch, delivery("gone"))
    size = (lines.folder / names(lines)[0]).stat().st_size
    fresh = JsonlSink(JsonlOptions(kind="jsonl", folder=Path("archive")), tmp_path, clock)
    assert set(fates(fresh, *batch, delivery("gone"))) == {Fate.DELIVERED}
    assert (lines.folder / names(lines)[0]).stat().st_size == size
    another = JsonlSink(JsonlOptions(kind="jsonl", folder=Path("archive")), tmp_path, clock)
    fates(another, delivery("0", {"n": "new"}))
    fates(fresh, batch[0])
    assert documents_in(lines.folder)["notes/0"]["document"] == {"n": 0}


@pytest.mark.parametrize(("policy", "forced"), [("always", True), ("never", False)])
def test_the_setting_decides_whether_a_batch_is_forced_to_disk(
    tmp_path, clock, monkeypatch, policy, forced
):
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    options = JsonlOptions(kind="jsonl", folder=Path("archive"), fsync=policy)
    durable.make_folder(tmp_path / "archive")
    synced.clear()
    fates(JsonlSink(options, tmp_path, clock), delivery("a", {"n": 1}))
    assert bool(synced) is forced


VERSIONS = st.lists(
    st.tuples(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 2)),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=VERSIONS, stop=st.integers(0, 3))
def test_compaction_changes_nothing_that_is_read_wherever_it_stops(
    history, stop, tmp_path_factory, clock, monkeypatch
):
    """Each day's file is rewritten on its own; killed before any of them, all reads the same."""
    home = tmp_path_factory.mktemp("compaction")
    sink = JsonlSink(JsonlOptions(kind="jsonl", folder=Path("archive")), home, clock)
    for key, value, days in history:
        clock.advance(days * 86_400)
        fates(sink, delivery(f"{key}", None if value is None else {"v": value}))
    before = {name: held["document"] for name, held in documents_in(sink.folder).items()}
    with monkeypatch.context() as patch:
        patch.setattr(durable, "replace", _dying_after(stop, durable.replace))
        patch.setattr(durable, "remove_file", _dying_after(stop, durable.remove_file))
        with contextlib.suppress(KeyboardInterrupt):
            compact(sink, 1.0)
    read = {name: held["document"] for name, held in documents_in(sink.folder).items()}
    assert read == before
    compact(sink, 1.0)
    assert {n: held["document"] for n, held in documents_in(sink.folder).items()} == before
    kept = sum(len((sink.folder / name).read_bytes().splitlines()) for name in names(sink))
    assert kept == len(before)
    assert compact(sink, 1.0).dropped == 0


def _dying_after(times, act):
    left = [times]

    def die(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return act(*arguments)

    return die


def test_what_a_compaction_that_was_killed_left_is_removed_by_the_next(lines):
    fates(lines, delivery("a", {"n": 1}))
    dead = ".pipewarden-" + durable._HOST + "-999999999-0123.tmp"
    (lines.folder / dead).write_bytes(b"half")
    compact(lines, 1.0)
    assert not (lines.folder / dead).exists()


def test_compaction_waits_for_no_writer_for_ever(lines):
    fates(lines, delivery("a", {"n": 1}))
    with kind.writing(lines.folder, 1.0), pytest.raises(Locked, match="another process"):
        compact(lines, 0.01)


def test_a_writer_goes_on_after_a_compaction(lines):
    for version in range(3):
        fates(lines, delivery("a", {"v": version}), delivery("b", {"v": version}))
    done = compact(lines, 1.0)
    assert (done.kept, done.dropped) == (2, 4)
    assert done.freed > 0
    fates(lines, delivery("a", {"v": 3}))
    assert {k: e["document"]["v"] for k, e in documents_in(lines.folder).items()} == {
        "notes/a": 3,
        "notes/b": 2,
    }


# ── postgresql ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.service("postgresql")
def test_a_table_is_made_once_by_many_at_once(postgresql):
    sinks = [postgresql.enabled().sink for _ in range(6)]
    told = {}

    def work(number):
        told[number] = fates(sinks[number], delivery(f"{number}", {"n": number}))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sink in sinks:
        sink.close()
    assert told == {n: [Fate.DELIVERED] for n in range(6)}
    assert len(postgresql.contents()) == 6


@pytest.mark.service("postgresql")
def test_a_table_of_a_newer_version_is_left_alone(postgresql):
    sink = postgresql.enabled().sink
    fates(sink, delivery("a", {"n": 1}))
    sink.close()
    postgresql.table, known = f"{postgresql.table}_version", postgresql.table
    postgresql.run("UPDATE {table} SET version = 99")
    postgresql.table = known
    fresh = postgresql.enabled().sink
    told = fresh.deliver([delivery("b", {"n": 1})], 5.0)
    fresh.close()
    assert told[0].fate is Fate.UNAVAILABLE
    assert "version 99" in told[0].error
    assert postgresql.contents().keys() == {"a"}


@pytest.mark.service("postgresql")
def test_a_table_that_was_dropped_is_made_again(postgresql):
    sink = postgresql.enabled().sink
    fates(sink, delivery("a", {"n": 1}))
    postgresql.run("DROP SCHEMA {schema} CASCADE")
    assert fates(sink, delivery("b", {"n": 1})) == [Fate.UNAVAILABLE]
    assert fates(sink, delivery("b", {"n": 1})) == [Fate.DELIVERED]
    sink.close()
    assert postgresql.contents().keys() == {"b"}


@pytest.mark.service("postgresql")
def test_one_thread_needs_no_pool_and_many_share_one(postgresql):
    """A pool has threads of its own, beside which no worker of a run could be forked."""
    postgresql.url = postgresql.server
    direct = postgresql.enabled().sink
    before = threading.active_count()
    fates(direct, delivery("a", {"n": 1}))
    assert threading.active_count() == before
    with direct._connection(5.0), direct._connection(5.0), direct._connection(5.0) as third:
        assert third.execute("SELECT 1").fetchone() == (1,)
    direct.close()


@pytest.mark.service("postgresql")
def test_the_pool_of_a_sink_without_options_holds_five_connections_and_twenty_at_most(postgresql):
    url = postgresql.server
    place = {"url": url, "schema": postgresql.schema, "table": postgresql.table}
    sink = PostgresqlSink(PostgresqlOptions(kind="postgresql", **place))
    told = {}

    def work(number):
        (told[number],) = sink.deliver([delivery(f"{number}", {"n": number})], 60.0)

    with sink._connection(60.0):  # who comes while the first is busy, takes one of the pool
        threads = [threading.Thread(target=work, args=(n,)) for n in range(25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    pool = sink._pool
    assert pool is not None
    assert (pool.min_size, pool.max_size) == (5, 20)
    assert 5 <= pool.get_stats()["pool_size"] <= 20
    sink.close()
    assert {outcome.fate for outcome in told.values()} == {Fate.DELIVERED}
    assert postgresql.contents().keys() == {f"{n}" for n in range(25)}


@pytest.mark.service("postgresql")
def test_a_connection_that_was_cut_is_made_again_at_once(postgresql):
    sink = postgresql.enabled().sink
    fates(sink, delivery("a", {"n": 1}))
    postgresql.down()
    postgresql.up()
    assert fates(sink, delivery("b", {"n": 1})) == [Fate.DELIVERED]
    sink.close()


@pytest.mark.service("postgresql")
def test_a_key_that_no_text_can_be_is_refused_alone(postgresql):
    sink = postgresql.enabled().sink
    batch = [delivery("a", {"n": 1}), delivery("nul\0", {"n": 1}), delivery("b", {"n": 1})]
    told = sink.deliver(batch, 5.0)
    sink.close()
    assert [outcome.fate for outcome in told] == [
        Fate.DELIVERED,
        Fate.REJECTED,
        Fate.DELIVERED,
    ]
    assert told[1].reason == "not_storable"


@pytest.mark.service("postgresql")
def test_a_locked_row_is_given_up_in_time(postgresql):
    """The lock outlasts the call: however slow the machine is, only the limit can end it."""
    import psycopg

    patient = postgresql.enabled()
    assert fates(patient.sink, delivery("a", {"n": 1})) == [Fate.DELIVERED]
    patient.sink.close()
    sink = postgresql.enabled(timeout=0.5)
    with psycopg.connect(postgresql.server) as conn:
        from psycopg.sql import SQL, Identifier

        table = Identifier(postgresql.schema, postgresql.table)
        conn.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
        told = sink.sink.deliver([delivery("a", {"n": 2})], 60.0)
    assert told[0].fate is Fate.UNAVAILABLE
    assert "statement timeout" in told[0].error
    tries = (fates(sink.sink, delivery("a", {"n": 2})) for _ in range(100))
    assert [Fate.DELIVERED] in tries  # a slow machine may need more than half a second for one
    sink.sink.close()


# ── elasticsearch: the protocol ──────────────────────────────────────────────────────────────────


@pytest.fixture
def search(elastic):
    """Return a sink whose pauses take no time, and the list of them."""
    pauses: list[float] = []
    options = ElasticsearchOptions(**elastic.options())
    sink = ElasticsearchSink(options, pauses.append, random=lambda: 0.0)
    yield sink, pauses
    sink.close()


def batch_of(number):
    return [delivery(f"{n}", {"n": n}) for n in range(number)]


def test_the_index_is_made_once_and_with_its_mappings(search, elastic):
    for _ in range(2):
        fates(search[0], *batch_of(3))
    assert [r.split()[0] for r in elastic.stub.requests] == ["HEAD", "PUT", "PUT", "PUT"]
    assert elastic.stub.requests[1] == f"PUT /{elastic.index}"


def test_an_index_that_somebody_else_made_meanwhile_will_do(search, elastic, monkeypatch):
    elastic.stub.indices[elastic.index] = {}
    monkeypatch.setattr(type(search[0]._client.indices), "exists", lambda *_, **__: False)
    assert set(fates(search[0], *batch_of(3))) == {Fate.DELIVERED}


def test_what_the_server_is_too_busy_for_is_sent_again_alone(search, elastic):
    elastic.stub.busy_items = 4
    sink, pauses = search
    assert set(fates(sink, *batch_of(6))) == {Fate.DELIVERED}
    assert [name for _, name in elastic.stub.actions[6:]] == [f"notes/{n}" for n in range(4)]
    assert pauses == [0.05]
    assert len(elastic.held()) == 6


def test_one_that_stays_too_busy_is_not_waited_for(search, elastic):
    elastic.stub.busy_items = 1_000
    sink, pauses = search
    told = sink.deliver(batch_of(3), 10.0)
    assert {outcome.fate for outcome in told} == {Fate.UNAVAILABLE}
    assert pauses == [0.05, 0.1, 0.2]


def test_a_whole_request_that_is_too_much_says_how_long_to_wait(search, elastic):
    elastic.stub.busy_requests, elastic.stub.retry_after = 1_000, "17"
    told = search[0].deliver(batch_of(3), 10.0)
    assert {(outcome.fate, outcome.retry_after) for outcome in told} == {(Fate.UNAVAILABLE, 17.0)}


def test_a_body_that_is_too_large_is_halved_until_one_document_is_alone(search, elastic):
    elastic.stub.max_bytes = 4_000
    batch = [*batch_of(20), delivery("huge", {"text": "x" * 5_000})]
    told = {d.key: o for d, o in zip(batch, search[0].deliver(batch, 10.0), strict=True)}
    assert told.pop("huge").reason == "too_large"
    assert {outcome.fate for outcome in told.values()} == {Fate.DELIVERED}
    assert elastic.held().keys() == {f"{n}" for n in range(20)}


def test_a_failure_of_the_server_on_one_document_is_that_documents(search, elastic):
    elastic.stub.broken_ids = {"notes/1"}
    told = search[0].deliver(batch_of(3), 10.0)
    assert [outcome.fate for outcome in told] == [Fate.DELIVERED, Fate.FAILED, Fate.DELIVERED]
    assert "a shard is unwell" in told[1].error


def test_a_refusal_says_the_innermost_reason(search):
    told = search[0].deliver([delivery("a", {"x": {"y": 1}}), delivery("b", {"x": 1})], 10.0)
    assert told[1].reason == "document_parsing_exception"
    assert "tried to parse field" in told[1].error


def test_without_the_right_key_nothing_is_refused_for_good(elastic, tmp_path):
    elastic.stub.wanted_authorization = "ApiKey the-right-one"
    wrong = elastic.enabled(api_key="the-wrong-one").sink
    told = wrong.deliver(batch_of(2), 5.0)
    wrong.close()
    assert [outcome.fate for outcome in told] == [Fate.UNAVAILABLE, Fate.UNTRIED]
    assert "the-wrong-one" not in told[0].error
    right = elastic.enabled(api_key="the-right-one").sink
    assert set(fates(right, *batch_of(2))) == {Fate.DELIVERED}
    right.close()


def test_an_id_that_is_too_long_is_hashed(search, elastic):
    key = "k" * 2_000
    fates(search[0], delivery(key, {"n": 1}))
    (name,) = elastic.stub.indices[elastic.index]
    assert name.startswith("notes#")
    assert len(name) == len("notes#") + 64
    assert elastic.held()[key]["document"] == {"n": 1}
