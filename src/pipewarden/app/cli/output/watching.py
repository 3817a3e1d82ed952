"""Following a run that another process carries out."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.jobs import as_json, progress_words
from pipewarden.app.cli.output.progress import Pace
from pipewarden.app.cli.output.terminal import console, is_terminal, say, say_json
from pipewarden.core.jobs import JobStatus
from pipewarden.jobs import requests
from pipewarden.jobs.run import reap

if TYPE_CHECKING:
    from pipewarden.core.jobs import Job
    from pipewarden.jobs.workspace import Workspace

#: Seconds between two looks, between two lines, and between two searches for dead runners.
_LOOK, _LINE, _REAP = 0.3, 5.0, 5.0


def follow(workspace: Workspace, run_id: str, *, json: bool) -> Job:
    """Tell of a run's progress until nobody runs it any more; return how it stands then."""
    reaped = time.monotonic()
    with closing(_Bar() if is_terminal() and not json else _Lines(json=json)) as told:
        while True:
            job = requests.find(workspace, run_id)
            if job.status not in (JobStatus.RUNNING, JobStatus.QUEUED):
                return job
            if time.monotonic() - reaped > _REAP:
                reap(workspace)
                reaped = time.monotonic()
            told.tell(job)
            time.sleep(_LOOK)


class _Lines:
    """A line whenever something changed, at most one every few seconds."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._told, self._last = 0.0, ""

    def tell(self, job: Job) -> None:
        now, words = time.monotonic(), progress_words(job)
        if words == self._last or now - self._told < _LINE:
            return
        self._told, self._last = now, words
        if self._json:
            say_json(as_json(job), line=True)
        else:
            say(f"{job.status}: {words}")

    def close(self) -> None:
        """Nothing: a line stays."""


class _Bar:
    """A bar, with the speed and the time left as they are since the watching began."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._drawn: Any = Progress(
            BarColumn(bar_width=None),
            TextColumn("{task.fields[words]}"),
            console=console(),
            auto_refresh=False,
            expand=True,
            transient=True,
        )
        self._task = self._drawn.add_task("", total=None, words="")
        self._pace: Pace | None = None
        self._first = 0
        self._drawn.start()

    def tell(self, job: Job) -> None:
        held = job.progress
        decided = held.published + held.quarantined
        total = held.seen - held.skipped
        if self._pace is None and job.status is JobStatus.RUNNING and total:
            self._pace, self._first = Pace(total - decided), decided
        words = f"{job.status}: {progress_words(job)}"
        if self._pace is not None:
            self._pace.done = decided - self._first
            words = self._pace.line() if self._pace.done else words
        self._drawn.update(self._task, total=total or None, completed=decided, words=words)
        with suppress(BrokenPipeError):
            self._drawn.refresh()

    def close(self) -> None:
        """Take the bar away, and give the terminal its cursor back."""
        with suppress(BrokenPipeError):
            self._drawn.stop()
