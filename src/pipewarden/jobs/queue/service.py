"""The runner service: takes queued jobs, several at once, each in a process of its own.

A job that crashes takes nothing with it. A service that is killed takes its runners with it; the
next service finds their jobs, and each goes on behind its last committed item.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import orjson

from pipewarden.core.jobs import Job, Request
from pipewarden.errors import Conflict, DependencyUnavailable
from pipewarden.jobs.claiming import catch_up_known, reap
from pipewarden.jobs.queue import runner
from pipewarden.jobs.runners import liveness, outages
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import jobs
from pipewarden.store.state.service import beside, breakers, runners
from pipewarden.store.state.service.runners import RunnerState

log = logging.getLogger(__name__)

#: Seconds between two looks at the queue, and at the runners' lives.
LOOK, CARE = 0.25, 5.0
#: Seconds for which a reservation holds, for which a job that is held elsewhere waits, and after
#: which a service that was not heard of counts as gone.
RESERVED, HELD, SILENT = 60.0, 5.0, 60.0
#: Why jobs are paused when the service stops; the next service goes on with them.
STOPPING = "the runner service stops"


class JobService:
    """Runs queued jobs until it is told to stop.

    Parameters
    ----------
    workspace
        Where the jobs are.
    slots
        How many jobs run at once.
    stop_seconds
        How long a stopping service waits for the items in work before it kills their runners.
    monotonic
        Seconds for intervals.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        slots: int = 2,
        stop_seconds: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workspace = workspace
        self.owner = liveness.this_owner()
        self._slots = slots
        self._stop_seconds = stop_seconds
        self._monotonic = monotonic
        self._started_at = workspace.clock()
        self._cared = -CARE
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        #: When the service last did a full round; None before the first.
        self.last_round: float | None = None

    def run(self, stop: Event) -> None:
        """Run jobs until ``stop`` is set; then pause those in work, and return when they are.

        A database that does not answer is waited for behind a breaker, while the runners go on. The
        thread that calls this must live on until it returns: its end would be the end of every
        runner.
        """
        database = outages.dependency("database", self.workspace.clock)
        try:
            while not stop.is_set():
                try:
                    self.round()
                except DependencyUnavailable as error:
                    seconds = database.failed()
                    log.warning(
                        "the queue waits", extra={"reason": error.message, "seconds": seconds}
                    )
                    stop.wait(seconds)
                    continue
                gone = database.answered()
                if gone is not None:
                    log.info("the queue goes on", extra={"seconds": gone})
                stop.wait(LOOK)
        finally:
            self._stop()

    def round(self) -> None:
        """See to the runners that ended, take jobs for those that are free, and say it lives."""
        for job_id, child in list(self._children.items()):
            code = child.poll()
            if code is not None:
                self._ended(job_id, code)
                del self._children[job_id]
        if self._monotonic() - self._cared >= CARE:
            self._care()
            self._cared = self._monotonic()
        free = self._slots - len(self._children)
        if free > 0:
            for job in self._reserved(free):
                self._children[job.id] = self._start(job)
        self.last_round = self._monotonic()

    # ── jobs ─────────────────────────────────────────────────────────────────────────────────

    def _reserved(self, free: int) -> list[Job]:
        at = self.workspace.clock()
        with self.workspace.database.read() as conn:
            if not jobs.waiting(conn, at):
                return []
        with self.workspace.database.write() as conn:
            return jobs.reserve(conn, owner=self.owner, at=at, ttl_seconds=RESERVED, limit=free)

    def _start(self, job: Job) -> subprocess.Popen[bytes]:
        """Start the process that claims the job and runs it."""
        asked = {
            "job_id": job.id,
            "service": self.owner,
            "service_pid": os.getpid(),
            "settings": self.workspace.settings.model_dump(mode="json"),
        }
        child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", runner.__name__],
            stdin=subprocess.PIPE,
            stdout=sys.stderr.fileno(),
            env={**os.environ, "PYTHONPATH": _search_path()},
            start_new_session=True,  # the terminal's Ctrl-C is the service's business
        )
        assert child.stdin is not None
        try:
            child.stdin.write(orjson.dumps(asked))
            child.stdin.close()
        except BrokenPipeError:
            pass  # it is gone already, which the next round sees
        log.info("runner started", extra={"job_id": job.id, "pid": child.pid})
        return child

    def _ended(self, job_id: str, code: int) -> None:
        """Take note of a runner's end; what it committed needs none."""
        at = self.workspace.clock()
        if code in (runner.HELD, runner.UNAVAILABLE):
            with self.workspace.database.write() as conn:
                until = at + timedelta(seconds=HELD)
                jobs.put_back(conn, job_id, owner=self.owner, until=until)
            return
        if code not in runner.ORDERLY:
            log.warning("runner lost", extra={"job_id": job_id, "exit_code": code})
            self._cared = -CARE  # look at once whether it left a job behind
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        with self.workspace.database.write() as conn:
            jobs.fail_unstarted(
                conn,
                job_id,
                owner=self.owner,
                at=at,
                error=f"its runner {how} before it could begin",
            )

    # ── care ─────────────────────────────────────────────────────────────────────────────────

    def _care(self) -> None:
        """Find the jobs of dead runners, keep reservations, and say that the service lives."""
        for job in reap(self.workspace):
            log.warning("runner lost", extra={"job_id": job.id, "status": str(job.status)})
        self._requeue_stopped()
        at = self.workspace.clock()
        state = RunnerState(
            owner=self.owner,
            started_at=self._started_at,
            heartbeat_at=at,
            slots=self._slots,
            running=len(self._children),
        )
        with self.workspace.database.write() as conn:
            jobs.renew(conn, list(self._children), owner=self.owner, at=at, ttl_seconds=RESERVED)
            runners.forget(conn, at - timedelta(seconds=SILENT))
            runners.beat(conn, state)
            breakers.forget(conn, at - timedelta(seconds=outages.SILENT))
        beside.forget_older(self.workspace.waiting_dir, at - timedelta(seconds=outages.SILENT))

    def _requeue_stopped(self) -> None:
        """Let jobs go on that a service paused because it stopped; its own are not among them."""
        with self.workspace.database.read() as conn:
            stopped = jobs.stopped_by(conn, STOPPING)
        for job_id in stopped:
            at = self.workspace.clock()
            try:
                with self.workspace.database.write() as conn:
                    jobs.enqueue(conn, job_id, actor=self.owner, at=at, reason=STOPPING)
            except Conflict:
                continue  # another service was faster

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    def _stop(self) -> None:
        try:
            for job_id in self._children:
                self._ask_to_pause(job_id)
        except DependencyUnavailable as error:
            log.warning("the runners are killed", extra={"reason": error.message})
            self._kill()
        deadline = self._monotonic() + self._stop_seconds
        for child in self._children.values():
            try:
                child.wait(max(0.0, deadline - self._monotonic()))
            except subprocess.TimeoutExpired:
                self._kill()
        try:
            for job_id, child in self._children.items():
                self._ended(job_id, child.wait())
            reap(self.workspace)
            catch_up_known(self.workspace)
            self._requeue_stopped()
            with self.workspace.database.write() as conn:
                runners.leave(conn, self.owner)
        except DependencyUnavailable as error:  # the next service does it
            log.warning("the queue is left as it is", extra={"reason": error.message})
        self._children.clear()

    def _ask_to_pause(self, job_id: str) -> None:
        at = self.workspace.clock()
        try:
            with self.workspace.database.write() as conn:
                job = jobs.get(conn, job_id)
                if job is not None and not job.status.finished:
                    jobs.request(
                        conn, job_id, Request.PAUSE, actor=self.owner, at=at, reason=STOPPING
                    )
        except Conflict:
            return  # it ended just now

    def _kill(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.kill()


def _search_path() -> str:
    """Return where this process finds modules, for a runner that starts afresh."""
    return os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])
