"""An item, its place in a plan, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """What a plan says about an item, by comparing the source with the manifest."""

    NEW = "new"
    CHANGED = "changed"
    STALE = "stale"
    OUTPUT_MISSING = "output-missing"
    FAILED = "failed"
    REJECTED = "rejected"
    MOVED = "moved"
    DELETED = "deleted"
    ELSEWHERE = "elsewhere"
    UNCHANGED = "unchanged"
    FORCED = "forced"


class Action(StrEnum):
    """What a run will do with an item in that state."""

    PROCESS = "process"
    REJUDGE = "rejudge"
    MOVE = "move"
    FORGET = "forget"
    SKIP = "skip"


class Step(NamedTuple):
    """One line of a plan: an item, its state, what will be done with it, and why.

    Parameters
    ----------
    key
        The item's key: for a file, its POSIX path relative to the manifest's folder.
    moved_from
        The key under which the manifest knows the item, for a moved one.
    """

    key: str
    state: State
    action: Action
    why: str
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: every item of the source, and every entry whose file is gone."""

    steps: tuple[Step, ...]

    def counts(self) -> dict[str, int]:
        """Return how many items are in each state, states without items included."""
        counts = dict.fromkeys((str(state) for state in State), 0)
        for step in self.steps:
            counts[step.state] += 1
        return counts

    def work(self) -> tuple[Step, ...]:
        """Return the steps that a run would act on."""
        return tuple(step for step in self.steps if step.action is not Action.SKIP)


class Outcome(StrEnum):
    """What became of an item in a run; every item seen has exactly one."""

    SKIPPED = "skipped"
    PUBLISHED = "published"
    #: Quarantined by the gate, or because no retry can mend its bytes.
    REJECTED = "rejected"
    #: Quarantined by an exception, a time-out, or the loss of its worker.
    ERRORED = "errored"
    #: Paused, cancelled, changed or vanished meanwhile: nothing was decided.
    DEFERRED = "deferred"

    @property
    def quarantined(self) -> bool:
        """Whether the item lies in quarantine."""
        return self in (Outcome.REJECTED, Outcome.ERRORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The committed outcome of one item in one run.

    Parameters
    ----------
    reason
        Machine-readable: names of checks, ``timeout``, ``worker_lost``, an exception's class.
    seconds, cpu_seconds, check_seconds
        Wall time of the attempt, measured in the worker; CPU time there; and how much of that the
        gate's checks took.
    stages
        Wall time of each stage that the pipeline told, in seconds.
    output_bytes, object_bytes
        What was stored for it: document or quarantine file, and the model that is kept for good.
    misses
        The findings that are not PASS: check → status.
    """

    key: str
    outcome: Outcome
    reason: str = ""
    message: str = ""
    verdict: str = ""
    seconds: float = 0.0
    attempt: int = 1
    output_path: str = ""
    quarantine_path: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    misses: Mapping[str, str] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    check_seconds: float = 0.0
    output_bytes: int = 0
    object_bytes: int = 0
    stages: Mapping[str, float] = field(default_factory=dict)
