"""What a person, or the service, does about sinks: look, send what waits, go on sending it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

from pipewarden.core.outages.breaker import BreakerState
from pipewarden.delivery.outcome import Fate
from pipewarden.delivery.sinks.lane import Lane
from pipewarden.delivery.sinks.sink import EnabledSink
from pipewarden.delivery.sinks.spool import Spool
from pipewarden.delivery.sinks.standing import read_standing, refused_documents, refused_file
from pipewarden.errors import Locked, PipewardenError

log = logging.getLogger(__name__)

#: Seconds between two looks at a spool.
LOOK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStatus:
    """How one sink is.

    Parameters
    ----------
    state
        ``up to date``, ``behind`` (it lacks documents, and is not known to fail), or ``down``.
    breaker, failures, retry_at
        Its circuit breaker, its failures in a row, and when it is tried next (ISO-8601).
    spooled, spooled_bytes, oldest
        What it lacks: documents, bytes, and since when (ISO-8601).
    refused, refused_file
        How many documents it will never take, and the file that has them with the reasons.
    last_error, failed_at
        What it said when it last failed, and when (ISO-8601).
    answers, said
        Where it was probed: whether it answers now, and what it said if not.
    """

    name: str
    kind: str
    pipelines: tuple[str, ...]
    state: str
    breaker: str
    failures: int
    retry_at: str
    spooled: int
    spooled_bytes: int
    oldest: str
    refused: int
    refused_file: str
    last_error: str
    failed_at: str
    answers: bool | None = None
    said: str = ""


def status(
    sinks: Sequence[EnabledSink], spools: Path, now: datetime, *, probe: bool = False
) -> list[SinkStatus]:
    """Return how each sink is.

    Parameters
    ----------
    probe
        Whether each is asked now; all at once, each within its time-out.
    """
    if not probe or not sinks:
        return [_status(sink, spools / sink.name, now) for sink in sinks]
    with ThreadPoolExecutor(max_workers=len(sinks)) as threads:
        told = list(threads.map(lambda sink: sink.sink.probe(sink.timeout), sinks))
    return [
        _status(sink, spools / sink.name, now, outcome.fate is Fate.DELIVERED, outcome.error)
        for sink, outcome in zip(sinks, told, strict=True)
    ]


def _status(
    sink: EnabledSink, folder: Path, now: datetime, answers: bool | None = None, said: str = ""
) -> SinkStatus:
    standing = read_standing(folder)
    waiting = Spool(folder, sink.spool_file_bytes).waiting()
    breaker = standing.breaker.state(now, sink.policy)
    failing = standing.breaker.failures > 0 or answers is False
    state = "down" if failing else "behind" if waiting.documents else "up to date"
    retry_at, refused = standing.breaker.retry_at, refused_documents(folder)
    return SinkStatus(
        name=sink.name,
        kind=sink.kind,
        pipelines=sink.pipelines,
        state=state,
        breaker=str(breaker),
        failures=standing.breaker.failures,
        retry_at=retry_at.isoformat() if retry_at and breaker is not BreakerState.HALF_OPEN else "",
        spooled=waiting.documents,
        spooled_bytes=waiting.bytes,
        oldest=waiting.oldest,
        refused=refused,
        refused_file=str(refused_file(folder)) if refused else "",
        last_error=standing.last_error,
        failed_at=standing.failed_at,
        answers=answers,
        said=said,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of sending what one sink lacked; ``error`` where something still waits."""

    name: str
    sent: int
    left: int
    refused: int
    error: str = ""


def replay(
    sinks: Sequence[EnabledSink], spools: Path, clock: Callable[[], datetime]
) -> list[Replayed]:
    """Send what each sink lacks now, in order, whatever its breaker says; all sinks at once.

    Raises
    ------
    StorageUnavailable
        The disk is full.
    """
    if not sinks:
        return []
    with ThreadPoolExecutor(max_workers=len(sinks)) as threads:
        return list(threads.map(lambda sink: _replay(sink, spools / sink.name, clock), sinks))


def _replay(sink: EnabledSink, folder: Path, clock: Callable[[], datetime]) -> Replayed:
    lane = Lane(sink, folder, clock)
    before, refused = lane.spool.waiting().documents, refused_documents(folder)
    error = ""
    try:
        if not lane.catch_up(at_once=True):
            error = read_standing(folder).last_error
    except Locked as locked:
        error = locked.message
    finally:
        lane.close()
    left = lane.spool.waiting().documents
    more = refused_documents(folder) - refused
    sent = max(0, before - left - more)
    return Replayed(name=sink.name, sent=sent, left=left, refused=more, error=error)


def catch_up_until(
    stop: Event, sinks: Sequence[EnabledSink], spools: Path, clock: Callable[[], datetime]
) -> None:
    """Send each sink what it lacks, as soon as it answers again, until ``stop`` is set.

    One thread a sink; a call on its way when ``stop`` is set ends within its time-out.
    """
    if not sinks:
        return
    with ThreadPoolExecutor(max_workers=len(sinks)) as threads:
        serving = [threads.submit(_serve, stop, sink, spools / sink.name, clock) for sink in sinks]
        for thread in serving:
            thread.result()


def _serve(stop: Event, sink: EnabledSink, folder: Path, clock: Callable[[], datetime]) -> None:
    lane = Lane(sink, folder, clock, stop=stop)
    try:
        while not stop.is_set():
            try:
                lane.catch_up()
            except Locked:  # a run is at it
                stop.wait(LOOK)
            except (PipewardenError, OSError) as error:
                log.warning("a spool is not sent", extra={"sink": sink.name, "error": str(error)})
            stop.wait(LOOK)
    finally:
        lane.close()
