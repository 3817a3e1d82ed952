"""What a manifest holds of an item, and the record that commits a change to it."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypedDict

from pipewarden.core.chain import Act
from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.models.deployments import Trained


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector in this block, which makes very many plain values.

    It would go through all of them again and again, four fifths of the time of loading a manifest,
    and find nothing to free: plain values have no cycles.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Entry(TypedDict, total=False):
    """One item in a manifest. A plain dictionary, because a manifest may hold a million.

    ``hash`` and ``status`` are always there. Paths are POSIX and relative to the manifest's folder.
    """

    #: ``sha256:<hex>`` of the input's bytes, taken before it was processed.
    hash: str
    status: Literal["success", "failed"]
    #: For a failed item: ``rejected`` by a gate, or ``errored``.
    kind: Literal["rejected", "errored"]
    output_path: str | None
    output_hash: str | None
    #: Offset and length in bytes, where the output is a line of a file.
    output_span: list[int]
    quarantine_path: str | None
    #: UTC, ISO-8601; ``last_processed`` of a success, ``last_attempt`` of a failure.
    last_processed: str
    last_attempt: str
    run_id: str
    #: Failed attempts in a row; 0 after a success.
    attempt_count: int
    reason: str
    validation_report: dict[str, Any] | None
    #: The pipeline's fingerprint, the gate's measures, and the gate's thresholds at the time.
    fingerprint: str
    measures: str
    thresholds: str
    #: Digest of what the result depends on beside its bytes, where the pipeline names such.
    companion: str
    #: What the gate's check across items compares, and the key of the item that holds it instead.
    identity: str
    duplicate_of: str
    #: Why somebody asked for the item to be tried again, until it is.
    retry: str
    #: Why somebody published it although the gate rejected it.
    released: str
    #: Only false: the gate was switched off for this output.
    validated: bool
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One committed change of a manifest, with all that the ledger and the progress learn from it.

    Parameters
    ----------
    run_id, seq
        The run, and the record's number in it, from 1; together they make a record unique.
    at
        UTC, ISO-8601.
    key
        The item.
    entry
        What the manifest holds from now on; None forgets the item.
    moved_from
        The key that this one replaces.
    result
        The outcome to count for the run; None where none is due (a forgotten entry).
    act
        What the ledger learns beside what follows from the result: a release, a retry.
    appended
        Where outputs are lines of a file: its absolute path, and how many of its bytes are
        committed with this record.
    trained
        Where the item is a model: what is registered as a version with this record.
    """

    run_id: str
    seq: int
    at: str
    key: str
    entry: Entry | None
    moved_from: str | None = None
    result: ItemResult | None = None
    act: Act | None = None
    appended: tuple[str, int] | None = None
    trained: Trained | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values, for a journal line."""
        plain: dict[str, Any] = {
            "run_id": self.run_id,
            "seq": self.seq,
            "at": self.at,
            "key": self.key,
            "entry": self.entry,
        }
        if self.moved_from is not None:
            plain["moved_from"] = self.moved_from
        if self.result is not None:
            plain["result"] = asdict(self.result)
        if self.act is not None:
            plain["act"] = asdict(self.act)
        if self.appended is not None:
            plain["appended"] = list(self.appended)
        if self.trained is not None:
            plain["trained"] = asdict(self.trained)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Record:
        """Return the record that `as_dict` gave."""
        result = plain.get("result")
        if result is not None:
            result = ItemResult(**{**result, "outcome": Outcome(result["outcome"])})
        return cls(
            run_id=plain["run_id"],
            seq=plain["seq"],
            at=plain["at"],
            key=plain["key"],
            entry=plain["entry"],
            moved_from=plain.get("moved_from"),
            result=result,
            act=Act(**plain["act"]) if plain.get("act") else None,
            appended=(str(at[0]), int(at[1])) if (at := plain.get("appended")) else None,
            trained=Trained(**plain["trained"]) if plain.get("trained") else None,
        )
