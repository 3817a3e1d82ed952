"""What a document process tells of a document: a header, and the result for the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from pipewarden.core.canonical import digest
from pipewarden.engine.fingerprint import fingerprints
from pipewarden.engine.publication.documents import readable
from pipewarden.engine.task import Work, Worked
from pipewarden.engine.worker import Workshop


def told(workshop: Workshop, worked: Worked, sinks: Sequence[str]) -> dict[str, Any]:
    """Return the header of an answer; with sinks it says what they must know of the document."""
    became = outcome(worked)
    header = {
        "status": 200,
        "outcome": became,
        "pipeline": workshop.pipeline.name,
        "seconds": worked.seconds,
        "sinks": sinks,
    }
    if not sinks or worked.line is None or became != "accepted":
        return header
    document = worked.line.rstrip(b"\n")
    made = {
        "pipeline": workshop.pipeline.name,
        "key": readable(worked.key),
        "input_hash": worked.input_hash,
        "fingerprint": fingerprints(workshop.pipeline).pipeline,
        "content_hash": digest(document),
    }
    return {**header, "made": made, "document_bytes": len(document)}


def outcome(worked: Worked) -> str:
    """Return what became of a document, in the API's words."""
    if worked.work is not Work.JUDGED:
        return "rejected" if worked.work is Work.REJECTED else "errored"
    return "rejected" if worked.status == "FAIL" else "accepted"


def result(worked: Worked) -> bytes:
    """Return the result as JSON; the document in it is the very line that a job would publish."""
    held = {
        "key": worked.key,
        "outcome": outcome(worked),
        "verdict": worked.status or None,
        "reason": worked.reason,
        "message": worked.message,
        "seconds": round(worked.seconds, 6),
    }
    document = b"null" if worked.line is None else worked.line.rstrip(b"\n")
    return orjson.dumps(held)[:-1] + b',"document":' + document + b"}"
