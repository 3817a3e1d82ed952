"""New weeks of series, taken from their tables: what was forecast of each, and what was sold.

Each becomes a prediction of the version that serves when it comes, with its label, once. So it is
judged, learnt from, and proved by as anything else that was answered. An amount that the table
corrects later is a newer label of the same week.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.errors import PipewardenError
from pipewarden.jobs.monitoring.arriving.matching import came_true, sold_by_week, steps_until
from pipewarden.jobs.monitoring.arriving.sources import Record, Table, Tables
from pipewarden.jobs.monitoring.labels.taking import take_labels, take_predictions
from pipewarden.jobs.serving.opening import Opener
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import Refusal
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import labels

#: How ledger and labels name where they came from, and the request that nobody made.
SOURCE = "weeks"
#: No model forecasts further.
_MOST_STEPS = 520
#: Of a version that is far behind its table, so many of the newest weeks are taken.
_MOST_WEEKS = 52
_LEVEL = 95.0
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
#: What serves, and its version.
Serving = tuple[Deployment, ModelVersion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken.

    Parameters
    ----------
    weeks
        New ones, of all series.
    corrected
        Weeks whose amount is another by now.
    """

    weeks: int = 0
    corrected: int = 0


@dataclass(slots=True)
class _Found:
    predictions: list[Prediction] = field(default_factory=list)
    labels: list[LabelReport] = field(default_factory=list)


def take_new_weeks(tables: Tables, serving: Sequence[Serving]) -> Taken:
    """Take the weeks that came since, of every series that serves.

    A table that is as it was, for the same deployments, is not read again.

    Raises
    ------
    BadInput
        A table does not read; what others hold is taken by then.
    """
    found, read, failure = _Found(), [], None
    for table, of_it in _by_table(tables, serving):
        mark = (table.state, frozenset(one.id for one, _ in of_it))
        if mark[0] is None or tables.taken.get(table.path) == mark:
            continue
        try:
            _look(tables, table, of_it, found)
        except PipewardenError as error:
            failure = error
            continue
        read.append((table.path, mark))
    done = take_predictions(tables.workspace, found.predictions)
    take_labels(tables.workspace, found.labels, source=SOURCE)
    tables.taken.update(read)
    if failure is not None:
        raise failure
    return Taken(weeks=done.stored, corrected=len(found.labels) - len(found.predictions))


def _by_table(tables: Tables, serving: Iterable[Serving]) -> list[tuple[Table, list[Serving]]]:
    """Return the tables, each with what serves of its series."""
    found: dict[tuple[object, str], tuple[Table, list[Serving]]] = {}
    for one, version in serving:
        table = tables.of(version)
        if table is not None:
            place = (table.path, table.pipeline.name)
            found.setdefault(place, (table, []))[1].append((one, version))
    return list(found.values())


def _look(tables: Tables, table: Table, of_it: list[Serving], found: _Found) -> None:
    records = dict(table.records())
    opener = Opener(tables.workspace)
    for deployment, version in of_it:
        record = records.get(version.model.partition("/")[2])
        if record is not None:
            _take(tables, opener, deployment, version, record, found)


def _take(
    tables: Tables,
    opener: Opener,
    deployment: Deployment,
    version: ModelVersion,
    record: Record,
    found: _Found,
) -> None:
    """Add the weeks of one series that are new, or have another amount than they had."""
    served = opener.opened(version, deployment.environment, deployment.id)
    if served.predicts or not (sold := sold_by_week(record)):
        return
    level = _level(opener.document(version))
    first = answering.forecast(served, 1, level)
    if isinstance(first, Refusal):
        return
    horizon = min(_MOST_STEPS, steps_until(first[0]["ds"], list(sold)))
    steps = answering.forecast(served, horizon, level) if horizon else []
    if isinstance(steps, Refusal):
        return
    now = tables.workspace.clock()
    held = _held(tables, deployment)
    for step, amount in came_true(steps[-_MOST_WEEKS:], sold):
        name = week_id(deployment, step["ds"])
        if held.get(name) == amount:
            continue
        if name not in held:
            found.predictions.append(_prediction(name, deployment, step, level, now))
        found.labels.append(LabelReport(prediction_id=name, value=amount, at=now))


def week_id(deployment: Deployment, ds: str | int) -> str:
    """Return the name of a week's forecast; in the order of weeks, and the same each time."""
    week = f"{ds:06d}" if isinstance(ds, int) else ds
    return f"week/{deployment.environment}/{deployment.model}/{week}"


def _prediction(
    name: str, deployment: Deployment, step: Record, level: float, now: datetime
) -> Prediction:
    return Prediction(
        id=name,
        at=now,
        model=deployment.model,
        version=deployment.version,
        environment=deployment.environment,
        role="champion",
        entity=str(step.get("unique_id", "")),
        inputs={"horizon": step["step"], "level": level},
        answer={"steps": [dict(step)]},
        request_id=SOURCE,
    )


def _held(tables: Tables, deployment: Deployment) -> dict[str, object]:
    """Return the weeks of a series that were taken, each with its amount."""
    with tables.workspace.database.read() as conn:
        rows = labels.labelled(
            conn, deployment.model, deployment.environment, since=_EARLIEST,
            until=datetime.max.replace(tzinfo=UTC), limit=4 * _MOST_WEEKS,
        )  # fmt: skip
        return {row.prediction_id: row.label for row in rows}


def _level(document: Record) -> float:
    """Return the level of the intervals that a model promised to keep, in percent."""
    coverage = (document.get("metrics") or {}).get("coverage")
    held = coverage.get("level") if isinstance(coverage, dict) else None
    return 100.0 * float(held) if held else _LEVEL
