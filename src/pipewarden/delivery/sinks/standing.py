"""How a sink has been lately, beside its spool: its breaker, its last error, its refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from pipewarden.core.outages.breaker import Breaker
from pipewarden.core.sinks import Delivery
from pipewarden.delivery.outcome import Outcome
from pipewarden.delivery.sinks.envelope import refusal
from pipewarden.delivery.sinks.spool import whole_length
from pipewarden.settings import redact_text
from pipewarden.store.files import durable, lines

_STANDING, _REFUSED = "standing.json", "refused.jsonl"
#: How much of an error is kept, in characters.
_KEPT = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a sink between two calls, and two processes.

    Parameters
    ----------
    breaker
        Its failures in a row, and when it is tried next.
    last_error, failed_at
        What it said when it last failed, without secrets, and when (ISO-8601).
    """

    breaker: Breaker = field(default_factory=Breaker)
    last_error: str = ""
    failed_at: str = ""


def read_standing(folder: Path) -> Standing:
    """Return how a sink has been; one that is new, or whose file is damaged, counts as well."""
    try:
        held = orjson.loads((folder / _STANDING).read_bytes())
        retry_at = held["retry_at"]
        breaker = Breaker(
            int(held["failures"]), datetime.fromisoformat(retry_at) if retry_at else None
        )
        return Standing(breaker, str(held["last_error"]), str(held["failed_at"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Standing()


def write_standing(folder: Path, standing: Standing) -> None:
    """Remember how a sink has been."""
    breaker = standing.breaker
    held = {
        "failures": breaker.failures,
        "retry_at": breaker.retry_at.isoformat() if breaker.retry_at else None,
        "last_error": redact_text(standing.last_error)[:_KEPT],
        "failed_at": standing.failed_at,
    }
    durable.write_file(folder / _STANDING, orjson.dumps(held))


def refused_file(folder: Path) -> Path:
    """Return where a sink's refused documents are kept."""
    return folder / _REFUSED


def keep_refused(folder: Path, refused: Sequence[tuple[Delivery, Outcome]], at: datetime) -> None:
    """Keep documents that a sink will never take, with the reason.

    Raises
    ------
    StorageUnavailable
        The disk is full.
    """
    if not refused:
        return
    durable.make_folder(folder)
    path = refused_file(folder)
    moment = at.isoformat()
    data = b"".join(
        refusal(delivery, outcome.reason, redact_text(outcome.error)[:_KEPT], moment)
        for delivery, outcome in refused
    )
    end = whole_length(path)
    if path.exists() and path.stat().st_size > end:
        lines.cut(path, end)
    lines.append(path, data, end)


def refused_documents(folder: Path, run_id: str | None = None) -> int:
    """Return how many documents, each in one version, a sink refused: of all runs, or of one."""
    seen: set[tuple[str, str]] = set()
    path = refused_file(folder)
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        for line in file:
            try:
                held = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # half a line, which the next writer cuts off
            if run_id in (None, held.get("run_id")):
                seen.add((held["id"], held["version"]))
    return len(seen)
