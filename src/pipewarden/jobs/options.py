"""What a run was asked to do, as plain values that a job row and a run folder can keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pipewarden.core.planning import Policy
from pipewarden.settings import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of one run, each also a flag of ``pipewarden run``.

    Parameters
    ----------
    pipeline
        How to find the pipeline again: a registered name or ``module:attribute``; empty for one
        that exists only in a running script.
    source
        Absolute path of the folder or file.
    table, table_hash
        The table that the source's records were read out of, and its hash; else empty.
    query_file
        The file of the query whose rows that table holds; else empty.
    incremental
        Process only what the plan asks for; otherwise everything.
    validate
        Whether the gate is on. Switching it off is ledgered, and outputs are marked.
    prune_deleted
        Forget items whose files are gone, and withdraw their outputs.
    only_failed
        Process only items that lie in quarantine.
    force
        Process every item, whatever is known of it.
    rehash
        Hash every input instead of trusting the stat cache.
    require_outputs
        Process again what another machine produced and this one does not hold.
    executor, workers
        What works on items: ``processes`` with so many workers, ``inline``, or ``celery``, whose
        workers are their own processes and as many as were started.
    limit
        Process at most so many items.
    pattern
        Glob that replaces the pipeline's own.
    records, lines
        The pipeline's own: the field that names a record, and the name of the files that documents
        are appended to; else empty.
    output_dir
        Where outputs go; empty means where they went before, else the default.
    settings
        The pipeline's own settings, over those of the settings file.
    lock_timeout
        Seconds to wait for another run of the same source.
    """

    pipeline: str = ""
    source: str = ""
    table: str = ""
    table_hash: str = ""
    query_file: str = ""
    incremental: bool = True
    validate: bool = True
    prune_deleted: bool = False
    only_failed: bool = False
    force: bool = False
    rehash: bool = False
    require_outputs: bool = False
    executor: str = "processes"
    workers: int = 1
    limit: int | None = None
    pattern: str = ""
    records: str = ""
    lines: str = ""
    output_dir: str = ""
    settings: Mapping[str, Any] | None = None
    lock_timeout: float = 10.0

    def policy(self, max_attempts: int) -> Policy:
        """Return what the planner must know of the options."""
        return Policy(
            max_attempts=max_attempts,
            force=self.force or not self.incremental,
            validate=self.validate,
            require_outputs=self.require_outputs,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values, secrets of the pipeline's settings redacted."""
        plain: dict[str, Any] = redact(asdict(self))
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RunOptions:
        """Return the options that `as_dict` gave; unknown names of other versions are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in plain.items() if name in known})
