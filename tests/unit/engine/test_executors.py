"""Executors: each task is answered once, whatever becomes of the worker that had it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.engine.executors.inline import InlineExecutor
from pipewarden.engine.executors.processes import ProcessExecutor
from pipewarden.engine.task import Task, Work, Worked
from pipewarden.engine.worker import Workshop


def behave(path: Path) -> dict[str, Any]:
    """Do what the file says."""
    order = path.read_text()
    if order == "hang":
        (path.parent / "hangs").touch()
        time.sleep(3600)
    if order == "exit":
        os._exit(3)
    if order == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == "once":  # dies the first time only
        path.write_text("fine now")
        os._exit(1)
    if order == "bomb":
        return {"size": len(bytearray(2_000_000_000))}
    if order == "raise":
        raise ValueError("as ordered")
    if order == "bad":
        raise pw.BadInput("as_ordered", "no retry will mend this")
    if order.startswith("edit"):  # each time: its worker may be replaced when it has begun
        path.write_text(order + ", edited")
    if order == "vanish":
        path.unlink()
    return {"order": order, "pid": os.getpid()}


def workshop(tmp_path: Path, **options: Any) -> Workshop:
    pipeline = pw.Pipeline(name="p", process=options.pop("process", behave), **options)
    return Workshop(pipeline, tmp_path / "out", sleep=lambda _: None)


def tasks(tmp_path: Path, *orders: str) -> list[Task]:
    made = []
    for number, order in enumerate(orders):
        path = tmp_path / f"{number}-{order}.txt"
        path.write_text(order)
        made.append(Task(path.name, path))
    return made


class Leaping:
    """A clock that stands still, and leaps at each look while an item has said that it hangs.

    With one worker nothing else is in work then: however slow the machine, no other item is late.
    """

    def __init__(self, folder: Path) -> None:
        self.hangs = folder / "hangs"
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600.0 * self.hangs.exists()
        return self.now


def answers(results: Iterator[Worked | None]) -> dict[str, Worked]:
    found: dict[str, Worked] = {}
    for worked in results:
        if worked is not None:
            order = worked.key.partition("-")[2].removesuffix(".txt")
            assert order not in found or order == "fine"
            found[order] = worked
    return found


def test_every_kind_of_end_costs_its_item_and_no_other(tmp_path: Path) -> None:
    orders = ("exit", "segv", "once", "bomb", "raise", "bad", "edit", "vanish", "fine")
    shop = workshop(tmp_path, timeout=3600.0, memory_limit=300_000_000)
    found = answers(ProcessExecutor(shop, 2).results(iter(tasks(tmp_path, *orders))))
    said = {order: (str(worked.work), worked.reason) for order, worked in found.items()}
    assert said == {
        "exit": ("errored", "worker_lost"),
        "segv": ("errored", "worker_lost"),
        "once": ("judged", ""),
        "bomb": ("errored", "memory"),
        "raise": ("errored", "ValueError"),
        "bad": ("rejected", "as_ordered"),
        "edit": ("deferred", "changed"),
        "vanish": ("deferred", "vanished"),
        "fine": ("judged", ""),
    }
    assert "signal 11" in found["segv"].message
    assert "exit code 3" in found["exit"].message


def test_an_item_that_hangs_is_killed_and_costs_no_other(tmp_path: Path) -> None:
    shop, clock = workshop(tmp_path, timeout=60.0), Leaping(tmp_path)
    held = tasks(tmp_path, "fine", "hang", "fine", "hang", "fine")
    said: dict[str, str] = {}
    for worked in ProcessExecutor(shop, 1, clock=clock).results(iter(held)):
        if worked is not None:
            if worked.reason == "timeout":
                clock.hangs.unlink()
            said[worked.key] = worked.reason or str(worked.work)
    assert said == {
        "0-fine.txt": "judged",
        "1-hang.txt": "timeout",
        "2-fine.txt": "judged",
        "3-hang.txt": "timeout",
        "4-fine.txt": "judged",
    }


def test_workers_are_loaded_once_and_shared_by_many_items(tmp_path: Path) -> None:
    held = tasks(tmp_path, *["fine"] * 20)
    pids = set()
    for worked in ProcessExecutor(workshop(tmp_path), 2).results(iter(held)):
        if worked is not None:
            assert worked.staged is not None
            pids.add(worked.staged.read_text().partition('"pid":')[2][:12])
    assert 1 <= len(pids) <= 2


def test_no_more_than_two_tasks_a_worker_are_taken_ahead(tmp_path: Path) -> None:
    taken = done = 0

    def counted() -> Iterator[Task]:
        nonlocal taken
        for task in tasks(tmp_path, *["fine"] * 30):
            taken += 1
            yield task

    for worked in ProcessExecutor(workshop(tmp_path), 2).results(counted()):
        done += worked is not None
        assert taken - done <= 4
    assert done == 30


def test_closing_early_kills_the_workers(tmp_path: Path) -> None:
    executor = ProcessExecutor(workshop(tmp_path), 2)
    results = executor.results(iter(tasks(tmp_path, "fine", "hang", "hang")))
    while next(results) is None:
        pass
    processes = [slot.process.pid for slot in executor._slots]
    results.close()
    for pid in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def fail_to_load() -> None:
    raise RuntimeError("the model file is missing")


@pytest.mark.parametrize("kind", ["inline", "processes"])
def test_a_set_up_that_fails_stops_the_run_and_says_why(tmp_path: Path, kind: str) -> None:
    shop = workshop(tmp_path, setup=fail_to_load)
    executor = InlineExecutor(shop) if kind == "inline" else ProcessExecutor(shop, 2)
    with pytest.raises(pw.PipewardenError, match="the model file is missing"):
        list(executor.results(iter(tasks(tmp_path, "fine"))))


def test_an_inline_item_that_raises_is_data(tmp_path: Path) -> None:
    found = answers(InlineExecutor(workshop(tmp_path)).results(iter(tasks(tmp_path, "raise"))))
    assert found["raise"].reason == "ValueError"
    assert "as ordered" in found["raise"].trace


class Flaky:
    """Fails so many times, then works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self, path: Path) -> dict[str, str]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not yet")
        return {"read": path.name}


@pytest.mark.parametrize(("failures", "work"), [(2, Work.JUDGED), (3, Work.ERRORED)])
def test_an_item_is_retried_as_often_as_the_pipeline_says(
    tmp_path: Path, failures: int, work: Work
) -> None:
    shop = workshop(tmp_path, process=Flaky(failures), retries=2)
    (task,) = tasks(tmp_path, "any")
    assert shop.work(task).work is work


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "no_result"),
        ({"source": 1}, "reserved_field"),
        ({"verdict": 1}, "reserved_field"),
        ({"a": object()}, "not_json"),
        ({"a": b"bytes"}, "not_json"),
    ],
)
def test_a_result_that_cannot_be_published_is_rejected_with_a_reason(
    tmp_path: Path, result: Any, reason: str
) -> None:
    (task,) = tasks(tmp_path, "any")
    worked = workshop(tmp_path, process=lambda _: result).work(task)
    assert (worked.work, worked.reason) == (Work.REJECTED, reason)
    assert not list((tmp_path / "out").rglob("*.tmp"))


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize("target", ["loop", "nowhere"])
def test_a_link_that_leads_nowhere_is_told_as_such(tmp_path: Path, target: str) -> None:
    link = tmp_path / "loop"
    link.symlink_to(tmp_path / target)
    worked = workshop(tmp_path).work(Task("loop", link))
    assert (worked.work, worked.reason) == (Work.ERRORED, "unreadable")
