"""The work on one item: hash, process, judge, hash again, stage. Runs in a worker or in the runner.

A worker computes and never commits: what it leaves is a document under a temporary name, which
only the job's one runner renames. A worker whose runner is gone can therefore do no harm.
"""

from __future__ import annotations

import errno
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from pipewarden.core.canonical import digest_of
from pipewarden.core.findings import Verdict
from pipewarden.engine.metering import cpu_seconds, measuring
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.publication import documents
from pipewarden.engine.publication.models import check_model
from pipewarden.engine.publication.staging import staged
from pipewarden.engine.records import record_hash
from pipewarden.engine.task import Task, Work, Worked, processing
from pipewarden.errors import BadInput, StorageUnavailable
from pipewarden.settings import redact_text
from pipewarden.store.files import lines
from pipewarden.store.files.hashing import compute_file_hash, trusted_signature
from pipewarden.store.windows import Window, passing

_MESSAGE_MAX = 2_000
_BACKOFF_SECONDS, _BACKOFF_MAX = 0.1, 10.0


#: Document, verdict (None: the gate is off), identity, facts (None: as they were), and the CPU
#: seconds that the checks took.
_Judged = tuple[dict[str, Any], Verdict | None, str | None, dict[str, Any] | None, float]


@dataclass(frozen=True, slots=True)
class Workshop:
    """All that a worker needs, handed to it once.

    Parameters
    ----------
    pipeline
        What to do.
    output_dir
        Where documents are staged, mirroring the source.
    validate
        Whether the gate is on.
    seed
        Seeds the jitter of the back-off between retries.
    sleep
        Waits; an argument so that tests do not.
    """

    pipeline: Pipeline
    output_dir: Path
    validate: bool = True
    seed: int = 0
    sleep: Callable[[float], None] = time.sleep

    def work(self, task: Task) -> Worked:
        """Return what came of a task; only a disk that cannot be written raises.

        Raises
        ------
        StorageUnavailable
            The document could not be staged: no item of the run could.
        """
        passing(Window.ITEM_TAKEN)
        started, used = time.perf_counter(), cpu_seconds()
        companion, stages = "", dict[str, float]()
        try:
            if self.pipeline.companion is not None and task.record is None:
                companion = digest_of(self.pipeline.companion(task.path))
            with processing(task.key), measuring(stages):
                worked = self._work(task)
        except StorageUnavailable:
            raise
        except FileNotFoundError as error:
            worked = self._vanished(task, error)
        except BadInput as error:
            worked = _without_document(task, Work.REJECTED, error.reason, error.message)
        except MemoryError:
            limit = self.pipeline.memory_limit
            message = f"it needed more memory than its ceiling of {limit} bytes"
            worked = _without_document(task, Work.ERRORED, "memory", message)
        except Exception as error:  # noqa: BLE001 - an item's failure is data; the run goes on
            worked = _without_document(task, Work.ERRORED, *_describe(error))
        except (SystemExit, KeyboardInterrupt) as error:
            if type(error) not in (SystemExit, KeyboardInterrupt):
                raise  # a signal's own: the run is asked to stop
            worked = _without_document(task, Work.ERRORED, *_describe(error))
        return replace(
            worked,
            seconds=time.perf_counter() - started,
            cpu_seconds=cpu_seconds() - used,
            stages={name: round(seconds, 6) for name, seconds in stages.items()},
            attempt=task.attempt,
            companion=companion,
        )

    def _work(self, task: Task) -> Worked:
        if task.problem is not None:
            raise BadInput(*task.problem)
        if task.record is not None:
            return self._record(task, task.record)
        taken_ns = time.time_ns()
        input_hash = compute_file_hash(task.path)
        worked, document = self._document(task, task.path, input_hash)
        if compute_file_hash(task.path) != input_hash:
            return _changed(task)
        vouching = trusted_signature(task.path.stat(), taken_ns)
        return self._staged(replace(worked, input_signature=vouching), document)

    def _record(self, task: Task, line: bytes) -> Worked:
        try:
            record = orjson.loads(line)
            input_hash = record_hash(record)
        except orjson.JSONDecodeError:  # it was one when the file was scanned
            return _changed(task)
        if input_hash != task.known_hash:
            return _changed(task)
        return self._staged(*self._document(task, record, input_hash))

    def _document(self, task: Task, value: Any, input_hash: str) -> tuple[Worked, dict[str, Any]]:
        judged = self._rejudge(task) or self._judged(task, value, input_hash)
        document, verdict, identity, facts, check_seconds = judged
        document["verdict"] = documents.verdict_of(verdict)
        misses = () if verdict is None else verdict.misses
        worked = Worked(
            key=task.key,
            work=Work.JUDGED,
            input_hash=input_hash,
            status=documents.UNVALIDATED if verdict is None else str(verdict.status),
            findings=tuple(documents.plain([finding.as_dict() for finding in misses])),
            identity=identity,
            facts=facts,
            check_seconds=check_seconds,
        )
        return worked, document

    def _staged(self, worked: Worked, document: dict[str, Any]) -> Worked:
        folder = self.output_dir if self.pipeline.lines is None else None
        made = staged(worked, document, folder)
        passing(Window.OUTPUT_STAGED)
        return made

    def _judged(self, task: Task, value: Any, input_hash: str) -> _Judged:
        result = self._process(task.key, value)
        gate = self.pipeline.gate
        document = documents.document_of(result, _source(task, input_hash))
        if self.pipeline.family is not None:
            check_model(document)
        used = cpu_seconds()
        verdict = gate.evaluate(result) if self.validate else None
        check_seconds = cpu_seconds() - used
        identity = gate.unique.identity(result) if self.validate and gate.unique else None
        facts = documents.plain(dict(self.pipeline.facts(result))) if self.pipeline.facts else {}
        return document, verdict, identity, facts, check_seconds

    def _rejudge(self, task: Task) -> _Judged | None:
        """Return the stored document with today's verdict, or None when it does not allow it."""
        if task.rejudge_from is None:
            return None
        try:
            document = documents.decode(_stored(task.rejudge_from, task.rejudge_span))
        except (OSError, ValueError):
            return None
        if "result" in document and "kind" in document:  # a quarantine file wraps the document
            document = document["result"] or {}
        findings = (document.get("verdict") or {}).get("findings")
        verdict = self.pipeline.gate.rejudge(findings) if findings else None
        if verdict is None:
            return None
        document["source"] = _source(task, str(document.get("source", {}).get("sha256", "")))
        return document, verdict, task.identity, None, 0.0

    def _process(self, key: str, value: Any) -> Any:
        rng = random.Random(f"{key}{self.seed}")  # noqa: S311 - jitter, not a secret
        for tried in range(self.pipeline.retries):
            try:
                return self.pipeline.process(value)
            except (BadInput, MemoryError, FileNotFoundError):
                raise
            except Exception:  # noqa: BLE001 - the last attempt below lets it through
                delay = min(_BACKOFF_MAX, _BACKOFF_SECONDS * 2**tried)
                self.sleep(delay * rng.uniform(0.5, 1.5))
        return self.pipeline.process(value)

    def _vanished(self, task: Task, error: FileNotFoundError) -> Worked:
        if task.path.is_symlink():
            message = "it is a symbolic link that leads nowhere"
            return _without_document(task, Work.ERRORED, "unreadable", message)
        if task.path.exists():  # something else was not found: the item's own failure
            return _without_document(task, Work.ERRORED, *_describe(error))
        return _without_document(task, Work.DEFERRED, "vanished", "it vanished during the run")


def _source(task: Task, input_hash: str) -> dict[str, str]:
    return documents.source_of(task.key, input_hash, task.path.name if task.record else "")


def _stored(path: Path, span: tuple[int, int] | None) -> bytes:
    return path.read_bytes() if span is None else lines.read_span(path, *span)


def _changed(task: Task) -> Worked:
    message = "its bytes changed while it was processed"
    return _without_document(task, Work.DEFERRED, "changed", message)


def _describe(error: BaseException) -> tuple[str, str, str]:
    """Return reason, message and traceback of an exception."""
    name = type(error).__name__
    if isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.ELOOP:
        name = "unreadable"
    trace = "".join(traceback.format_exception(error, limit=-20))
    return name, f"{type(error).__name__}: {error}"[:_MESSAGE_MAX], trace[-20_000:]


def _without_document(task: Task, work: Work, reason: str, message: str, trace: str = "") -> Worked:
    input_hash = task.known_hash or ""
    if work in (Work.REJECTED, Work.ERRORED) and not input_hash:
        try:
            input_hash = compute_file_hash(task.path)
        except OSError:
            input_hash = "sha256:unreadable"
    return Worked(
        key=task.key,
        work=work,
        input_hash=input_hash,
        reason=documents.readable(reason),
        message=redact_text(documents.readable(message)),
        trace=redact_text(documents.readable(trace)),
    )


def lost(task: Task, reason: str, message: str, seconds: float) -> Worked:
    """Return what came of a task whose worker did not live to answer."""
    worked = _without_document(task, Work.ERRORED, reason, message)
    return replace(worked, seconds=seconds, attempt=task.attempt)
