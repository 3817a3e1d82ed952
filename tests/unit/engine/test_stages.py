"""Where the time of an item went, as its pipeline tells it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

import pipewarden as pw
from pipewarden.engine import metering
from pipewarden.engine.metering import measuring
from pipewarden.jobs import requests
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import items


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "_names", set())


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second pass between two looks at the clock."""
    seconds = itertools.count()
    monkeypatch.setattr(metering.time, "perf_counter", lambda: float(next(seconds)))


def told(path: Path) -> dict[str, Any]:
    with pw.stage("parse"):
        text = path.read_text()
    if text == "bad":
        with pw.stage("check"):
            raise pw.BadInput("bad", "it is bad")
    return {"text": text}


@pytest.mark.usefixtures("ticking")
def test_a_stage_that_comes_again_is_added_up_and_one_inside_of_another_counts_in_both():
    taken: dict[str, float] = {}
    with measuring(taken):
        with pw.stage("outer"), pw.stage("inner"):
            pass
        with pw.stage("inner"):
            pass
    assert taken == {"outer": 3.0, "inner": 2.0}


@pytest.mark.usefixtures("ticking")
def test_a_stage_that_fails_counts_until_then_and_hides_nothing():
    taken: dict[str, float] = {}
    with pytest.raises(ZeroDivisionError), measuring(taken), pw.stage("parse"):
        raise ZeroDivisionError
    assert taken == {"parse": 1.0}


def test_outside_of_a_run_and_in_another_thread_nothing_is_counted():
    def work() -> None:
        with pw.stage("parse"):
            pass

    work()
    taken: dict[str, float] = {}
    with measuring(taken):
        other = threading.Thread(target=work)
        other.start()
        other.join()
    assert taken == {}


@pytest.mark.parametrize("name", ["work", "", "Parse", "two words", "1st", "x" * 41, "é"])
def test_a_name_that_metrics_cannot_take_is_refused(name: str) -> None:
    with pytest.raises(pw.UsageError, match="cannot name a stage"):
        pw.stage(name)


def test_stages_that_are_named_after_data_are_refused_in_the_end():
    with pytest.raises(pw.UsageError, match="more than 32 different stages"):
        for number in range(33):
            pw.stage(f"document_{number}")
    pw.stage("document_0")


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_the_stages_of_every_item_are_committed_with_it_and_told_of_its_job(
    run_here: Callable[..., Any], inbox: Path, workspace: Workspace, executor: str
) -> None:
    for name in ("good", "bad"):
        (inbox / name).write_text(name)
    report = run_here(pw.Pipeline(name="texts", process=told), executor=executor)
    with workspace.database.read() as conn:
        held = {one.key: one for one in items.iterate(conn, report.run_id)}
    assert {key: set(one.stages) for key, one in held.items()} == {
        "bad": {"parse", "check"},
        "good": {"parse"},
    }
    assert all(sum(one.stages.values()) <= one.seconds for one in held.values())
    known = requests.stages_of(workspace, report.run_id)
    assert {one["stage"]: one["items"] for one in known} == {"work": 2, "parse": 2, "check": 1}
    assert known[0]["stage"] == "work"
    written = orjson.loads(report.paths["json"].read_bytes())["stages"]
    assert written == known
    assert "Where the time went" in report.paths["markdown"].read_text()


def test_a_pipeline_that_tells_no_stage_needs_nothing(
    run_here: Callable[..., Any], inbox: Path, workspace: Workspace
) -> None:
    (inbox / "one").write_text("one")
    report = run_here()
    assert [one["stage"] for one in requests.stages_of(workspace, report.run_id)] == ["work"]
    assert "Where the time went" not in report.paths["markdown"].read_text()
