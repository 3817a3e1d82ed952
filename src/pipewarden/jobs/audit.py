"""The ledger for a person: verify it, read it, take a copy away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import orjson

from pipewarden.core.audit import Audit
from pipewarden.core.chain import Anchor, LedgerEntry
from pipewarden.jobs.claiming import catch_up_known
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files import durable
from pipewarden.store.state import ledger
from pipewarden.store.state.verify import verify_ledger

log = logging.getLogger(__name__)

REPORT = "validation_report.json"


def verify(workspace: Workspace) -> Audit:
    """Verify the whole ledger: its chain, its triggers, and every anchor that a report holds."""
    catch_up_known(workspace)
    anchors = list(_anchors(workspace.runs_dir))
    with workspace.database.read() as conn:
        return verify_ledger(conn, anchors)


def _anchors(folder: Path) -> Iterator[Anchor]:
    """Yield the head that each run's report recorded; one that does not read is told."""
    for report in sorted(folder.glob(f"*/{REPORT}")) if folder.is_dir() else ():
        try:
            head = orjson.loads(report.read_bytes())["ledger"]
            yield Anchor(int(head["count"]), str(head["hash"]), f"the report {report}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning(
                "report without an anchor", extra={"report": str(report), "error": str(error)}
            )


def entries(
    workspace: Workspace,
    *,
    after: int = 0,
    action: str | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[LedgerEntry]:
    """Return ledger entries in order, those behind entry ``after``."""
    catch_up_known(workspace)
    with workspace.database.read() as conn:
        found = ledger.entries(conn, after=after, action=action, subject=subject, limit=limit)
        return list(found)


def export(workspace: Workspace, path: Path) -> int:
    """Write the ledger as JSON lines, durably; return how many entries.

    Each line holds an entry as it was hashed, so the copy can be verified without pipewarden: the
    hash is the SHA-256 of the line's other fields as canonical JSON.
    """
    catch_up_known(workspace)
    with workspace.database.read() as conn:
        lines = [orjson.dumps(asdict(entry)) + b"\n" for entry in ledger.entries(conn)]
    durable.write_file(path, b"".join(lines))
    return len(lines)
