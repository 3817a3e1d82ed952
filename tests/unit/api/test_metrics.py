"""What Prometheus is told of jobs' items, sinks and event targets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipewarden.app.api.metrics import Metrics
from pipewarden.app.api.work.pool import Pool
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.core.outages.breaker import Breaker
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.sinks.enabled import spools_of
from pipewarden.delivery.sinks.spool import Spool
from pipewarden.delivery.sinks.standing import Standing, write_standing
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state import items, jobs, outbox

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(
        home=tmp_path,
        events={"targets": {"next": {"kind": "file", "path": "events.jsonl"}}},
        sinks={"lines": {"kind": "jsonl", "folder": "lines"}},
    )
    held = Workspace(settings, lambda: NOW)
    yield held
    held.database.close()


@pytest.fixture
def told(workspace: Workspace) -> Any:
    """Return what gives the value of a sample, by name and labels."""
    metrics = Metrics()
    metrics.watch(workspace, cast(Pool, SimpleNamespace(ready=1, waiting=0)))

    def value(name: str, **labels: str) -> float | None:
        families = text_string_to_metric_families(metrics.text().decode())
        samples = [s for family in families for s in family.samples]
        found = [s.value for s in samples if s.name == name and s.labels == labels]
        return found[0] if found else None

    return value


def run(workspace: Workspace, job_id: str, *seconds: float, pipeline: str = "words") -> Any:
    """Let a job decide items that took so long; return its lease."""
    job = Job(id=job_id, pipeline=pipeline, source="/s", created_at=NOW, created_by="ada")
    with workspace.database.write() as conn:
        jobs.insert(conn, job)
        return_lease = jobs.claim(conn, job_id, owner="a:1:1", at=NOW, ttl_seconds=60)
        decide(conn, job_id, *seconds)
    return return_lease


def decide(conn: Any, job_id: str, *seconds: float, begin: int = 0, **stages: float) -> None:
    decided = {"outcome": Outcome.PUBLISHED, "verdict": "PASS", "stages": stages}
    rows = {
        str(n): (ItemResult(key=str(n), seconds=took, **decided), NOW.isoformat())
        for n, took in enumerate(seconds, begin)
    }
    items.put(conn, job_id, rows)


def test_the_time_of_items_is_told_while_their_job_runs_and_stays_when_it_is_pruned(
    workspace, told
):
    name, of = "pipewarden_item_stage_seconds", {"pipeline": "words", "stage": "work"}
    assert told(f"{name}_count", **of) is None
    lease = run(workspace, "one", 0.02, 0.3)
    run(workspace, "two", 4.0, pipeline="other")
    assert told(f"{name}_count", **of) == 2
    assert told(f"{name}_bucket", le="0.25", **of) == 1
    with workspace.database.write() as conn:
        decide(conn, "one", 7.0, begin=2)
        jobs.transition(conn, "one", JobStatus.COMPLETED, actor="ada", at=NOW, lease=lease)
    assert told(f"{name}_count", **of) == 3
    assert told(f"{name}_sum", **of) == pytest.approx(7.32)
    assert told(f"{name}_bucket", le="+Inf", **of) == 3
    with workspace.database.write() as conn:
        items.remove(conn, "one")
    assert told(f"{name}_count", **of) == 3
    assert told(f"{name}_sum", pipeline="other", stage="work") == 4


def test_the_stages_that_a_pipeline_tells_are_told_beside_the_whole(workspace, told):
    name = "pipewarden_item_stage_seconds"
    run(workspace, "one", 0.5)
    run(workspace, "two", pipeline="other")
    with workspace.database.write() as conn:
        decide(conn, "one", 2.0, 3.0, begin=1, parse=0.25, locate=1.5)
        decide(conn, "two", 1.0, parse=0.75)
    of = {"pipeline": "words", "stage": "parse"}
    assert told(f"{name}_count", **of) == 2
    assert told(f"{name}_sum", **of) == 0.5
    assert told(f"{name}_bucket", le="0.25", **of) == 2
    assert told(f"{name}_bucket", le="1.0", pipeline="words", stage="locate") == 0
    assert told(f"{name}_count", pipeline="words", stage="work") == 3
    assert told(f"{name}_sum", pipeline="other", stage="parse") == 0.75


def test_what_was_run_before_the_service_began_is_not_counted(workspace, told):
    name, of = "pipewarden_item_stage_seconds_count", {"pipeline": "words", "stage": "work"}
    run(workspace, "one", 1.0)
    later = Workspace(workspace.settings, lambda: NOW + timedelta(hours=1))
    metrics = Metrics()
    metrics.watch(later, cast(Pool, SimpleNamespace(ready=1, waiting=0)))
    assert told(name, **of) == 1
    assert "pipewarden_item_stage_seconds_count{" not in metrics.text().decode()
    later.database.close()


def test_sink_and_outbox_lag_are_those_of_the_oldest(workspace, told):
    assert told("pipewarden_sink_lag_documents", sink="lines") == 0
    assert told("pipewarden_outbox_lag_events", target="next") == 0
    spool = Spool(spools_of(workspace.settings) / "lines", 1_000_000)
    ages = (90, 30)
    spool.append(
        [
            Delivery(
                pipeline="words",
                key=str(age),
                input_hash="1",
                fingerprint="1",
                run_id="r",
                at=(NOW - timedelta(seconds=age)).isoformat(),
            )
            for age in ages
        ]
    )
    write_standing(spool.folder, Standing(Breaker(5, NOW + timedelta(seconds=5)), "", ""))
    with workspace.database.write() as conn:
        for age in ages:
            at = NOW - timedelta(seconds=age)
            event = {"type": "io.pipewarden.job.queued", "subject": "a", "data": {}}
            outbox.append(conn, [outbox.OutboxEvent(**event, at=at, id=str(age))])
    assert told("pipewarden_sink_lag_documents", sink="lines") == 2
    assert told("pipewarden_sink_lag_seconds", sink="lines") == 90
    assert told("pipewarden_sink_breaker_open", sink="lines") == 1
    assert told("pipewarden_outbox_lag_events", target="next") == 2
    assert told("pipewarden_outbox_lag_seconds", target="next") == 90
    assert told("pipewarden_outbox_breaker_open", target="next") == 0


def test_an_event_that_waits_behind_the_cursor_makes_a_lag_and_a_dead_one_does_not(workspace, told):
    from sqlalchemy import update

    from pipewarden.store.state.delivery import targets, undelivered
    from pipewarden.store.state.delivery.undelivered import Fortune, Undelivered
    from pipewarden.store.state.schema import event_targets

    event = {"type": "io.pipewarden.job.queued", "data": {}}
    with workspace.database.write() as conn:
        for age, subject in ((90, "dead"), (60, "late"), (30, "late")):
            at = NOW - timedelta(seconds=age)
            held = outbox.OutboxEvent(**event, subject=subject, at=at, id=str(age))
            outbox.append(conn, [held])
        targets.claim(conn, "next", owner="a", at=NOW, ttl_seconds=1)
        conn.execute(update(event_targets).values(cursor=2, failures=5, retry_at=NOW))
        fortunes = ((1, "dead", Fortune.DEAD), (2, "late", Fortune.WAITING))
        letters = [
            Undelivered(seq=seq, subject=subject, state=state, retry_at=NOW, at=NOW)
            for seq, subject, state in fortunes
        ]
        undelivered.put(conn, "next", letters)
    assert told("pipewarden_outbox_lag_events", target="next") == 2
    assert told("pipewarden_outbox_lag_seconds", target="next") == 60
    assert told("pipewarden_outbox_dead_events", target="next") == 1
    assert told("pipewarden_outbox_breaker_open", target="next") == 1


def test_a_target_that_is_enabled_no_more_lacks_nothing(workspace, told):
    from pipewarden.store.state.delivery import targets

    with workspace.database.write() as conn:
        targets.claim(conn, "gone", owner="a", at=NOW, ttl_seconds=1)
    assert told("pipewarden_outbox_lag_events", target="gone") is None


def test_a_spool_that_does_not_read_hides_no_other_figure(workspace, told):
    folder = spools_of(workspace.settings) / "lines"
    folder.mkdir(parents=True)
    (folder / "cursor.json").write_text("nix")
    (folder / "00000001.spool").write_text("{}\n")
    assert told("pipewarden_sink_lag_documents", sink="lines") is None
    assert told("pipewarden_queue_depth") == 0
