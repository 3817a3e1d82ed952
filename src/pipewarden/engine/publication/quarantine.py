"""Quarantine: where an item that failed is kept, with what was produced and why it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.findings import Status
from pipewarden.engine.publication import documents
from pipewarden.engine.task import Worked
from pipewarden.store.files import durable

SCHEMA_VERSION = 1
FAILED, REPORT, WITHDRAWN = "_FAILED.json", "_FAILURE_REPORT.md", "_WITHDRAWN.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a failed item lies, why (a code, and a sentence), and the bytes that are kept of it."""

    path: Path
    reason: str
    message: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The quarantine folder of one run.

    Parameters
    ----------
    folder
        ``data/quarantine/<run id>``.
    located
        Key → where the input is, in words for a person.
    run_id, pipeline, fingerprint, max_attempts
        What the files say about the run.
    render
        Failure facts and the folder of the report → the text of the failure report.
    clock
        Gives the present time, UTC and aware.
    """

    folder: Path
    located: Callable[[str], str]
    run_id: str
    pipeline: str
    fingerprint: str
    max_attempts: int
    render: Callable[[Mapping[str, Any], Path], str]
    clock: Callable[[], datetime]

    def keep(self, worked: Worked, *, kind: str, document: dict[str, Any] | None) -> Kept:
        """Write ``…_FAILED.json`` and ``…_FAILURE_REPORT.md`` durably; return where."""
        verdict = (document or {}).get("verdict")
        blocking = _blocking(verdict)
        reason = worked.reason or ", ".join(str(f["check"]) for f in blocking) or "unknown"
        message = worked.message or "; ".join(map(_in_words, blocking))
        facts = {
            "schema_version": SCHEMA_VERSION,
            "kind": kind,
            "key": worked.key,
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "fingerprint": self.fingerprint,
            "at": self.clock().isoformat(),
            "input": {"path": self.located(worked.key), "sha256": worked.input_hash},
            "reason": reason,
            "message": message,
            "attempt": worked.attempt,
            "max_attempts": self.max_attempts,
            "verdict": verdict,
            "error": _error(worked),
            "result": document,
        }
        path = documents.artifact_path(self.folder, worked.key, FAILED)
        kept = documents.encode(facts)
        durable.write_file(path, kept)
        report = documents.artifact_path(self.folder, worked.key, REPORT)
        text = self.render({**facts, "quarantine_path": str(path)}, report.parent)
        told = text.encode("utf-8", "backslashreplace")
        durable.write_file(report, told)
        return Kept(path, reason, message, len(kept) + len(told))

    def keep_withdrawn(self, key: str, published: bytes) -> None:
        """Keep a document that is published no more, so that withdrawing it loses nothing."""
        durable.write_file(documents.artifact_path(self.folder, key, WITHDRAWN), published)


def _blocking(verdict: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the findings that made the verdict FAIL."""
    missed = (Status.FAIL, Status.NOT_COMPUTABLE)
    return [
        finding
        for finding in (verdict or {}).get("findings", ())
        if finding["status"] in missed and (finding.get("threshold") or {}).get("blocking")
    ]


def _in_words(finding: Mapping[str, Any]) -> str:
    threshold = finding["threshold"]
    wanted = f"{threshold['operator']} {threshold['target']}"
    said = finding.get("message") or f"is {finding.get('value')}, must be {wanted}"
    return f"{finding['check']}: {said}"


def _error(worked: Worked) -> dict[str, Any] | None:
    if not worked.message:
        return None
    kind = worked.message.split(":", 1)[0] if worked.trace else worked.reason
    return {"type": kind, "message": worked.message, "traceback": worked.trace}
