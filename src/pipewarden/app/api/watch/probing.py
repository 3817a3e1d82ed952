"""What the service needs, each thing tried for real, within a time, and one try of it at once.

What does not answer keeps one thread, however often somebody asks: not the event loop, and none of
the threads that requests are answered in. What lies outside is asked once in a few seconds at most,
so that a question to the service is not many to its neighbours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pipewarden.app.api.views import ProbeView
from pipewarden.app.api.watch import inside, outside
from pipewarden.app.api.work.pool import Pool
from pipewarden.errors import PipewardenError
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving.desk import Desk
from pipewarden.settings import redact_text

log = logging.getLogger(__name__)

#: Seconds for one try, and for which the answer of what lies outside is taken on trust.
PATIENCE, TRUSTED = 2.0, 5.0

State = Literal["ok", "degraded", "down"]
_WORST: dict[State, int] = {"ok": 0, "degraded": 1, "down": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """One thing to try.

    Parameters
    ----------
    trusted
        Seconds for which an answer holds.
    told
        Seconds for which it is told beyond that, while the next one is waited for.
    without
        Looks for the facts that are known although it failed.
    """

    name: str
    tried: str
    look: Callable[[], Awaitable[Any]]
    trusted: float = 0.0
    told: float = 0.0
    without: Callable[[], dict[str, Any]] = dict


class Probes:
    """All that is tried.

    Parameters
    ----------
    workspace, pool
        The database and the document processes.
    failures
        What failed last behind the service, by the name of the work.
    offered
        The pipelines that the service offers.
    desk
        Where models answer.
    trusted
        Seconds for which an answer from outside is not asked for again.
    """

    def __init__(
        self,
        workspace: Workspace,
        pool: Pool,
        failures: Mapping[str, str],
        offered: Mapping[str, str],
        *,
        desk: Desk | None = None,
        trusted: float = TRUSTED,
    ) -> None:
        self._clock = workspace.clock
        self._outside = outside.looks(workspace, failures, tuple(offered), PATIENCE)
        self._threads = ThreadPoolExecutor(
            max_workers=3 + len(self._outside), thread_name_prefix="probe"
        )
        self._database = _Probe(
            name="database",
            tried="a query",
            look=self._aside(partial(inside.database, workspace)),
        )
        self._probes = [
            self._database,
            _Probe(
                name="documents",
                tried="a question to a document process, which tells what it has loaded",
                look=partial(
                    inside.documents, pool, workspace.settings, tuple(offered), PATIENCE / 2
                ),
            ),
            _Probe(
                name="runners",
                tried="who was heard of lately",
                look=self._aside(partial(inside.runners, workspace, failures)),
                without=partial(inside.runners_without, workspace),
            ),
            *(
                _Probe(
                    name=one.name,
                    tried=one.tried,
                    look=self._aside(one.look),
                    trusted=trusted,
                    told=one.told,
                )
                for one in self._outside
            ),
        ]
        if desk is not None:
            self._probes.append(self._models(desk))
        self._trying: dict[str, asyncio.Task[ProbeView]] = {}
        self._known: dict[str, tuple[ProbeView, float]] = {}

    async def ask(self) -> list[ProbeView]:
        """Try everything at once; nothing that fails keeps the rest from being tried."""
        return list(await asyncio.gather(*map(self._view, self._probes)))

    async def database_answers(self) -> bool:
        """Whether the database answers."""
        return (await self._view(self._database)).state != "down"

    async def close(self) -> None:
        """Let go of what is open; a try that hangs keeps its thread until it ends."""
        for trying in self._trying.values():
            trying.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.gather(*(asyncio.to_thread(one.close) for one in self._outside))

    def _models(self, desk: Desk) -> _Probe:
        return _Probe(
            name="models",
            tried="when deployments were last read, what answers, how the log stands",
            look=self._aside(lambda: inside.models(desk, self._clock())),
        )

    def _aside(self, look: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
        return lambda: asyncio.get_running_loop().run_in_executor(self._threads, look)

    async def _view(self, probe: _Probe) -> ProbeView:
        view, at = self._known.get(probe.name, (None, 0.0))
        age = time.monotonic() - at
        if view is not None and age < probe.trusted:
            return view
        trying = self._trying.get(probe.name)
        if trying is None or trying.done():
            trying = self._trying[probe.name] = asyncio.create_task(self._try(probe))
        if view is not None and age < probe.trusted + probe.told:
            return view
        answered, _ = await asyncio.wait({trying}, timeout=PATIENCE)
        if answered:
            return trying.result()
        facts = await asyncio.to_thread(probe.without)
        return self._viewed(probe, "down", f"no answer within {PATIENCE:g} s", facts, PATIENCE)

    async def _try(self, probe: _Probe) -> ProbeView:
        began = time.perf_counter()
        state: State
        try:
            state, said, facts = await probe.look()
        except PipewardenError as error:
            state, said = "down", redact_text(error.message)
            facts = await asyncio.to_thread(probe.without)
        except Exception as error:  # whatever a client raises is its answer
            log.exception("a probe failed", extra={"probe": probe.name})
            state, said, facts = "down", redact_text(f"{type(error).__name__}: {error}"), {}
        view = self._viewed(probe, state, said, facts, time.perf_counter() - began)
        self._known[probe.name] = (view, time.monotonic())
        return view

    def _viewed(
        self, probe: _Probe, state: State, said: str, facts: dict[str, Any], seconds: float
    ) -> ProbeView:
        return ProbeView(
            name=probe.name,
            state=state,
            tried=probe.tried,
            said=said,
            milliseconds=round(seconds * 1000, 1),
            answered_at=self._clock(),
            facts=facts,
        )


def worst(probes: list[ProbeView]) -> State:
    """Return the state of the whole: only without its database it is down."""
    states = [p.state if p.name == "database" or p.state == "ok" else "degraded" for p in probes]
    return max(states, key=_WORST.__getitem__, default="ok")
