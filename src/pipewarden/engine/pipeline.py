"""The pipeline: a named function over items, with the gate that its results must pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipewarden.core.gate import Gate
from pipewarden.core.models.families import ModelFamily
from pipewarden.errors import InvalidSettings

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What to do with each item of a source, and what its result must satisfy.

    Parameters
    ----------
    name
        Lower-case letters, digits, ``_`` and ``-``; names folders, jobs and manifests.
    process
        Input → result. The input is a file's path, or the mapping that a record holds. The result
        is a mapping, a Pydantic model or a dataclass (published as a JSON object
        with the fields ``source`` and ``verdict`` added), any other JSON value (published under
        ``result``). Raises `BadInput` for bytes that no retry will mend.
    pattern
        Glob, or several, that a file's name must match.
    records
        The field that names a record. Given, a source may also be a file of JSON lines
        (``.jsonl``, ``.ndjson``, either with ``.gz``): each line is an item, its key this field.
    reader
        Turns a file that holds no JSON lines, such as a table, into records. They are spooled to
        ``data/inbox/<pipeline>``, which is then the source. Raises `BadInput` for a file that is no
        such table. Needs ``records``.
    lines
        The name of the files in the output folder that documents are appended to, each one line,
        in the order of the items; ``{date}`` in it is the UTC date. Without it each document is a
        file of its own. Needs ``records``.
    gate
        The checks on each result, evaluated beside ``process``.
    version
        The declared version of the logic. Together with a hash of the source of the package that
        ``process`` lives in, and with ``settings``, it makes the fingerprint: when that changes,
        items are stale and are processed again.
    settings
        The settings that change the output, as plain values.
    setup
        Called once in each worker before its first item, to load what is slow to load.
    facts
        Result → a few short facts (form, year, …) kept in the manifest and shown in reports.
    engine_facts
        Tells what the pipeline works with beside its own code, such as a language model or a GPU:
        a mapping with ``configured``, ``available`` and ``in_use``, and ``problem`` where it cannot
        work. Called by ``doctor`` and by health checks; may load what it tells of.
    companion
        Input path → a text of what the result depends on beside the file's bytes, such as its row
        in a table of metadata. When that text changes, the item, and no other, is stale.
    max_age_days
        Days after which an unchanged item is processed again, as a model may have to be; None means
        never.
    family
        Given, each result is a trained model: it is registered as a version, deployable if the gate
        let it pass, and can be compared, deployed and rolled back as its family says.
    timeout
        Seconds of wall time for one item, after which its worker is killed (``processes`` only).
    memory_limit
        Bytes that one item may allocate beyond what its worker held before it.
    retries
        How often an item that raised is tried again within a run, after an exponential back-off.
    max_attempts
        How many runs may try an item that errored before it waits for a person.
    path_sensitive
        Whether the result depends on the file's name or folder, so that a moved file is processed
        again instead of keeping its state.

    Raises
    ------
    InvalidSettings
        The name, a bound or the pattern does not hold.
    """

    name: str
    process: Callable[[Any], Any]
    pattern: str | tuple[str, ...] = "*"
    records: str | None = None
    reader: Callable[[Path], Iterable[Mapping[str, Any]]] | None = None
    lines: str | None = None
    gate: Gate = field(default_factory=Gate)
    version: str = "1"
    settings: Mapping[str, Any] = field(default_factory=dict)
    setup: Callable[[], None] | None = None
    facts: Callable[[Any], Mapping[str, Any]] | None = None
    engine_facts: Callable[[], Mapping[str, Any]] | None = None
    companion: Callable[[Path], str] | None = None
    max_age_days: float | None = None
    family: ModelFamily | None = None
    timeout: float | None = None
    memory_limit: int | None = None
    retries: int = 0
    max_attempts: int = 3
    path_sensitive: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidSettings(
                f"{self.name!r} cannot name a pipeline",
                next_step="use lower-case letters, digits, '_' and '-', beginning with a letter",
            )
        if not self.patterns or not all(self.patterns):
            raise InvalidSettings(f"pipeline {self.name!r} has an empty pattern")
        if self.reader is not None and not self.records:
            raise InvalidSettings(f"pipeline {self.name!r}: a reader needs records")
        if self.lines is not None and (not self.records or {"/", "*"} & set(self.lines)):
            raise InvalidSettings(
                f"pipeline {self.name!r}: lines must be the name of a file, and needs records"
            )
        if self.lines is not None and self.family is not None:
            raise InvalidSettings(f"pipeline {self.name!r}: models are files, not lines of one")
        if self.timeout is not None and self.timeout <= 0:
            raise InvalidSettings(f"pipeline {self.name!r}: timeout must be more than 0 seconds")
        if self.max_age_days is not None and self.max_age_days <= 0:
            raise InvalidSettings(f"pipeline {self.name!r}: max_age_days must be more than 0")
        if self.retries < 0 or self.max_attempts < 1:
            raise InvalidSettings(f"pipeline {self.name!r}: retries ≥ 0 and max_attempts ≥ 1")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The glob patterns, always as a tuple."""
        return (self.pattern,) if isinstance(self.pattern, str) else tuple(self.pattern)
