"""What runs leave behind of what they took."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.core.costs.figures import CostKind
from pipewarden.jobs.costs.summing import account
from pipewarden.jobs.run import Silent, resume
from pipewarden.store.state import items, jobs
from pipewarden.store.state.costs import rows


def busy(path: Path):
    ends = time.process_time() + 0.02
    while time.process_time() < ends:
        pass
    if "bad" in path.name:
        raise ValueError("it does not read")
    return {"text": path.read_text()}


def costly(result):
    ends = time.process_time() + 0.01
    while time.process_time() < ends:
        pass
    return result["text"]


GATE = pw.Gate([pw.check(costly, target="", operator="!=", blocking=True)])
BUSY = pw.Pipeline(name="busy", process=busy, gate=GATE)


def cost_of(workspace, run_id):
    with workspace.database.read() as conn:
        return rows.get(conn, CostKind.RUN, run_id)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_run_records_what_all_its_processes_took(run_here, inbox, workspace, executor):
    for name in ("a", "b", "bad"):
        (inbox / name).write_text("x" * 100)
    made = run_here(BUSY, executor=executor, workers=2)
    cost = cost_of(workspace, made.run_id)
    assert (cost.items, cost.skipped, cost.quarantined, cost.attempts) == (3, 0, 1, 1)
    assert cost.item_seconds >= 3 * 0.02 + 2 * 0.01
    assert 2 * 0.01 <= cost.check_seconds < cost.item_seconds < cost.cpu_seconds
    assert cost.wall_seconds > 0
    assert cost.memory_peak > 1_000_000
    assert cost.memory_byte_seconds > 0
    assert cost.database_bytes > 0
    outputs = [p for p in workspace.data_dir.rglob("*") if "runs" not in p.parts and p.is_file()]
    assert cost.output_bytes == sum(path.stat().st_size for path in outputs)
    with workspace.database.read() as conn:
        held = {one.key: one for one in items.iterate(conn, made.run_id)}
    assert sum(one.cpu_seconds for one in held.values()) == pytest.approx(cost.item_seconds)
    assert held["bad"].check_seconds == 0


def test_a_run_that_goes_on_adds_to_what_it_took(run_here, inbox, workspace):

    (inbox / "a").write_text("one")
    (inbox / "b").write_text("two")
    broken = pw.Pipeline(name="busy", process=busy, setup=lambda: 1 / 0)
    with pytest.raises(pw.PipewardenError):
        run_here(broken)
    with workspace.database.read() as conn:
        job = jobs.page(conn).jobs[0]
    first = cost_of(workspace, job.id)
    assert (first.items, first.attempts) == (0, 1)
    assert first.cpu_seconds > 0
    resume(job.id, workspace, Silent(), BUSY)
    whole = cost_of(workspace, job.id)
    assert (whole.items, whole.attempts) == (2, 2)
    assert whole.cpu_seconds > first.cpu_seconds + 2 * 0.02
    assert whole.began_at == first.began_at


def test_a_stage_that_dominates_is_told(run_here, inbox, workspace):
    def staged(path: Path):
        with pw.stage("read"):
            text = path.read_text()
        with pw.stage("think"):
            busy(path)
        return {"text": text}

    (inbox / "a").write_text("x")
    made = run_here(pw.Pipeline(name="staged", process=staged))
    (found,) = account(workspace, days=1).advice
    assert (found.code, found.figures["stage"]) == ("stage_dominates", "think")
    assert found.act == f"pipewarden jobs status {made.run_id}"


def test_what_is_skipped_is_told_with_what_an_item_takes(run_here, inbox, workspace):
    for name in "abc":
        (inbox / name).write_text(name)
    run_here(BUSY)
    run_here(BUSY)
    told = account(workspace, days=1, volume=10)
    (one,) = told.pipelines
    assert (one.now.number, one.now.items, one.saved.skipped) == (2, 3, 3)
    assert one.saved.cpu_seconds == pytest.approx(one.now.item_seconds)
    assert not one.saved.models
    assert "too few runs: 2" in one.grown.reason
    assert one.grown.most == pytest.approx(10 * one.now.used.cpu_seconds)
    assert [each.code for each in told.advice] == ["checks_dominate"]
    assert account(workspace, days=1, pipeline="other").now.number == 0
