"""Windows of labels as they arrived: how good the answers were, and whether the world is the same.

A label counts in the window in which it came, however old its prediction: what came late is judged
when it came, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.jobs.monitoring.judging import answers, windows
from pipewarden.jobs.monitoring.judging.answered import Judging
from pipewarden.jobs.monitoring.judging.lasting import Past
from pipewarden.jobs.monitoring.judging.windows import Reach
from pipewarden.store.state.monitoring import labels
from pipewarden.store.state.monitoring.labels import LabelCounts, Labelled
from pipewarden.store.state.monitoring.windows import Stream

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipewarden.core.models.families import LabelReader

#: Every window of this kind that was judged has an observation of it.
MARK = "label.coverage"
_OF_LABELS = ("drift.prior", "drift.concept")
_RANK = {
    ObservationStatus.NOT_COMPUTABLE: 0,
    ObservationStatus.OK: 0,
    ObservationStatus.WARN: 1,
    ObservationStatus.BREACH: 2,
}
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """The labels that came in a window.

    Parameters
    ----------
    counts
        Of all predictions of the time in which those that got a label were made; None: none did.
    unreadable
        How many of those labels say neither yes nor no to the model.
    reader
        Says what a label means; None: nothing is known of that, and only numbers are judged by.
    """

    window: str
    since: datetime
    until: datetime
    rows: list[Labelled]
    counts: LabelCounts | None
    unreadable: int = 0
    reader: LabelReader | None = None

    @property
    def mark(self) -> Mapping[str, Any]:
        """What observations of it carry as evidence, so that it is known for judged."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}


def due(
    conn: Connection, stream: Stream, window: str, reach: Reach, reader: LabelReader | None = None
) -> Iterator[Arrived]:
    """Yield the windows of one kind that are due, the oldest first.

    A window by number or batch is due once so many labels have come since the one before it.

    Parameters
    ----------
    reader
        Of the labels of its model.
    """
    last = windows.last_mark(conn, stream, window, MARK)
    if windows.length_of(window) is not None:
        for since, until in windows.spans(window, last, reach):
            yield _arrived(conn, stream, window, since, until, reach.rows, reader)
        return
    begin = datetime.fromisoformat(str(last["until"])) if "until" in last else reach.begin
    found = _arrived(conn, stream, window, begin, reach.now, reach.rows, reader)
    if len(found.rows) >= (windows.number_of(window) or reach.minimum):
        yield found


def observed(judging: Judging, arrived: Arrived, past: Past) -> list[Observation]:
    """Return what the labels of a window say; ``past`` is what those before it said."""
    found = [*_performance(judging, arrived), *_drift(judging, arrived, past)]
    return [replace(one, evidence={**one.evidence, **arrived.mark}) for one in found]


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _arrived(
    conn: Connection,
    stream: Stream,
    window: str,
    since: datetime,
    until: datetime,
    limit: int,
    reader: LabelReader | None,
) -> Arrived:
    rows = list(
        labels.arrived(
            conn, stream.model, stream.environment, since=since, until=until,
            version=stream.version, role=stream.role, limit=limit,
        )
    )  # fmt: skip
    counts, unreadable = None, 0
    if rows:
        made: Any = {
            "since": min(row.at for row in rows), "until": max(row.at for row in rows) + _INSTANT,
            "version": stream.version, "role": stream.role,
        }  # fmt: skip
        counts = labels.counts(conn, stream.model, stream.environment, **made)
        if reader is not None:
            said = labels.values(conn, stream.model, stream.environment, **made)
            unreadable = sum(number for value, number in said if reader(value) is None)
    return Arrived(
        window=window, since=since, until=until, rows=rows, counts=counts, unreadable=unreadable,
        reader=reader,
    )  # fmt: skip


def _performance(judging: Judging, arrived: Arrived) -> list[Observation]:
    held, sheet = judging.subject, judging.sheet
    counts = arrived.counts
    place = held.deployment
    if counts is None:
        return [
            sheet.unknown(
                MARK, place.model, "no label came in the window", window=arrived.window,
                environment=place.environment, version=place.version, sample=0,
            )
        ]  # fmt: skip
    import numpy as np

    from pipewarden.monitoring.performance.classifying import of_classifier
    from pipewarden.monitoring.performance.dropping import judge
    from pipewarden.monitoring.performance.labelling import of_labels
    from pipewarden.monitoring.performance.observing import About, observed as told

    seconds = np.array([(row.received_at - row.at).total_seconds() for row in arrived.rows])
    truth = _truth(arrived)
    waited = seconds if arrived.reader is None else seconds[~np.isnan(truth)]
    known = of_labels(
        counts.predictions, counts.labelled - arrived.unreadable, waited, repeated=counts.repeated,
        conflicting=counts.conflicting, unknown=counts.unknown, unreadable=arrived.unreadable,
    )  # fmt: skip
    figures = [*known]
    scores = answers.numbers(arrived.rows, held.named.score)
    if scores is not None:
        decided = answers.numbers(arrived.rows, held.named.decision)
        figures += of_classifier(scores, truth, decided, seed=held.deployment.id)
    about = About(
        check_id=sheet.check_id,
        at=sheet.at,
        model=place.model,
        environment=place.environment,
        version=place.version,
        window=arrived.window,
        beside={one.metric: one.value for one in known},
    )
    return [tightened(judging, one) for one in told(judge(figures, held.at_training), about)]


def tightened(judging: Judging, one: Observation) -> Observation:
    """Return an observation held against the limit in force, too, where there is one."""
    limit = judging.sheet.limits(one.metric, one.subject)
    if one.value is None or (limit.warn is None and limit.breach is None):
        return one
    held = judging.sheet.figure(one.metric, one.subject, one.value)
    if _RANK[held.status] <= _RANK[one.status]:
        return one
    return replace(one, status=held.status, threshold=held.threshold, reason=held.reason)


def _drift(judging: Judging, arrived: Arrived, past: Past) -> Iterator[Observation]:
    held, sheet = judging.subject, judging.sheet
    scores = answers.numbers(arrived.rows, held.named.score)
    if isinstance(held.baseline, str) or scores is None or not arrived.rows:
        return
    from pipewarden.monitoring.drift.judging import judge
    from pipewarden.monitoring.drift.observing import observations

    verdict = judge(held.baseline, {}, scores, judging.rules, labels=_truth(arrived))
    found = observations(
        verdict,
        check_id=sheet.check_id,
        at=sheet.at,
        subject=held.deployment.model,
        environment=held.deployment.environment,
        version=held.deployment.version,
        window=arrived.window,
        earlier=past.earlier,
    )
    yield from (one for one in found if one.metric in _OF_LABELS)


def _truth(arrived: Arrived) -> Any:
    import numpy as np

    if arrived.reader is None:
        said = [answers.as_number(row.label) for row in arrived.rows]
    else:
        said = [_as_class(arrived.reader(row.label)) for row in arrived.rows]
    return np.array(said, dtype=np.float64)


def _as_class(yes: bool | None) -> float:
    return math.nan if yes is None else float(yes)
