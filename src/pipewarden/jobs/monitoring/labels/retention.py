"""Letting go of old predictions, and of what became true of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipewarden.core.chain import Act
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import ledger
from pipewarden.store.state.models import predictions
from pipewarden.store.state.monitoring import label_reports

#: Predictions in one transaction.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many predictions went, with how many labels, and labels that never met theirs."""

    predictions: int
    labels: int
    unknown: int


def prune(workspace: Workspace, older_than: timedelta, *, dry_run: bool = False) -> Pruned:
    """Remove predictions made longer ago than so, their labels, and labels that wait as long.

    It is done in portions, each with its entry in the ledger, so that nobody waits long for the
    database; whatever breaks off is gone on with the next time.
    """
    before = workspace.clock() - older_than
    with workspace.database.read() as conn:
        known = predictions.models(conn)
        if dry_run:
            old = [label_reports.count_before(conn, *of, before) for of in known]
            waiting = label_reports.count_unknown_before(conn, before)
            whole = (sum(one.predictions for one in old), sum(one.labels for one in old))
            return Pruned(*whole, waiting)
    gone = [part for of in known for part in _portions(workspace, of, before)]
    return Pruned(
        sum(one.predictions for one in gone),
        sum(one.labels for one in gone),
        sum(_unknown(workspace, before)),
    )


def _portions(
    workspace: Workspace, of: tuple[str, str], before: datetime
) -> Iterator[label_reports.Counted]:
    while True:
        with workspace.database.write() as conn:
            part = label_reports.prune(conn, *of, before, _AT_ONCE)
            if not part.predictions:
                return
            details = {
                "environment": of[1],
                "predictions": part.predictions,
                "labels": part.labels,
            }
            act = _act(workspace, "predictions.pruned", of[0], before, details)
            ledger.append(conn, [act], workspace.clock())
        yield part


def _unknown(workspace: Workspace, before: datetime) -> Iterator[int]:
    while True:
        with workspace.database.write() as conn:
            number = label_reports.prune_unknown(conn, before, _AT_ONCE)
            if not number:
                return
            act = _act(workspace, "labels.pruned", "labels", before, {"labels": number})
            ledger.append(conn, [act], workspace.clock())
        yield number


def _act(
    workspace: Workspace, action: str, subject: str, before: datetime, details: Mapping[str, object]
) -> Act:
    reason = f"older than {before.isoformat(timespec='seconds')}"
    return Act(
        actor=workspace.actor, action=action, subject=subject, reason=reason, details=details
    )
