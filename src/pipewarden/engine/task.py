"""What goes to a worker and what comes back: plain values that cross a process boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

_item: ContextVar[str] = ContextVar("item", default="")


def item_key() -> str:
    """Return the key of the item that is being processed here; empty outside of a run."""
    return _item.get()


@contextmanager
def processing(key: str) -> Iterator[None]:
    """Let `item_key` tell this key within the block."""
    token = _item.set(key)
    try:
        yield
    finally:
        _item.reset(token)


@dataclass(frozen=True, slots=True)
class Task:
    """One item to work on.

    Parameters
    ----------
    key, path
        The item, and the file that its bytes are in.
    record
        The item's own bytes, where it is a record of that file.
    problem
        Why the record cannot be worked on: a code and a sentence.
    known_hash
        The input's hash, where the planner already took it.
    rejudge_from, rejudge_span
        The file of the stored document to judge again instead of processing, and where in it the
        document lies if it is a line; None processes.
    identity
        The identity stored with that document.
    attempt
        Which attempt this is, counted over runs.
    trace
        What names the request that it is for in the log of its worker, where that works for many.
    """

    key: str
    path: Path
    known_hash: str | None = None
    record: bytes | None = None
    problem: tuple[str, str] | None = None
    rejudge_from: Path | None = None
    rejudge_span: tuple[int, int] | None = None
    identity: str | None = None
    attempt: int = 1
    trace: Mapping[str, str] = field(default_factory=dict)


class Work(StrEnum):
    """What a worker made of a task."""

    #: A document was made and judged; it lies staged.
    JUDGED = "judged"
    #: The bytes cannot be mended by a retry.
    REJECTED = "rejected"
    #: An exception, a time-out, too much memory, or the loss of the worker.
    ERRORED = "errored"
    #: The input changed or vanished meanwhile.
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What came of one task.

    Parameters
    ----------
    input_hash, input_signature
        The bytes that were processed, and the signature that vouches for them, if any does.
    staged, staged_hash, staged_size
        The document under its temporary name in the output folder.
    line
        The document itself, where it is published as a line of a file.
    status
        The verdict's status, or ``UNVALIDATED``.
    findings
        The findings that are not PASS, as plain values.
    identity
        What the check across items compares.
    facts
        The pipeline's facts; None when the item was only judged again and they stand as they were.
    companion
        The digest of what the result depends on beside its bytes; empty where it depends on none.
    reason, message, trace
        Why there is no document: a code, a sentence, and for exceptions the traceback.
    seconds, cpu_seconds, check_seconds
        Wall time in the worker; CPU time there; and how much of that the gate's checks took.
    stages
        Wall time of each stage that the pipeline told, in seconds.
    """

    key: str
    work: Work
    input_hash: str = ""
    input_signature: tuple[int, int, int, int] | None = None
    staged: Path | None = None
    staged_hash: str = ""
    staged_size: int = 0
    line: bytes | None = None
    status: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()
    identity: str | None = None
    facts: Mapping[str, Any] | None = None
    companion: str = ""
    reason: str = ""
    message: str = ""
    trace: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    check_seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict)
    attempt: int = 1

    def document(self) -> bytes:
        """Return the bytes of the document that was made.

        Raises
        ------
        OSError
            It was staged, and its file cannot be read.
        """
        if self.line is not None:
            return self.line
        assert self.staged is not None
        return self.staged.read_bytes()
