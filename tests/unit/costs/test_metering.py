"""What a meter counts: with clocks set by hand, and once with this very process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipewarden.core.costs.figures import Used
from pipewarden.jobs.costs.metering import Meter, highest, measured, memory_of, resident


@dataclass
class Machine:
    """Clocks, processes and their memory."""

    wall: float = 100.0
    cpu: float = 50.0
    ever: int = 10
    memory: int | None = 10
    looked_at: list[list[int]] = field(default_factory=list)

    def meter(self) -> Meter:
        def look(processes):
            self.looked_at.append(list(processes))
            return self.memory

        made = Meter(lambda: self.wall, lambda: self.cpu, look, lambda: self.ever)
        return made.start()

    def works(self, wall: float, cpu: float) -> None:
        self.wall += wall
        self.cpu += cpu


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_processors_and_time_are_counted_from_the_beginning(machine):
    meter = machine.meter()
    machine.works(10, 35)
    meter.elsewhere(5)
    used = meter.read()
    assert (used.wall_seconds, used.cpu_seconds) == (10, 40)
    meter.stop()


def test_memory_is_counted_by_the_time_for_which_it_is_held(machine):
    meter = machine.meter()
    for held in (30, 30, 10):
        machine.works(10, 0)
        machine.memory = held
        meter.look(lambda: [7, 8])
    assert meter.read().memory_byte_seconds == 20 * 10 + 30 * 10 + 20 * 10
    assert meter.peak == 30
    assert machine.looked_at[1] == [os.getpid(), 7, 8]
    meter.stop()


def test_it_does_not_look_again_before_it_is_time(machine):
    meter = machine.meter()
    looks = len(machine.looked_at)
    for _ in range(100):
        machine.works(0.0001, 0)
        meter.look()
    assert len(machine.looked_at) == looks
    machine.works(1, 0)
    meter.look()
    assert len(machine.looked_at) == looks + 1
    meter.stop()


def test_a_peak_between_two_looks_is_the_kernels(machine):
    meter = machine.meter()
    machine.works(1, 1)
    machine.ever = 500
    meter.read()
    assert meter.peak == 500
    meter.stop()


def test_where_the_system_does_not_tell_the_peak_counts_for_all_the_time(machine):
    machine.memory = None
    meter = machine.meter()
    machine.works(4, 1)
    machine.ever = 100
    assert meter.read().memory_byte_seconds == 400
    meter.stop()


def test_what_another_meter_measures_is_not_counted_twice(machine):
    outer = machine.meter()
    machine.works(1, 1)
    inner = machine.meter()
    machine.works(10, 20)
    assert inner.read().cpu_seconds == 20
    inner.stop()
    machine.works(2, 3)
    used = outer.read()
    assert (used.wall_seconds, used.cpu_seconds) == (3, 4)
    assert used.memory_byte_seconds == pytest.approx(30)
    outer.stop()
    outer.stop()  # ending twice is ending once


def test_a_meter_after_another_is_not_within_it(machine):
    machine.meter().stop()
    second = machine.meter()
    machine.works(1, 1)
    assert second.read() == Used(cpu_seconds=1, wall_seconds=1, memory_byte_seconds=10)
    second.stop()


def test_this_process_is_really_measured():
    with measured() as meter:
        sum(number * number for number in range(200_000))
        used = meter.read()
    assert used.cpu_seconds > 0
    assert used.wall_seconds > 0
    assert highest() > 1_000_000


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_this_process_holds_memory_and_one_that_has_ended_none():
    own = memory_of([os.getpid()])
    assert own is not None
    assert own > 1_000_000
    assert memory_of([2**22 + 1]) == 0
    assert (resident([]) or 0) > 1_000_000
