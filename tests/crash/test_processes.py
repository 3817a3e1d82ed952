"""Workers that die, and a runner that dies while its workers are busy."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import notes
import pytest
from harness import examine

from pipewarden.jobs import requests
from pipewarden.store.files.folder_lock import FolderLock, Holder
from pipewarden.store.windows import Window

PROCESSES = {"executor": "processes", "workers": 2}


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def until(condition, what: str) -> None:
    """Wait for a state, never for a time; the bound only ends a test that has failed."""
    bound = time.monotonic() + 300
    while not condition():
        if time.monotonic() > bound:
            pytest.fail(f"never came about: {what}")
        os.sched_yield()


@pytest.mark.parametrize("window", [Window.ITEM_TAKEN, Window.OUTPUT_STAGED])
def test_workers_that_always_die_cost_their_items_and_not_the_run(launcher, home, window):
    home.fill(notes.FIRST)
    ended = launcher.do(home, crash_at=str(window), options=PROCESSES)
    assert (ended.code, ended.said["status"]) == (0, "FAILED")
    workspace = home.workspace()
    page = requests.item_page(workspace, ended.said["run_id"])
    workspace.database.close()
    lost = {row.key for row in page.items if row.reason == "worker_lost"}
    expected = set(notes.FIRST)
    if window is Window.OUTPUT_STAGED:  # those that raise stage nothing
        expected -= {"07-raises.txt", "08-unreadable.txt"}
    assert lost == expected
    assert "killed by signal 9" in page.items[0].message
    assert launcher.do(home, options=PROCESSES).code == 0
    assert not examine(home, notes.FIRST, known={ended.said["run_id"]})


@pytest.mark.parametrize("nth", [3, 4])
@pytest.mark.parametrize("window", [Window.ITEM_TAKEN, Window.OUTPUT_STAGED])
def test_a_worker_that_dies_now_and_then_costs_nothing(launcher, home, window, nth):
    home.fill(notes.FIRST)
    ended = launcher.do(home, crash_at=f"{window}:{nth}", options=PROCESSES)
    assert ended.said["status"] == "COMPLETED"
    launcher.do(home, options=PROCESSES)  # it sweeps what the workers staged
    assert not examine(home, notes.FIRST)


def test_when_the_runner_is_killed_its_busy_workers_die_and_the_folder_is_free(launcher, home):
    files = {f"{n}.txt": f"note {n} hang until {home.path}/go" for n in range(4)}
    home.fill(files)
    runner = launcher.start(home, options=PROCESSES)
    begun = home.path / "begun"
    until(lambda: begun.is_dir() and len(list(begun.iterdir())) == 2, "two busy workers")
    workers = [int(mark.name) for mark in begun.iterdir()]
    lock = FolderLock(home.inbox / ".manifest.lock")
    assert lock.holder().pid == runner
    os.kill(runner, signal.SIGKILL)
    assert launcher.wait().killed
    until(lambda: not any(map(alive, workers)), "the workers' end")
    lock.acquire(Holder.this_process("test", "now"), timeout=0)
    lock.release()
    (home.path / "go").touch()
    assert launcher.do(home, options=PROCESSES).said["status"] == "COMPLETED"
    assert not examine(home, files)


def test_a_paused_run_leaves_its_workers_dead_and_can_be_resumed(launcher, home):
    files = {f"{n}.txt": f"note {n} hang until {home.path}/go" for n in range(6)}
    home.fill(files)
    runner = launcher.start(home, options=PROCESSES)
    begun = home.path / "begun"
    until(lambda: begun.is_dir() and len(list(begun.iterdir())) == 2, "two busy workers")
    workers = [int(mark.name) for mark in begun.iterdir()]
    os.kill(runner, signal.SIGINT)
    (home.path / "go").touch()
    ended = launcher.wait()
    assert ended.said["status"] == "PAUSED"
    assert not any(map(alive, workers))
    resumed = launcher.do(home, "resume", run_id=ended.said["run_id"])
    assert resumed.said["status"] == "COMPLETED"
    assert not examine(home, files)


def test_a_second_interrupt_ends_the_run_at_once_and_it_can_be_resumed(launcher, home):
    files = {f"{n}.txt": f"note {n} hang until {home.path}/go" for n in range(6)}
    home.fill(files)
    runner = launcher.start(home, options=PROCESSES)
    begun = home.path / "begun"
    until(lambda: begun.is_dir() and len(list(begun.iterdir())) == 2, "two busy workers")
    workers = [int(mark.name) for mark in begun.iterdir()]
    os.kill(runner, signal.SIGINT)
    workspace = home.workspace()

    def asked() -> bool:
        return any(job.pause for job in requests.list_jobs(workspace).jobs)

    until(asked, "the recorded request")
    workspace.database.close()
    os.kill(runner, signal.SIGINT)
    ended = launcher.wait()
    assert ended.said["status"] == "PAUSED"
    assert not any(map(alive, workers))
    (home.path / "go").touch()
    assert launcher.do(home, "resume", run_id=ended.said["run_id"]).said["status"] == "COMPLETED"
    assert not examine(home, files)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_two_interrupts_during_one_item_pause_the_run_and_never_complete_it(
    launcher, home, executor
):
    files = {f"{n}.txt": f"note {n} hang until {home.path}/go" for n in range(3)}
    home.fill(files)
    runner = launcher.start(home, options={"executor": executor, "workers": 1})
    begun = home.path / "begun"
    until(lambda: begun.is_dir() and any(begun.iterdir()), "an item in work")
    for number in (signal.SIGINT, signal.SIGTERM):  # two of one kind may arrive as one
        os.kill(runner, number)
    ended = launcher.wait()
    assert ended.said["status"] == "PAUSED"
    (home.path / "go").touch()
    assert launcher.do(home, "resume", run_id=ended.said["run_id"]).said["status"] == "COMPLETED"
    assert not examine(home, files)
