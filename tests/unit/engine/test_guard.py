"""The guard: how busy a machine is, what follows from it, and that no item is killed for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.engine.executors.processes import ProcessExecutor
from pipewarden.engine.guard.machine import Machine
from pipewarden.engine.guard.rule import Limits, Reading, Watch, decide, told
from pipewarden.engine.guard.watching import Guard
from pipewarden.engine.task import Task
from pipewarden.engine.worker import Workshop
from pipewarden.errors import InvalidSettings
from pipewarden.jobs.runners.guarding import guarded
from pipewarden.settings import Settings, load_settings

LIMITS = Limits()
GIB = 1 << 30


class Time:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


# ── the rule ─────────────────────────────────────────────────────────────────────────────────


def course(*memory: float | None, most: int = 8, step: float = 5.0) -> list[int]:
    """Return how many workers are allowed at each of the readings, so many seconds apart."""
    watch, allowed = Watch(workers=most), []
    for n, share in enumerate(memory):
        watch = decide(watch, Reading(memory=share), n * step, LIMITS, most)
        allowed.append(watch.workers)
    return allowed


def test_short_memory_halves_the_workers_down_to_one():
    assert course(0.5, 0.92, 0.92, 0.92, 0.92, 0.99) == [8, 4, 2, 1, 1, 1]


def test_a_cut_is_left_to_show_before_the_next():
    assert course(0.95, 0.95, 0.95, 0.95, step=2.0) == [4, 4, 4, 2]


def test_between_the_limits_nothing_changes():
    assert course(0.92, *[0.85] * 50) == [4] * 51


def test_room_that_lasts_gives_back_one_worker_at_a_time():
    back = course(0.92, *[0.5] * 50, step=10.0)
    assert back[:5] == [4, 4, 4, 4, 5]
    assert back[4::3][:4] == [5, 6, 7, 8]
    assert back[-1] == 8


def test_room_that_does_not_last_gives_nothing_back():
    assert set(course(0.92, *[0.5, 0.85] * 30, step=20.0)) == {4}


@given(st.integers(1, 64), st.lists(st.tuples(st.none() | st.floats(0, 1), st.floats(0.01, 60))))
def test_there_is_always_a_worker_and_never_more_than_were_given(most, readings):
    watch, now = Watch(workers=most), 0.0
    for share, seconds in readings:
        now += seconds
        after = decide(watch, Reading(memory=share, cpu=share), now, LIMITS, most)
        assert 1 <= after.workers <= most
        assert after.workers <= watch.workers or share < LIMITS.room
        assert len(list(told(watch, after, Reading(cpu=share, memory=share), most))) <= 2
        watch = after


def test_each_change_is_told_once():
    readings = iter([0.5, 0.93, 0.94, 0.95, 0.96, *[0.7] * 40])
    said: list[str] = []
    clock = Time()
    guard = Guard(2, LIMITS, lambda: Reading(memory=next(readings), cpu=0.97), said.append, clock)
    for _ in range(45):
        guard()
        guard()  # no second look within the second
        clock.now += 1.0
    assert said == [
        "the processors are 97% busy",
        "memory is 93% full: 1 of 2 workers go on until there is room",
        "memory is 70% full: 2 of 2 workers may work again",
    ]


def test_memory_that_is_short_again_before_the_cut_could_show_is_not_told():
    readings = iter([0.93, 0.5, 0.94, 0.5])
    said: list[str] = []
    clock = Time()
    guard = Guard(6, LIMITS, lambda: Reading(memory=next(readings)), said.append, clock)
    for _ in range(4):
        assert guard() == 3
        clock.now += 1.0
    assert said == ["memory is 93% full: 3 of 6 workers go on until there is room"]


def test_one_worker_alone_is_told_of_once_and_goes_on():
    said: list[str] = []
    clock = Time()
    guard = Guard(1, LIMITS, lambda: Reading(memory=0.97), said.append, clock)
    for _ in range(30):
        assert guard() == 1
        clock.now += 1.0
    assert said == [
        "memory is 97% full, and one worker is the least: the machine may begin to swap"
    ]


def test_processors_that_are_busy_now_and_then_are_not_told_of_again_and_again():
    watch, said = Watch(workers=2), []
    for second in range(0, 300, 10):
        reading = Reading(cpu=0.99 if second % 20 else 0.5)
        after = decide(watch, reading, second, LIMITS, 2)
        said += told(watch, after, reading, 2)
        watch = after
    assert len(said) <= 5


# ── the machine ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine of 8 GiB, half of it free, its processors two thirds busy since the start."""
    put(tmp_path, "proc/meminfo", f"MemTotal: {8 << 20} kB\nMemAvailable: {4 << 20} kB\n")
    put(tmp_path, "proc/stat", "cpu  100 0 100 80 20 0 0 0 0 0\ncpu0 1 1 1 1\n")
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    return tmp_path


def put(root: Path, path: str, text: str | int) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(f"{text}")


def test_a_machine_without_limits_is_read_as_a_whole(root):
    clock = Time()
    machine = Machine(root, clock)
    assert machine() == Reading(cpu=None, memory=0.5)
    clock.now = 10.0
    put(root, "proc/stat", "cpu  160 0 110 100 30 0 0 0 0 0\n")
    assert machine() == Reading(cpu=0.7, memory=0.5)
    clock.now = 15.0
    put(root, "proc/stat", "cpu  999 0 110 100 30 0 0 0 0 0\n")
    assert machine().cpu == 0.7  # until the next span is over


@pytest.mark.parametrize("inside", [True, False])
def test_a_container_is_as_full_as_its_own_limit(root, inside):
    """Seen from inside its namespace, or from outside with a group above that has the limit."""
    folder = "sys/fs/cgroup" if inside else "sys/fs/cgroup/kube/pod"
    if not inside:
        put(root, "proc/self/cgroup", "0::/kube/pod/main\n")
        put(root, "sys/fs/cgroup/kube/pod/main/memory.max", "max")
    put(root, f"{folder}/memory.max", GIB)
    put(root, f"{folder}/memory.current", GIB * 95 // 100)
    put(root, f"{folder}/memory.stat", f"anon 1\ninactive_file {GIB * 20 // 100}\n")
    put(root, f"{folder}/cpu.max", "150000 100000")
    put(root, f"{folder}/cpu.stat", "usage_usec 1000000\n")
    clock = Time()
    machine = Machine(root, clock)
    assert machine().memory == pytest.approx(0.75)
    clock.now = 10.0
    put(root, f"{folder}/cpu.stat", f"usage_usec {1_000_000 + 12_000_000}\n")
    assert machine().cpu == pytest.approx(12 / 15)


def test_a_container_of_the_first_version_is_read_as_well(root):
    put(root, "proc/self/cgroup", "9:name=systemd:/x\n4:memory:/a\n3:cpu,cpuacct:/a\n")
    put(root, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", GIB)
    put(root, "sys/fs/cgroup/memory/a/memory.usage_in_bytes", GIB * 9 // 10)
    put(root, "sys/fs/cgroup/memory/a/memory.stat", "total_inactive_file 0\n")
    put(root, "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "100000\n")
    put(root, "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n")
    put(root, "sys/fs/cgroup/cpu,cpuacct/a/cpuacct.usage", 0)
    clock = Time()
    machine = Machine(root, clock)
    assert machine().memory == pytest.approx(0.9, abs=0.01)
    clock.now = 20.0
    put(root, "sys/fs/cgroup/cpu,cpuacct/a/cpuacct.usage", 19 * 10**9)
    assert machine().cpu == pytest.approx(0.95)


def test_a_system_without_proc_is_not_watched(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    assert not machine.watched
    assert machine() == Reading()
    said: list[str] = []
    monkeypatch.setattr(Machine, "watched", False)
    assert guarded(Settings(), 2, said.append) is None
    assert said == ["processors and memory are not watched here: only Linux says how full they are"]


def test_the_guard_is_set_by_the_settings(monkeypatch):
    assert guarded(Settings(guard={"enabled": False}), 2, pytest.fail) is None
    with pytest.raises(InvalidSettings, match="room_percent must not be more"):
        load_settings(guard={"memory_percent": 70, "room_percent": 80})


# ── the workers ──────────────────────────────────────────────────────────────────────────────


def wait_for_go(path: Path) -> dict[str, Any]:
    (path.parent / f"begun-{path.name}").touch()
    while not (path.parent / "go").exists():
        time.sleep(0.001)
    return {"name": path.name}


def test_workers_that_may_not_be_busy_finish_what_they_have_and_end(tmp_path):
    """Two of three are stopped while all are at work; each item is answered once, by a result."""
    allowed = 3
    made = []
    for number in range(12):
        path = tmp_path / f"{number:02d}.txt"
        path.touch()
        made.append(Task(path.name, path))
    shop = Workshop(pw.Pipeline(name="p", process=wait_for_go), tmp_path / "out")
    executor = ProcessExecutor(shop, 3, allowed=lambda: allowed)
    results: Iterator[Any] = executor.results(iter(made))
    while len(list(tmp_path.glob("begun-*"))) < 3:
        assert next(results) is None
    assert len(executor._slots) == 3
    allowed = 1
    (tmp_path / "go").touch()
    answered: list[str] = []
    least = 3
    for worked in results:
        if worked is not None:
            assert str(worked.work) == "judged"
            answered.append(worked.key)
        least = min(least, len(executor._slots))
        if least == 1 and len(answered) == 9:
            allowed = 3
    assert sorted(answered) == [task.key for task in made]
    assert (least, executor.replaced) == (1, 0)
