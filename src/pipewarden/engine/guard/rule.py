"""How many workers may be busy on a machine that is filled so far: a rule without a machine.

Short memory halves their number at once, and room that lasts gives one back at a time (additive
increase, multiplicative decrease: D.-M. Chiu and R. Jain, "Analysis of the increase and decrease
algorithms for congestion avoidance in computer networks", 1989). Between the two limits nothing
changes, so that the number does not swing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

#: How far the use of the processors must fall, as a share, before it counts as high no longer.
_CPU_FALL = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How busy a machine, or a container, is; each a share from 0 to 1, None where unknown.

    Parameters
    ----------
    cpu
        Of the time of its processors, lately.
    memory
        Of its memory, what cannot be had back without swapping.
    """

    cpu: float | None = None
    memory: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When something is done.

    Parameters
    ----------
    cpu, memory
        Shares from which a person is told, and, of memory, workers are stopped.
    room
        The share of memory below which they are given back.
    settle_seconds
        How long one cut is left to show before the next.
    regain_seconds
        How long there must be room before a worker is given back, and between two; also how long
        the processors' state must last before it is told.
    """

    cpu: float = 0.95
    memory: float = 0.90
    room: float = 0.80
    settle_seconds: float = 5.0
    regain_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was decided so far; times are monotonic seconds.

    Parameters
    ----------
    workers
        How many may be busy.
    cpu_high, memory_high
        Whether a person was told of it last.
    cut_at, cpu_at
        When the number was cut last, and when the processors' state changed last.
    room_since
        Since when there is room, or when the last worker was given back; None: there is none.
    """

    workers: int
    cpu_high: bool = False
    memory_high: bool = False
    cut_at: float | None = None
    cpu_at: float | None = None
    room_since: float | None = None


def decide(watch: Watch, reading: Reading, now: float, limits: Limits, most: int) -> Watch:
    """Return what follows from a reading; there is always one worker, and never more than ``most``.

    What cannot be read changes nothing.
    """
    watch = _cpu(watch, reading.cpu, now, limits)
    if reading.memory is None:
        return watch
    if reading.memory >= limits.memory:
        return _short(watch, now, limits)
    if reading.memory >= limits.room:
        return replace(watch, room_since=None)
    return _roomy(replace(watch, memory_high=False), now, limits, most)


def _short(watch: Watch, now: float, limits: Limits) -> Watch:
    watch = replace(watch, memory_high=True, room_since=None)
    if watch.cut_at is not None and now - watch.cut_at < limits.settle_seconds:
        return watch
    return replace(watch, workers=max(1, watch.workers // 2), cut_at=now)


def _roomy(watch: Watch, now: float, limits: Limits, most: int) -> Watch:
    if watch.room_since is None:
        return replace(watch, room_since=now)
    if watch.workers < most and now - watch.room_since >= limits.regain_seconds:
        return replace(watch, workers=watch.workers + 1, room_since=now)
    return watch


def _cpu(watch: Watch, used: float | None, now: float, limits: Limits) -> Watch:
    if used is None:
        return watch
    high = used >= limits.cpu - (_CPU_FALL if watch.cpu_high else 0.0)
    lately = watch.cpu_at is not None and now - watch.cpu_at < limits.regain_seconds
    return watch if high == watch.cpu_high or lately else replace(watch, cpu_high=high, cpu_at=now)


def told(before: Watch, after: Watch, reading: Reading, most: int) -> Iterator[str]:
    """Yield what a person should know of a decision, a sentence for each change."""
    if after.cpu_high and not before.cpu_high:
        yield f"the processors are {_percent(reading.cpu)} busy"
    full = f"memory is {_percent(reading.memory)} full"
    if after.workers < before.workers:
        yield f"{full}: {after.workers} of {most} workers go on until there is room"
    elif after.workers > before.workers:
        yield f"{full}: {after.workers} of {most} workers may work again"
    elif after.workers == 1 and after.memory_high and not before.memory_high:
        yield f"{full}, and one worker is the least: the machine may begin to swap"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
