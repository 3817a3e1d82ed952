"""Documents of requests on their way to sinks: by the lane that the documents of jobs take.

Each sink has one hand-over at a time; what comes meanwhile goes together with the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import Field

from pipewarden.core.sinks import Delivery
from pipewarden.delivery.sinks.enabled import enabled, options_of, spools_of
from pipewarden.delivery.sinks.lane import Handed, Lane
from pipewarden.delivery.sinks.sink import CALL_BYTES, CALL_DOCUMENTS
from pipewarden.settings import Settings

#: Where a document is once it was handed over.
Fate = Literal["delivered", "spooled", "refused"]

SinkNames = Annotated[
    list[str],
    Field(
        max_length=20,
        description="Enabled sinks that an accepted document goes to as well. One that is down "
        "gets it later, from its spool.",
    ),
]


class NoSuchSink(Exception):
    """A request names a sink that is not enabled, or not for its pipeline."""


def check(settings: Settings, pipeline: str, names: Sequence[str]) -> None:
    """Refuse names of sinks that documents of a pipeline cannot go to.

    Raises
    ------
    NoSuchSink
        One is not enabled, or does not take documents of this pipeline.
    """
    for name in names:
        if name not in settings.sinks:
            known = ", ".join(sorted(settings.sinks)) or "none"
            raise NoSuchSink(f"there is no sink {name!r}; enabled: {known}")
        wanted = options_of(name, settings.sinks[name]).pipelines
        if not any(fnmatchcase(pipeline, pattern) for pattern in wanted):
            raise NoSuchSink(f"the sink {name!r} takes no documents of the pipeline {pipeline!r}")


@dataclass(slots=True, eq=False)
class _Ask:
    deliveries: Sequence[Delivery]
    handed: asyncio.Future[Handed]


@dataclass(slots=True, eq=False)
class _Desk:
    """The hand-over to one sink: what waits, and the lane, once there is one."""

    waiting: deque[_Ask] = field(default_factory=deque)
    working: asyncio.Task[None] | None = None
    lane: Lane | None = None


class Handing:
    """Hands documents to the sinks of the settings.

    Parameters
    ----------
    settings
        The service's.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._desks: Mapping[str, _Desk] = {name: _Desk() for name in settings.sinks}
        most = max(1, len(self._desks))
        self._threads = ThreadPoolExecutor(max_workers=most, thread_name_prefix="handing")

    async def hand(
        self, names: Sequence[str], deliveries: Sequence[Delivery]
    ) -> list[dict[str, Fate]]:
        """Hand documents to sinks, all at once; return of each document where it is, by sink.

        Raises
        ------
        StorageUnavailable
            A sink is down, and the disk is too full to keep what it lacks.
        InvalidSettings
            A sink's settings do not hold.
        MissingExtra
            Its client is not installed.
        """
        told = await asyncio.gather(
            *(self._at(self._desks[name], name, deliveries) for name in names)
        )
        return [
            {name: _fate(delivery, handed) for name, handed in zip(names, told, strict=True)}
            for delivery in deliveries
        ]

    async def _at(self, desk: _Desk, name: str, deliveries: Sequence[Delivery]) -> Handed:
        if not deliveries:
            return Handed()
        ask = _Ask(deliveries, asyncio.get_running_loop().create_future())
        desk.waiting.append(ask)
        if desk.working is None or desk.working.done():
            desk.working = asyncio.create_task(self._work(desk, name), name=f"handing-{name}")
        return await ask.handed

    async def _work(self, desk: _Desk, name: str) -> None:
        """Hand over what waits, as much at a time as one call takes, until nothing does."""
        loop = asyncio.get_running_loop()
        while desk.waiting:
            asks = list(_together(desk.waiting))
            try:
                handed = await loop.run_in_executor(self._threads, self._hand, desk, name, asks)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
                for ask in asks:
                    if not ask.handed.done():
                        ask.handed.set_exception(error)
                continue
            for ask in asks:
                if not ask.handed.done():
                    ask.handed.set_result(handed)

    def _hand(self, desk: _Desk, name: str, asks: Sequence[_Ask]) -> Handed:
        if desk.lane is None:
            (sink,) = enabled(self._settings, (name,))
            desk.lane = Lane(sink, spools_of(self._settings) / name, self._clock)
        desk.lane.begin([delivery for ask in asks for delivery in ask.deliveries])
        return desk.lane.finish()

    async def close(self) -> None:
        """Let go of the sinks, once what was begun has ended; what waits stays on disk."""
        working = [desk.working for desk in self._desks.values() if desk.working is not None]
        await asyncio.gather(*working, return_exceptions=True)
        loop = asyncio.get_running_loop()
        lanes = [desk.lane for desk in self._desks.values() if desk.lane is not None]
        await asyncio.gather(*(loop.run_in_executor(self._threads, lane.close) for lane in lanes))
        self._threads.shutdown(wait=False)


def _fate(delivery: Delivery, handed: Handed) -> Fate:
    if delivery.id in handed.refused:
        return "refused"
    return "spooled" if delivery.id in handed.spooled else "delivered"


def _together(waiting: deque[_Ask]) -> Iterator[_Ask]:
    """Take the next asks, bounded in documents and bytes, but one at least."""
    documents = size = 0
    while waiting:
        more = waiting[0].deliveries
        documents, size = documents + len(more), size + sum(d.size for d in more)
        if (documents > CALL_DOCUMENTS or size > CALL_BYTES) and documents > len(more):
            return
        yield waiting.popleft()


def delivery_of(
    made: Mapping[str, Any], document: bytes, *, request_id: str, at: datetime
) -> Delivery:
    """Return the delivery of a document that was made for a request.

    Parameters
    ----------
    made
        Pipeline, key and hashes, as the document process tells them.
    """
    return Delivery(**made, document=document, run_id=f"request:{request_id}", at=at.isoformat())
