"""What works behind the service: runners of jobs, relay of events, sinks that catch up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from pipewarden.errors import PipewardenError
from pipewarden.jobs.queue.service import JobService
from pipewarden.jobs.workspace import Workspace

log = logging.getLogger(__name__)

#: Seconds before something that failed is begun again, and after which it then counts as mended.
_AGAIN = 5.0


class Background:
    """Threads that work until they are told to stop; one that fails is begun again.

    Parameters
    ----------
    workspace
        Where jobs and events are.
    slots
        How many queued jobs run at once; 0 runs none here.
    """

    def __init__(self, workspace: Workspace, slots: int) -> None:
        self._workspace = workspace
        self._slots = slots
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        #: What failed last, by the name of the work, until that has gone on well for a while.
        self.failures: dict[str, str] = {}

    def start(self) -> None:
        """Begin the work that the settings ask for."""
        if self._slots:
            self._begin("runners", self._run_jobs)
        if self._workspace.settings.events.targets:
            self._begin("relay", self._relay)
        if self._workspace.settings.sinks:
            self._begin("sinks", self._catch_up)

    def stop(self) -> None:
        """End the work; return when the jobs in work have paused and the events are sent."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def wait(self) -> None:
        """Wait until `stopping` was called."""
        self._stop.wait()

    def stopping(self) -> None:
        """Ask for the end, without waiting for it; a signal handler may call this."""
        self._stop.set()

    def _begin(self, name: str, work: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=self._again, args=(name, work), name=name)
        thread.start()
        self._threads.append(thread)

    def _again(self, name: str, work: Callable[[threading.Event], None]) -> None:
        while not self._stop.is_set():
            ended = threading.Event()
            follower = threading.Thread(target=self._forward, args=(ended,), daemon=True)
            follower.start()
            mended = threading.Timer(_AGAIN, self.failures.pop, (name, None))
            mended.daemon = True
            mended.start()
            try:
                work(ended)
            except Exception as error:
                mended.cancel()
                words = error.message if isinstance(error, PipewardenError) else repr(error)
                self.failures[name] = words
                log.exception("work behind the service failed", extra={"work": name})
            else:
                mended.cancel()
                self.failures.pop(name, None)
            if not self._stop.is_set():
                self._stop.wait(_AGAIN)

    def _forward(self, ended: threading.Event) -> None:
        """Hand the wish to stop on to a piece of work, which has an event of its own."""
        self._stop.wait()
        ended.set()

    def _run_jobs(self, stop: threading.Event) -> None:
        seconds = self._workspace.settings.service.stop_seconds
        JobService(self._workspace, slots=self._slots, stop_seconds=seconds).run(stop)

    def _relay(self, stop: threading.Event) -> None:
        from pipewarden.delivery.events.enabled import enabled
        from pipewarden.delivery.events.loop import relay_until

        held = self._workspace
        keep = timedelta(days=held.settings.events.retention_days)
        relay_until(stop, held.database, enabled(held.settings), held.clock, keep=keep)

    def _catch_up(self, stop: threading.Event) -> None:
        from pipewarden.delivery.sinks.care import catch_up_until
        from pipewarden.delivery.sinks.enabled import enabled, spools_of

        held = self._workspace
        catch_up_until(stop, enabled(held.settings), spools_of(held.settings), held.clock)
