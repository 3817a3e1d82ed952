"""What goes to a worker and what comes back: plain values that cross a process boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Task:
    """One item to work on.

    Parameters
    ----------
    key, path
        The item, and where its bytes are.
    known_hash
        The input's hash, where the planner already took it.
    rejudge_from
        The stored document to judge again instead of processing; None processes.
    identity
        The identity stored with that document.
    attempt
        Which attempt this is, counted over runs.
    """

    key: str
    path: Path
    known_hash: str | None = None
    rejudge_from: Path | None = None
    identity: str | None = None
    attempt: int = 1


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
    seconds
        Wall time in the worker.
    """

    key: str
    work: Work
    input_hash: str = ""
    input_signature: tuple[int, int, int, int] | None = None
    staged: Path | None = None
    staged_hash: str = ""
    staged_size: int = 0
    status: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()
    identity: str | None = None
    facts: Mapping[str, Any] | None = None
    companion: str = ""
    reason: str = ""
    message: str = ""
    trace: str = ""
    seconds: float = 0.0
    attempt: int = 1
