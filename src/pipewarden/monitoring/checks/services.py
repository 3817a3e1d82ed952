"""Services: queue, outbox, sinks, registry, serving endpoints, disks; and the age of models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipewarden.core.monitoring.observations import Observation
from pipewarden.monitoring.checks.sheet import Sheet

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Something that should have told a figure and did not, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one request to a serving endpoint.

    Parameters
    ----------
    well
        Whether it says that it is well.
    seconds
        To its answer, or to the end of patience.
    said
        What was wrong, in words.
    """

    well: bool
    seconds: float
    said: str = ""


def of_queue(sheet: Sheet, waiting: int, oldest: float) -> Iterator[Observation]:
    """Yield how many jobs wait, and for how long (in seconds) the oldest does."""
    yield sheet.figure("queue.depth", "queue", float(waiting))
    yield sheet.figure("queue.lag_seconds", "queue", max(0.0, oldest), sample=waiting)


def of_lags(
    sheet: Sheet, metric: str, subject: str, lags: Mapping[str, tuple[float, int] | Unanswered]
) -> Iterator[Observation]:
    """Yield how far each sink, or each event target, is behind.

    Parameters
    ----------
    lags
        Name → seconds that the oldest waits and how many wait, or why that is not known.
    """
    for name, held in sorted(lags.items()):
        if isinstance(held, Unanswered):
            yield sheet.unknown(metric, subject, held.reason, feature=name)
        else:
            seconds, number = held
            yield sheet.figure(metric, subject, seconds, feature=name, sample=number)


def of_registry(sheet: Sheet, failure: str | None) -> Observation:
    """Return whether the registry answers.

    Parameters
    ----------
    failure
        Why it does not; None where it does.
    """
    reachable = 0.0 if failure is not None else 1.0
    return sheet.figure("registry.reachable", "registry", reachable, reason=failure or "")


def of_endpoint(sheet: Sheet, name: str, answers: Sequence[Answer]) -> Iterator[Observation]:
    """Yield whether an endpoint is well and how long it takes.

    One answer that is not well makes it unreachable. The latency is the nearest-rank 99th
    percentile: of fewer than a hundred requests, the slowest.
    """
    failed = [answer.said for answer in answers if not answer.well]
    yield sheet.figure(
        "serving.reachable", "serving", 0.0 if failed else 1.0, feature=name, sample=len(answers),
        reason=failed[0] if failed else "", evidence={"failed": len(failed)},
    )  # fmt: skip
    times = sorted(answer.seconds for answer in answers if answer.well)
    metric = "serving.latency_p99_ms"
    if times:
        slow = times[math.ceil(0.99 * len(times)) - 1]
        middle = times[len(times) // 2]
        yield sheet.figure(
            metric, "serving", slow * 1000, feature=name, sample=len(times),
            evidence={"median_ms": middle * 1000},
        )  # fmt: skip
    else:
        yield sheet.unknown(metric, "serving", "no request was answered", feature=name)


def of_disk(
    sheet: Sheet, folders: Mapping[str, tuple[int, int] | Unanswered]
) -> Iterator[Observation]:
    """Yield how much room is left.

    Parameters
    ----------
    folders
        Folder → free and total bytes of its disk, or why that is not known.
    """
    for folder, held in sorted(folders.items()):
        if isinstance(held, Unanswered):
            yield sheet.unknown("disk.free_share", "disk", held.reason, feature=folder)
        elif not held[1]:
            yield sheet.unknown("disk.free_share", "disk", "it has no size", feature=folder)
        else:
            free, total = held
            yield sheet.figure(
                "disk.free_share", "disk", free / total, feature=folder,
                evidence={"free_bytes": free, "total_bytes": total},
            )  # fmt: skip


def of_age(
    sheet: Sheet, model: str, *, environment: str, version: int, trained_at: datetime
) -> Observation:
    """Return how long ago the version that serves was trained."""
    days = max(0.0, (sheet.at - trained_at).total_seconds()) / _DAY
    return sheet.figure("model.age_days", model, days, environment=environment, version=version)
