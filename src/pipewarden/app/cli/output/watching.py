"""Following a run that another process carries out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipewarden.app.cli.output.jobs import as_json, progress_words
from pipewarden.app.cli.output.terminal import is_terminal, say, say_json, write
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
    told, last_words, reaped = 0.0, "", time.monotonic()
    drawn = is_terminal() and not json
    while True:
        job = requests.find(workspace, run_id)
        if job.status not in (JobStatus.RUNNING, JobStatus.QUEUED):
            if drawn and last_words:
                write("\r\x1b[K")
            return job
        now, words = time.monotonic(), progress_words(job)
        if now - reaped > _REAP:
            reap(workspace)
            reaped = now
        if words != last_words and (drawn or now - told >= _LINE):
            told, last_words = now, words
            if json:
                say_json(as_json(job), line=True)
            elif drawn:
                write(f"\r\x1b[K{job.status}: {words}")
            else:
                say(f"{job.status}: {words}")
        time.sleep(_LOOK)
