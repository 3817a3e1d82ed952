"""``pipewarden worker``: a Celery worker that serves the queues of some pipelines."""

from __future__ import annotations

import logging
import mmap
import multiprocessing
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from pipewarden.errors import UsageError
from pipewarden.jobs.loading import load_pipeline, registered
from pipewarden.jobs.queue.tracing import name_turns
from pipewarden.jobs.runners.celery.application import TASK, application, work_queue
from pipewarden.jobs.runners.celery.workers.answers import Channel
from pipewarden.jobs.runners.celery.workers.chunks import ChunkWorker
from pipewarden.jobs.runners.celery.workers.loaded import Loaded
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

log = logging.getLogger(__name__)

#: Seconds that a worker must have worked to begin again; one that cannot even begin says why.
_LASTED = 5.0


def queues_of(settings: Settings, pipelines: Sequence[str]) -> dict[str, str]:
    """Return the pipelines' names and the queue of each, every pipeline loaded once to be sure.

    Raises
    ------
    UsageError
        No pipeline was named, and none is registered.
    UnknownName, InvalidSettings
        A pipeline does not load.
    """
    wanted = list(pipelines) or sorted(registered())
    if not wanted:
        raise UsageError("no pipeline is registered here", next_step="name some with --pipelines")
    names = [load_pipeline(reference, settings).name for reference in wanted]
    return {name: work_queue(settings.celery, name) for name in names}


def serve(settings: Settings, queues: Sequence[str], concurrency: int) -> int:
    """Work until SIGTERM or Ctrl-C, and return the exit code.

    Items in work are finished then, and the rest of their chunks is given back. Each process of the
    pool watches one child that works: the engine's own executor, which kills what hangs.

    Parameters
    ----------
    queues
        The queues to take chunks from.
    concurrency
        How many items are worked on at a time.
    """
    app = application(settings.celery)
    from celery import signals  # type: ignore[import-untyped]

    stop = mmap.mmap(-1, 1)  # seen by the processes of the pool, which are forked from this one
    process = _Process(settings, app, stop, len(queues))

    @app.task(name=TASK, bind=True)  # type: ignore[untyped-decorator]
    def work(task: Any, text: str) -> None:
        again = bool((task.request.delivery_info or {}).get("redelivered"))
        process.work(text, again=again)

    receivers = {
        signals.setup_logging: _leave_logging_alone,
        signals.worker_shutting_down: partial(_raise_flag, stop),
        signals.worker_process_init: process.begin,
        signals.worker_process_shutdown: process.end,
    }
    for told, receiver in receivers.items():
        told.connect(receiver, weak=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    began = time.monotonic()
    try:
        code = _work(app, queues, concurrency)
    finally:
        for told, receiver in receivers.items():
            told.disconnect(receiver)
        for number, handler in before.items():
            signal.signal(number, handler)
    if code and not stop[0] and time.monotonic() - began >= _LASTED:
        _begin_again()
    return code


def _work(app: Any, queues: Sequence[str], concurrency: int) -> int:
    """Run Celery's worker to its end, and return its exit code."""
    # Any number of workers may run on one host: RabbitMQ refuses a second one of a name.
    name = f"pipewarden-{secrets.token_hex(4)}@{socket.gethostname()}"
    worker = app.Worker(
        hostname=name,
        queues=list(queues),
        concurrency=concurrency,
        pool="prefork",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        send_task_events=False,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _begin_again() -> None:
    """Replace this process by a fresh one of the same command and the same id.

    Celery gives up for good where a broker that comes and goes breaks its connection in the middle
    of closing it (kombu's Redis transport does so). What it held was not acknowledged, and is done
    again.
    """
    log.warning("the worker ended unasked; it begins again")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very command


class _Process:
    """One process of the pool: what it opens when it begins, and closes when it ends."""

    def __init__(self, settings: Settings, app: Any, stop: mmap.mmap, pipelines: int) -> None:
        self._settings = settings
        self._app = app
        self._stop = stop
        self._pipelines = pipelines
        self._loaded: Loaded | None = None
        self._channel: Channel | None = None
        self._worker: ChunkWorker | None = None

    def begin(self, **_: Any) -> None:
        """Make what this process needs; it shares no connection with its parent."""
        # Celery's pool forbids children, lest they outlive it. The engine's end with their parent.
        multiprocessing.current_process().daemon = False
        name_turns()
        self._loaded = Loaded(self._settings, self._pipelines)
        self._channel = Channel(self._app)
        self._worker = ChunkWorker(
            Workspace(self._settings),
            self._loaded,
            self._channel.publish,
            lambda: self._stop[0] != 0,
        )
        signal.signal(signal.SIGALRM, self._rest)

    def work(self, text: str, *, again: bool) -> None:
        """Carry out one message; from its end on the process counts as idle."""
        assert self._worker is not None
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            self._worker.carry_out(text, again=again)
        finally:
            signal.setitimer(signal.ITIMER_REAL, self._settings.celery.idle_seconds)

    def _rest(self, *_: Any) -> None:
        """Let go of what is loaded; a timer's signal and no thread, so that children may fork."""
        if self._loaded is not None:
            self._loaded.unload()
            log.info("nothing to do for a while: the pipelines are unloaded")

    def end(self, **_: Any) -> None:
        """Let go of children and connections."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._worker is not None:
            self._worker.close()
        if self._loaded is not None:
            self._loaded.unload()
        if self._channel is not None:
            self._channel.close()


def _leave_logging_alone(**_: Any) -> None:
    """Keep Celery from configuring logging: that is the command's."""


def _raise_flag(stop: mmap.mmap, **_: Any) -> None:
    stop[0] = 1
