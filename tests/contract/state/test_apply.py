"""Committed records reach items, ledger, outbox and progress exactly once."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pipewarden.core.chain import EMPTY, Act
from pipewarden.core.items import Outcome
from pipewarden.core.jobs import Job, Progress
from pipewarden.errors import Fenced
from pipewarden.store.state import apply, items, jobs, ledger, outbox
from pipewarden.store.state.database import Database


def run(database, batch, **options):
    with database.write() as conn:
        return apply.apply_records(conn, batch, **{"manifest": "m", **options})


def state(database):
    """Everything that applying changes."""
    with database.read() as conn:
        quarantined = [
            event
            for _, event in outbox.page(conn, limit=10_000)
            if event.type == "io.pipewarden.item.quarantined"
        ]
        job = jobs.get(conn, "run-1")
        assert job is None or items.totals(conn, "run-1") == job.progress
        return (
            list(items.iterate(conn, "run-1")),
            list(ledger.entries(conn)),
            quarantined,
            job and job.progress,
            apply.applied_through(conn, "m", "run-1"),
        )


def test_records_reach_everything_that_learns_of_them(database, lease, records):
    batch = [
        *records(1, 3),
        *records(4, 4, verdict="WARN"),
        *records(5, 5, Outcome.REJECTED, reason="too_short", verdict="FAIL", quarantine_path="q/5"),
        *records(6, 6, Outcome.ERRORED, reason="timeout"),
    ]
    assert run(database, batch, lease=lease) == 6
    results, acts, events, progress, cursor = state(database)
    assert [result.key for result in results] == [record.key for record in batch]
    assert progress == Progress(published=4, warned=1, quarantined=2)
    assert cursor == 6
    assert [(act.action, act.subject, act.reason, act.ts) for act in acts] == [
        ("item.quarantined", "run-1/item-0005", "too_short", batch[4].at),
        ("item.quarantined", "run-1/item-0006", "timeout", batch[5].at),
    ]
    assert acts[0].details["quarantine_path"] == "q/5"
    assert [event.id for event in events] == ["run-1/record/5", "run-1/record/6"]


def test_events_of_items_tell_whose_request_the_job_was(database, new_job, records):
    new_job("run-1", request_id="r-1", traceparent="00-a-b-01")
    new_job("run-2")
    bad = {"outcome": Outcome.REJECTED, "reason": "bad"}
    run(database, [*records(1, 1, **bad), *records(1, 1, run_id="run-2", **bad)])
    with database.read() as conn:
        told = {
            event.data["run_id"]: event.data
            for _, event in outbox.page(conn, limit=100)
            if event.type == "io.pipewarden.item.quarantined"
        }
    assert (told["run-1"]["request_id"], told["run-1"]["traceparent"]) == ("r-1", "00-a-b-01")
    assert not {"request_id", "traceparent"} & told["run-2"].keys()


def test_the_same_records_again_change_nothing(database, lease, records):
    batch = records(1, 5, Outcome.REJECTED, reason="bad")
    run(database, batch)
    before = state(database)
    assert run(database, batch) == 0
    assert run(database, batch[2:]) == 0
    assert state(database) == before


def test_of_an_overlap_only_the_new_records_are_applied(database, lease, records):
    run(database, records(1, 6, Outcome.REJECTED, reason="bad"))
    assert run(database, records(4, 9, Outcome.REJECTED, reason="bad")) == 3
    results, acts, events, progress, cursor = state(database)
    assert len(results) == len(acts) == len(events) == progress.quarantined == cursor == 9


def test_a_record_twice_in_one_batch_counts_once(database, lease, records):
    batch = records(1, 3, Outcome.ERRORED, reason="bad")
    assert run(database, batch + batch) == 3
    assert len(state(database)[1]) == 3


def test_an_item_decided_again_counts_under_its_new_outcome_only(database, lease, records):
    run(database, records(1, 4, Outcome.ERRORED, reason="timeout"))
    again = [*records(5, 6, keys=["item-0001", "item-0002"], verdict="WARN")]
    run(database, again)
    results, acts, _, progress, _ = state(database)
    assert progress == Progress(published=2, warned=2, quarantined=2)
    assert len(results) == 4
    assert len(acts) == 4, "the ledger keeps what happened"


def test_an_item_decided_twice_in_one_batch_counts_its_latest(database, lease, records):
    batch = [*records(1, 1, Outcome.ERRORED, reason="x"), *records(2, 2, keys=["item-0001"])]
    run(database, batch)
    assert state(database)[3] == Progress(published=1)


def test_a_stale_runner_is_fenced_and_nothing_is_applied(database, lease, records, later):
    with database.write() as conn:
        jobs.claim(conn, "run-1", owner="host:2", at=later(60), ttl_seconds=30)
    before = state(database)
    with pytest.raises(Fenced):
        run(database, records(1, 3), lease=lease)
    assert state(database) == before
    assert run(database, records(1, 3)) == 3, "catching up needs no lease"


def test_an_act_that_a_record_bears_is_witnessed_once(database, lease, records):
    released = Act(actor="ada", action="item.released", subject="run-1/item-0001", reason="checked")
    (record,) = records(1, 1)
    batch = [dataclasses.replace(record, act=released)]
    run(database, batch)
    run(database, batch)
    (entry,) = state(database)[1]
    assert (entry.actor, entry.action, entry.reason, entry.ts) == (
        "ada",
        "item.released",
        "checked",
        record.at,
    )


def test_a_record_without_a_number_or_a_result_counts_nothing(database, lease, records):
    unnumbered = dataclasses.replace(records(1, 1)[0], seq=0)
    forgotten = dataclasses.replace(records(1, 1)[0], entry=None, result=None)
    assert run(database, [unnumbered]) == 0
    assert run(database, [forgotten]) == 1
    assert state(database)[3] == Progress()
    with database.read() as conn:
        assert apply.next_seq(conn, "m", "run-1") == 2


def test_manifests_and_runs_have_cursors_of_their_own(database, lease, new_job, records):
    new_job("run-2")
    run(database, records(1, 3))
    assert run(database, records(1, 3, run_id="run-2")) == 3
    assert run(database, records(1, 3), manifest="other") == 3
    assert state(database)[3] == Progress(published=3)


def test_records_of_a_run_that_the_database_does_not_know_are_witnessed(database, records):
    batch = records(1, 2, Outcome.REJECTED, reason="bad", run_id="before-the-fire")
    assert run(database, batch) == 2
    assert run(database, batch) == 0
    with database.read() as conn:
        assert [act.subject for act in ledger.entries(conn)] == [
            "before-the-fire/item-0001",
            "before-the-fire/item-0002",
        ]


def test_keys_that_no_database_takes_are_counted_once(database, lease, records):
    strange = ["nul \x00", "surrogate \udc80", "quote ' \" %s ?", "東京\n", "x" * 3000]
    run(database, records(1, 5, Outcome.ERRORED, keys=strange, reason="r \x00 \udc80"))
    run(database, records(6, 10, keys=strange))
    results, acts, events, progress, _ = state(database)
    assert progress == Progress(published=5)
    assert (len(results), len(acts), len(events)) == (5, 5, 5)


def test_deferred_items_are_named_and_replaced_when_decided(database, lease, records, later):
    deferred = [record.result for record in records(1, 2, Outcome.DEFERRED, reason="paused")]
    with database.write() as conn:
        items.defer(conn, lease, deferred, at=later(1))
    assert state(database)[3] == Progress(deferred=2)
    run(database, records(1, 1))
    assert state(database)[3] == Progress(deferred=1, published=1)
    with database.read() as conn:
        assert items.keys(conn, "run-1") == {"item-0001"}


KILLED = """
import sys
from datetime import UTC, datetime
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.store.manifest.record import Record
from pipewarden.store.state import apply
from pipewarden.store.state.database import Database

records = [
    Record(run_id="run-1", seq=n, at=datetime(2026, 1, 1, tzinfo=UTC).isoformat(), key=f"k{n}",
           entry={"hash": "h", "status": "failed"},
           result=ItemResult(key=f"k{n}", outcome=Outcome.REJECTED, reason="bad"))
    for n in (1, 2, 3)
]
database = Database.open(sys.argv[1])
with database.write() as conn:
    apply.apply_records(conn, records, manifest="m")
database.close()
"""


def test_a_crash_before_the_commit_leaves_nothing_and_the_next_try_everything(database, url, lease):
    before = state(database)

    def child(**environment):
        command = [sys.executable, "-c", KILLED, url]
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode

    assert child(PIPEWARDEN_CRASH_AT="apply.open") == -signal.SIGKILL
    assert state(database) == before
    assert child() == 0
    assert child() == 0
    results, acts, events, progress, cursor = state(database)
    assert len(results) == len(acts) == len(events) == progress.quarantined == cursor == 3


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    decisions=st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from(list(Outcome)), st.sampled_from("PW")),
        min_size=1,
        max_size=20,
    ),
    cuts=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=5),
)
def test_however_records_are_offered_progress_is_that_of_the_latest_decisions(
    records, tmp_path_factory, later, decisions, cuts
):
    folder = tmp_path_factory.mktemp("law")
    database = Database.open(f"sqlite:///{folder / 'state.db'}")
    with database.write() as conn:
        jobs.insert(
            conn, Job(id="run-1", pipeline="p", source="s", created_at=later(0), created_by="a")
        )
    batch = [
        records(seq, seq, outcome, keys=[key], verdict="WARN" if v == "W" else "PASS")[0]
        for seq, (key, outcome, v) in enumerate(decisions, 1)
    ]
    reached = 0
    for start, stop in [*cuts, (0, len(batch))]:
        run(database, batch[min(start, reached) : stop])
        reached = max(reached, min(stop, len(batch)))
    latest = {record.key: record.result for record in batch}
    _, acts, events, progress, _ = state(database)
    outcomes = [result.outcome for result in latest.values()]
    assert progress.published == outcomes.count(Outcome.PUBLISHED)
    assert progress.quarantined == sum(outcome.quarantined for outcome in outcomes)
    assert progress.deferred == outcomes.count(Outcome.DEFERRED)
    quarantined = sum(record.result.outcome.quarantined for record in batch)
    assert len(acts) == len(events) == quarantined
    database.close()


def test_an_empty_database_has_an_empty_ledger(database):
    with database.read() as conn:
        assert ledger.head(conn) == EMPTY
