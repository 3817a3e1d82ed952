"""What a worker does with a chunk: is it still wanted, work on it, answer, give the rest back."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.engine.task import Task
from pipewarden.errors import (
    DatabaseUnavailable,
    InvalidSettings,
    PipewardenError,
    StorageUnavailable,
)
from pipewarden.jobs.queue.tracing import take_turn
from pipewarden.jobs.runners.celery.messages import (
    Answer,
    Brief,
    Chunk,
    Sent,
    Sign,
    asker_of,
    decode_chunk,
    encode_answer,
)
from pipewarden.jobs.runners.celery.workers.answers import Answers
from pipewarden.jobs.runners.celery.workers.loaded import Loaded
from pipewarden.jobs.runners.celery.workers.reading import RecordFile
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import redact_text
from pipewarden.store.state import items, jobs

#: Seconds between two looks at the job's row while a chunk is worked on.
_LOOK = 1.0

_log = logging.getLogger(__name__)


class ChunkWorker:
    """Works on chunks, one after the other, in one process of a Celery worker.

    Parameters
    ----------
    workspace
        The worker's settings and the state database, which it only reads.
    loaded
        The pipelines that are loaded here.
    publish
        Puts a text into a queue, and says whether it got there.
    stopping
        Whether this worker was asked to stop.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        workspace: Workspace,
        loaded: Loaded,
        publish: Callable[[str, str], bool],
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._loaded = loaded
        self._publish = publish
        self._stopping = stopping
        self._clock = clock
        self._records = RecordFile()

    def carry_out(self, text: str, *, again: bool = False) -> str:
        """Do what a message asks; return in a word what became of it.

        Parameters
        ----------
        again
            The broker says that it delivered the message before. Nothing is computed then: the
            runner is told, and knows whether anybody is at it, or what was answered.

        """
        try:
            chunk = decode_chunk(text)
        except InvalidSettings as error:
            return self._not_understood(text, error)
        take_turn(chunk.brief.trace)
        try:
            return self._answered(chunk, again=again)
        finally:
            take_turn({})

    def _answered(self, chunk: Chunk, *, again: bool) -> str:
        answers = Answers(self._publish, chunk, _this_worker())
        try:
            if not self._wanted(chunk.brief):
                return "dropped"
            if again or self._stopping():
                answers.tell(Sign.RETURNED)
                return "returned"
            chunk = self._undone(chunk)
            answers.tell(Sign.TAKEN)
            executor = self._loaded.executor(chunk.brief)
            if chunk.brief.source:
                _visible(chunk.brief.source)
            left = {sent.task.key for sent in chunk.tasks}
            for worked in executor.results(self._tasks(chunk)):
                if worked is not None:
                    answers.add(worked)
                    left.discard(worked.key)
                answers.tick()
        except PipewardenError as error:
            _log.warning("cannot work for job %s: %s", chunk.brief.job, error.message)
            return _refused(answers, error)
        except Exception as error:  # noqa: BLE001 - the runner must not wait for ever
            _log.exception("a bug of ours, in a chunk of job %s", chunk.brief.job)
            words = f"the worker {_this_worker()} failed: {type(error).__name__}: {error}"
            return _refused(answers, PipewardenError(redact_text(words)))
        answers.finish()
        if left:
            answers.tell(Sign.RETURNED)
        return "returned" if left else "done"

    def _not_understood(self, text: str, error: InvalidSettings) -> str:
        """Tell a runner of another version that it is one."""
        _log.warning("%s", error.message)
        if (asker := asker_of(text)) is not None:
            queue, number = asker
            refusal = Answer(sign=Sign.REFUSED, number=number, worker=_this_worker(), error=error)
            self._publish(queue, encode_answer(refusal))
        return "refused"

    def _tasks(self, chunk: Chunk) -> Iterator[Task]:
        """Yield the tasks until the worker, or the job, is asked to stop."""
        looked = self._clock()
        for sent in chunk.tasks:
            if self._stopping():
                return
            if self._clock() - looked >= _LOOK:
                looked = self._clock()
                if not self._wanted(chunk.brief):
                    return
            yield self._whole(sent, chunk.brief)

    def _whole(self, sent: Sent, brief: Brief) -> Task:
        """Return a task with the bytes of its record, and whose request it is for."""
        task = replace(sent.task, trace=brief.trace) if brief.trace else sent.task
        if sent.place is None:
            return task
        if not brief.source:  # nobody has promised that the source can be seen here
            _visible(str(task.path))
        return replace(task, record=self._records.record(task.path, sent.place))

    def close(self) -> None:
        """Close the file of records that was read last."""
        self._records.close()

    def _undone(self, chunk: Chunk) -> Chunk:
        """Return a chunk that was sent before without what is committed by now."""
        if not chunk.repeated:
            return chunk
        try:
            with self._workspace.database.read() as conn:
                done = items.keys(conn, chunk.brief.job)
        except DatabaseUnavailable:  # what is done twice does no harm
            return chunk
        return replace(chunk, tasks=tuple(s for s in chunk.tasks if s.task.key not in done))

    def _wanted(self, brief: Brief) -> bool:
        """Whether the job's runner still waits for answers.

        While the database does not answer nobody can know, and work that nobody wants does no harm.

        Raises
        ------
        InvalidSettings
            The worker looks into another database than the runner.
        """
        try:
            with self._workspace.database.read() as conn:
                job = jobs.get(conn, brief.job)
        except DatabaseUnavailable as error:
            _log.warning("going on without the state database: %s", error.message)
            return True
        if job is None:
            raise InvalidSettings(
                f"the worker {_this_worker()} has a state database without the job {brief.job}",
                left_behind="no item was worked on there",
                next_step="give runner and workers the same database_url (and home folder)",
            )
        return self._waits(job, brief)

    def _waits(self, job: Job, brief: Brief) -> bool:
        asked_to_stop = job.cancel is not None or job.pause is not None
        if job.status is not JobStatus.RUNNING or asked_to_stop:
            return False
        if job.lease_token != brief.token or job.lease_expires_at is None:
            return False
        return job.lease_expires_at > self._workspace.clock()


def _refused(answers: Answers, error: PipewardenError) -> str:
    answers.finish()
    answers.tell(Sign.REFUSED, error)
    return "refused"


def _this_worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _visible(source: str) -> None:
    """Refuse to work where the source cannot be seen: every item would seem to have vanished.

    Raises
    ------
    StorageUnavailable
        There is nothing at its path.
    """
    if not Path(source).exists():
        raise StorageUnavailable(
            f"the worker {_this_worker()} cannot see the source {source}",
            left_behind="no item was worked on there",
            next_step="mount it under the same path on every worker; or, for records that are "
            "published as lines, set celery.records_in_messages, and message_bytes to more than "
            "the longest of them",
        )
