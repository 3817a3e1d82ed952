"""A process that runs one queued job, started by the runner service.

It is told what to run as JSON on its standard input, so that no secret setting shows in the list of
processes. It ends with 0, 1 or 130 as a run does, or with one of the codes below.
"""

from __future__ import annotations

import logging
import sys

import orjson

from pipewarden.core.items import ItemResult
from pipewarden.engine.executors.child import die_with
from pipewarden.engine.planner import Planned
from pipewarden.errors import DependencyUnavailable, IllegalTransition, Locked, PipewardenError
from pipewarden.jobs.queue.tracing import name_lines
from pipewarden.jobs.run import resume
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state import jobs

#: Somebody else holds the source or the outputs; the job waits for another try.
HELD = 3
#: Something outside does not answer; the job waits for another try.
UNAVAILABLE = 4
#: The job was cancelled, paused or taken up before this runner could claim it.
NOT_QUEUED = 75
#: It cannot be run as it is, and has failed.
REFUSED = 76
#: A fault of ours; the traceback is in the service's log.
BUG = 70
#: How a runner ends that took care of its job.
ORDERLY = frozenset({0, 1, 130, HELD, UNAVAILABLE, NOT_QUEUED, REFUSED})

log = logging.getLogger(__name__)


class _Logged:
    """A listener that logs what a person should know."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id

    def planned(self, planned: Planned, work: int) -> None:
        """Say nothing."""

    def committed(self, results: list[ItemResult]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Log it."""
        log.warning("job %s: %s", self._job_id, text)


def _name_lines(workspace: Workspace, job_id: str) -> None:
    """Let every line of the log, of whatever thread, name the request that submitted the job."""
    with workspace.database.read() as conn:
        traced = jobs.traces(conn, [job_id]).get(job_id, {})
    name_lines(traced)


def main() -> int:
    """Run the job that standard input names, and return the exit code."""
    asked = orjson.loads(sys.stdin.buffer.read())
    die_with(asked["service_pid"])
    job_id = asked["job_id"]
    workspace = Workspace(Settings(**asked["settings"]))
    try:
        _name_lines(workspace, job_id)
        return resume(job_id, workspace, _Logged(job_id), queued_only=True).exit_code
    except IllegalTransition:
        return NOT_QUEUED
    except Locked as error:
        log.info("a job waits", extra={"job_id": job_id, "reason": error.message})
        return HELD
    except DependencyUnavailable as error:
        log.warning("a job waits", extra={"job_id": job_id, "reason": error.message})
        return UNAVAILABLE
    except PipewardenError as error:
        with workspace.database.write() as conn:
            jobs.fail_unstarted(
                conn,
                job_id,
                owner=asked["service"],
                at=workspace.clock(),
                error=error.message,
                final=True,
            )
        return REFUSED
    except Exception:
        log.exception("runner failed", extra={"job_id": job_id})
        return BUG


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    sys.exit(main())
