"""Rows of different requests, answered together where they came together.

A model that is asked once for eight rows takes much less than one that is asked eight times, and
under load requests come in crowds: all that have come by one turn of the event loop are answered in
the next. Alone, a request waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from pipewarden.models.serving.answering import Served
from pipewarden.models.serving.desk import Answered, Desk

#: Seconds of work that are done in the event loop; what takes longer is done in a thread.
AT_ONCE = 0.003


@dataclass(frozen=True, slots=True)
class _Asked:
    row: Mapping[str, Any]
    entity: str
    request_id: str
    answered: asyncio.Future[Answered]


class Gathering:
    """Asks the desk for single rows, as many at once as there are.

    Parameters
    ----------
    desk
        What answers.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: dict[int, tuple[Served, list[_Asked]]] = {}
        self._slow: set[asyncio.Task[None]] = set()

    async def predict(
        self, served: Served, row: Mapping[str, Any], entity: str, request_id: str
    ) -> Answered:
        """Answer one row; a row that is refused is not logged, and costs the others nothing.

        Raises
        ------
        StorageUnavailable
            The answer can be logged nowhere.
        """
        loop = asyncio.get_running_loop()
        one = _Asked(row, entity, request_id, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._answer, context=Context())  # of no request
        self._waiting.setdefault(id(served), (served, []))[1].append(one)
        return await one.answered

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for served, asked in waiting.values():
            if self._desk.seconds(served, len(asked)) <= AT_ONCE:
                _tell(asked, self._asked(served, asked))
            else:
                task = asyncio.create_task(self._later(served, asked))
                self._slow.add(task)
                task.add_done_callback(self._slow.discard)

    async def _later(self, served: Served, asked: list[_Asked]) -> None:
        _tell(asked, await run_in_threadpool(self._asked, served, asked))

    def _asked(self, served: Served, asked: list[_Asked]) -> Answered | Exception:
        try:
            return self._desk.predict(
                served,
                [one.row for one in asked],
                [one.entity for one in asked],
                request_ids=[one.request_id for one in asked],
            )
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            return error


def _tell(asked: list[_Asked], told: Answered | Exception) -> None:
    """Give each request its own answer; one that has gone meanwhile misses nothing."""
    for place, one in enumerate(asked):
        if one.answered.done():
            continue
        if isinstance(told, Exception):
            one.answered.set_exception(told)
            continue
        by = told.by[place : place + 1]
        one.answered.set_result(
            Answered(told.served, [told.answers[place]], [told.ids[place]], told.number, by)
        )
