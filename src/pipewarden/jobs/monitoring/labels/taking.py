"""Predictions that were made elsewhere, and labels of any, taken in: by HTTP and from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.chain import Act
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.jobs.monitoring.labels.meaning import reader_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import ledger
from pipewarden.store.state.column_types import storable
from pipewarden.store.state.models import predictions, versions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import label_reports
from pipewarden.store.state.monitoring.label_reports import Reported

if TYPE_CHECKING:
    from pipewarden.core.models.families import LabelReader

    _Reader = tuple[str, LabelReader]

#: How far the clock of whoever reports may be ahead of ours.
AHEAD = timedelta(minutes=5)
#: No model answered anything before.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
#: Replaced labels that an entry of the ledger names.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken: its place among those given, a code, and why in words."""

    place: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class TakenPredictions:
    """What came of predictions that were given.

    Parameters
    ----------
    ids
        Of each in order; empty of a refused one.
    stored, repeated
        How many are new, and how many were logged already and stay as they are.
    """

    ids: tuple[str, ...]
    stored: int
    repeated: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class TakenLabels:
    """What came of labels that were reported; the refused ones are not among the received."""

    reported: Reported
    refused: tuple[Refused, ...]


def take_predictions(
    workspace: Workspace, given: Sequence[Prediction], made_ids: Iterable[str] = ()
) -> TakenPredictions:
    """Log predictions that were made elsewhere, in one transaction.

    Each must be of a version that is known here: of any other nothing could be said. One that is
    logged already under its id is left as it is, so that all of it may be sent again.

    Parameters
    ----------
    made_ids
        Ids for those that bring none.
    """
    now = workspace.clock()
    fresh = iter(made_ids)
    rows = [replace(row, id=storable(row.id or next(fresh))) for row in given]
    with workspace.database.write() as conn:
        registered = versions.registered(conn, ((row.model, row.version) for row in rows))
        logged = predictions.versions_of(conn, [row.id for row in rows])
        refused, kept = [], []
        for place, row in enumerate(rows):
            of = (row.model, row.version)
            if of not in registered:
                words = f"there is no version {row.version} of a model {row.model!r}"
                refused.append(Refused(place, "unknown_version", words))
            elif fault := _untimely(place, row.at, now):
                refused.append(fault)
            elif logged.setdefault(row.id, of) != of:
                words = f"another model's prediction is called {row.id!r}"
                refused.append(Refused(place, "id_taken", words))
            else:
                kept.append(row)
        before = len(predictions.versions_of(conn, [row.id for row in kept]))
        predictions.append(conn, kept, now)
    stored = len({row.id for row in kept}) - before
    bad = {one.place for one in refused}
    ids = tuple("" if place in bad else row.id for place, row in enumerate(rows))
    return TakenPredictions(ids, stored, len(kept) - stored, tuple(refused))


def take_labels(
    workspace: Workspace, reports: Sequence[LabelReport], *, source: str
) -> TakenLabels:
    """Take in what became true of predictions, in one transaction.

    One that says neither yes nor no to the model of its prediction is refused: it would replace a
    label that does. Of a prediction that is not logged yet nobody can say; its label is kept, and
    is not counted among the labels of a window if it turns out to say nothing.

    Where a label that held holds no more, because a newer one says otherwise, the ledger has an
    entry: somebody may have acted upon the old one.

    Parameters
    ----------
    source
        Who reports: the name of a key, of a person, of a file.
    """
    now = workspace.clock()
    readers = _readers(workspace, reports)
    faults = [
        _untimely(place, one.at, now) or _unread(place, one, readers)
        for place, one in enumerate(reports)
    ]
    kept = [one for one, fault in zip(reports, faults, strict=True) if fault is None]
    with workspace.database.write() as conn:
        done = label_reports.report(conn, kept, at=now, source=source)
        if done.replaced:
            details = {"labels": len(done.replaced), "predictions": list(done.replaced[:_NAMED])}
            act = Act(
                actor=workspace.actor,
                action="labels.replaced",
                subject=source,
                reason="a newer label says otherwise",
                details=details,
            )
            ledger.append(conn, [act], now)
    return TakenLabels(done, tuple(fault for fault in faults if fault is not None))


def _readers(workspace: Workspace, reports: Sequence[LabelReport]) -> Mapping[str, _Reader]:
    """Return what reads the label of each prediction that is logged, where anything does."""
    with workspace.database.read() as conn:
        of = predictions.versions_of(conn, [storable(one.prediction_id) for one in reports])
        held = {one: versions.get(conn, *one) for one in set(of.values())}
    known = {one: reader_of(workspace, version) for one, version in held.items()}
    readers = {name: (one[0], known[one]) for name, one in of.items()}
    return {name: (model, found) for name, (model, found) in readers.items() if found is not None}


def _unread(place: int, one: LabelReport, readers: Mapping[str, _Reader]) -> Refused | None:
    reader = readers.get(storable(one.prediction_id))
    if reader is None or reader[1](one.value) is not None:
        return None
    words = f"{one.value!r} is no label of {reader[0]}, which reads {reader[1].words}"
    return Refused(place, "unreadable_label", words)


def _untimely(place: int, at: datetime, now: datetime) -> Refused | None:
    if at > now + AHEAD:
        words = f"{at.isoformat(timespec='seconds')} is in the future"
        return Refused(place, "in_the_future", words)
    if at < EARLIEST:
        words = f"{at.isoformat(timespec='seconds')} is before {EARLIEST.year}"
        return Refused(place, "too_long_ago", words)
    return None
