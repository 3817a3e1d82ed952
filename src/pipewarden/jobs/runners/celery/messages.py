"""What travels between a job's runner and Celery workers: versioned JSON, and nothing else.

A message says where an item's bytes are. It holds the bytes only of records, and only where the
settings say that workers cannot read the source. Secrets are never in a message: a worker finds
them in its own settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipewarden import errors
from pipewarden.engine.task import Task, Work, Worked
from pipewarden.errors import InvalidSettings, PipewardenError

#: The version of the format. A change that an older reader would misread makes it grow.
VERSION = 1
#: Errors that are the same on the other side; any other arrives as a `PipewardenError`.
_KINDS = ("InvalidSettings", "StorageUnavailable", "UnknownName", "UsageError")


@dataclass(frozen=True, slots=True)
class Sent:
    """A task on its way, and where in its file the record lies whose bytes were left out."""

    task: Task
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What all chunks of a job have in common.

    Parameters
    ----------
    job, token
        The job, and the fencing token of its runner.
    answers
        The queue that answers go to.
    pipeline, settings
        How a worker finds the pipeline, and the settings given for this run, secrets redacted.
    prints
        The runner's fingerprints; a worker with others would compute something else.
    source, output_dir
        Absolute paths, the same on every machine; no source where messages hold the records.
    validate
        Whether the gate is on.
    line_bytes
        A line longer than this is handed over as a file in the output folder.
    silence
        Seconds without a sign after which the runner takes a worker for lost.
    trace
        What names the request that submitted the job, in logs; empty where none did.
    """

    job: str
    token: int
    answers: str
    pipeline: str
    settings: Mapping[str, Any]
    prints: tuple[str, str, str]
    source: str
    output_dir: str
    validate: bool
    line_bytes: int
    silence: float
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some tasks of a job under the number that this sending of them has.

    Parameters
    ----------
    repeated
        Whether some of them were sent before, and may be done by now.
    """

    number: int
    brief: Brief
    tasks: tuple[Sent, ...]
    repeated: bool = False


class Sign(StrEnum):
    """What an answer tells."""

    #: A worker has begun with the chunk.
    TAKEN = "taken"
    #: It is still at it.
    ALIVE = "alive"
    #: Some tasks are done.
    WORKED = "worked"
    #: What is not answered will not be, by this worker.
    RETURNED = "returned"
    #: This worker cannot work for the job at all.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One message from a worker to a runner.

    Parameters
    ----------
    number
        The sending that it is about.
    worker
        ``host:pid`` of the process that says so.
    results
        What came of tasks.
    spooled
        Key → the file that holds a line too long for a message.
    error
        Why the worker refuses.
    """

    sign: Sign
    number: int
    worker: str
    results: tuple[Worked, ...] = ()
    spooled: Mapping[str, str] | None = None
    error: PipewardenError | None = None


def encode_chunk(chunk: Chunk) -> str:
    """Return a chunk as the text of a message."""
    brief = {name: getattr(chunk.brief, name) for name in Brief.__dataclass_fields__}
    tasks = [_plain_task(sent) for sent in chunk.tasks]
    head = {"version": VERSION, "number": chunk.number, "repeated": chunk.repeated}
    return json.dumps({**head, **brief, "tasks": tasks})


def decode_chunk(text: str) -> Chunk:
    """Return the chunk that `encode_chunk` gave.

    Raises
    ------
    InvalidSettings
        It is of another version.
    """
    plain = _of_this_version(text)
    brief = {name: plain[name] for name in Brief.__dataclass_fields__ if name in plain}
    brief["prints"] = tuple(brief["prints"])
    tasks = tuple(map(_task, plain["tasks"]))
    return Chunk(plain["number"], Brief(**brief), tasks, plain["repeated"])


def asker_of(text: str) -> tuple[str, int] | None:
    """Return the queue and the number that an answer to a chunk of any version goes to, if told."""
    plain = json.loads(text)
    queue, number = plain.get("answers"), plain.get("number")
    return (queue, number) if isinstance(queue, str) and isinstance(number, int) else None


def encode_answer(answer: Answer) -> str:
    """Return an answer as the text of a message."""
    plain: dict[str, Any] = {
        "version": VERSION,
        "sign": answer.sign,
        "number": answer.number,
        "worker": answer.worker,
    }
    if answer.results:
        plain["results"] = [_plain_worked(worked) for worked in answer.results]
    if answer.spooled:
        plain["spooled"] = dict(answer.spooled)
    if answer.error is not None:
        error = answer.error
        plain["error"] = {
            "kind": type(error).__name__,
            "message": error.message,
            "left_behind": error.left_behind,
            "next_step": error.next_step,
        }
    return json.dumps(plain)


def decode_answer(text: str) -> Answer:
    """Return the answer that `encode_answer` gave.

    Raises
    ------
    InvalidSettings
        It is of another version.
    """
    plain = _of_this_version(text)
    return Answer(
        sign=Sign(plain["sign"]),
        number=plain["number"],
        worker=plain["worker"],
        results=tuple(map(_worked, plain.get("results", ()))),
        spooled=plain.get("spooled"),
        error=_error(plain["error"]) if "error" in plain else None,
    )


def _of_this_version(text: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(text)
    if plain.get("version") != VERSION:
        raise InvalidSettings(
            f"a message between runner and worker has version {plain.get('version')}, not "
            f"{VERSION}: they run different versions of pipewarden",
            next_step="install the same version on every machine, and restart the workers",
        )
    return plain


# ── tasks ────────────────────────────────────────────────────────────────────────────────────


def _plain_task(sent: Sent) -> dict[str, Any]:
    task = sent.task
    plain: dict[str, Any] = {"key": task.key, "path": str(task.path)}
    if task.record is not None:  # what is no record need not be text, and is not looked at
        plain["record"] = "" if task.problem is not None else task.record.decode()
    if task.rejudge_from is not None:
        plain["rejudge_from"] = str(task.rejudge_from)
    rest = {
        "place": sent.place,
        "known_hash": task.known_hash,
        "problem": task.problem,
        "rejudge_span": task.rejudge_span,
        "identity": task.identity,
        "attempt": task.attempt,
    }
    return plain | {name: value for name, value in rest.items() if value is not None}


def _task(plain: dict[str, Any]) -> Sent:
    record, before = plain.get("record"), plain.get("rejudge_from")
    task = Task(
        key=plain["key"],
        path=Path(plain["path"]),
        known_hash=plain.get("known_hash"),
        record=None if record is None else record.encode(),
        problem=_pair(plain.get("problem")),
        rejudge_from=None if before is None else Path(before),
        rejudge_span=_pair(plain.get("rejudge_span")),
        identity=plain.get("identity"),
        attempt=plain["attempt"],
    )
    return Sent(task, _pair(plain.get("place")))


def _pair(held: list[Any] | None) -> Any:
    return None if held is None else tuple(held)


# ── results ──────────────────────────────────────────────────────────────────────────────────

_DEFAULTS = Worked(key="", work=Work.JUDGED)


def _plain_worked(worked: Worked) -> dict[str, Any]:
    plain: dict[str, Any] = {"key": worked.key, "work": worked.work}
    for name in Worked.__dataclass_fields__:
        value = getattr(worked, name)
        if name not in plain and value != getattr(_DEFAULTS, name):
            plain[name] = value
    if worked.line is not None:
        plain["line"] = worked.line.decode()
    if worked.staged is not None:
        plain["staged"] = str(worked.staged)
    return plain


def _worked(plain: dict[str, Any]) -> Worked:
    held = dict(plain)
    held["work"] = Work(held["work"])
    if "line" in held:
        held["line"] = held["line"].encode()
    if "staged" in held:
        held["staged"] = Path(held["staged"])
    for name in ("findings", "input_signature"):
        if name in held:
            held[name] = tuple(held[name])
    return replace(_DEFAULTS, **held)


def _error(plain: dict[str, str]) -> PipewardenError:
    kind = getattr(errors, plain["kind"]) if plain["kind"] in _KINDS else PipewardenError
    error: PipewardenError = kind(
        plain["message"], left_behind=plain["left_behind"], next_step=plain["next_step"]
    )
    return error
