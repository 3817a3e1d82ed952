"""Labels: what became true of predictions, however late, often or contradictory it was told.

One row a prediction holds the label that counts; a report that was outvoted is kept beside it. A
label carries the model, version and time of its prediction, so that counting needs no join. One for
a prediction that nobody knows waits without them, until the prediction arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Select, func, select, text

from pipewarden.core.monitoring.labels import Label
from pipewarden.store.state.models.schema import labels, predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A prediction, and what became true of it.

    Parameters
    ----------
    label_at
        When it became true.
    received_at
        When that arrived here.
    """

    prediction_id: str
    at: datetime
    version: int
    role: str
    entity: str
    inputs: Mapping[str, Any]
    answer: Mapping[str, Any]
    label: Label
    label_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many predictions of a version in a role there are, and how many have a label.

    Parameters
    ----------
    repeated, conflicting
        Reports of labels of theirs that said the same again, and that said otherwise.
    newest
        When the newest prediction was made that has a label; None where none has.
    """

    version: int
    role: str
    predictions: int = 0
    labelled: int = 0
    repeated: int = 0
    conflicting: int = 0
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCounts:
    """How many predictions there are, and how many have a label; see `Tally`.

    Parameters
    ----------
    unknown
        Labels, of whatever model, that wait for their prediction.
    """

    predictions: int
    labelled: int
    repeated: int
    conflicting: int
    unknown: int
    newest: datetime | None

    @property
    def unlabelled(self) -> int:
        """How many have none."""
        return self.predictions - self.labelled

    @property
    def coverage(self) -> float | None:
        """The share that has a label; None where there is no prediction."""
        return self.labelled / self.predictions if self.predictions else None


def labelled(
    conn: Connection,
    model: str,
    environment: str,
    *,
    since: datetime,
    until: datetime,
    version: int | None = None,
    role: str | None = None,
    limit: int | None = None,
) -> Iterator[Labelled]:
    """Yield the predictions of a window that have a label, the oldest first.

    They are read as they are asked for; all of them need never be held.

    Parameters
    ----------
    since, until
        When they were made: from the first, before the second.
    version, role
        None: of all.
    limit
        At most so many, the newest of them; None: all.
    """
    time = labels.c.predicted_at
    where = _within(model, environment, time, since, until)
    return _read(conn, time, [*where, *_only(version, role)], limit)


def arrived(
    conn: Connection,
    model: str,
    environment: str,
    *,
    since: datetime,
    until: datetime,
    version: int | None = None,
    role: str | None = None,
    limit: int | None = None,
) -> Iterator[Labelled]:
    """Yield what was labelled in a window, whenever it was predicted; see `labelled`.

    Parameters
    ----------
    since, until
        When the label that holds arrived.
    """
    time = labels.c.received_at
    where = _within(model, environment, time, since, until)
    return _read(conn, time, [*where, *_only(version, role)], limit)


def _within(model: str, environment: str, time: Any, since: datetime, until: datetime) -> list[Any]:
    held = labels.c
    return [held.model == model, held.environment == environment, time >= since, time < until]


def _only(version: int | None, role: str | None) -> list[Any]:
    held = labels.c
    found: list[Any] = [] if version is None else [held.version == version]
    return found if role is None else [*found, held.role == role]


def _read(
    conn: Connection, time: Column[Any], where: list[Any], limit: int | None
) -> Iterator[Labelled]:
    held, made = labels.c, predictions.c
    chosen = select(
        held.prediction_id,
        time.label("time"),
        held.value.label("label"),
        held.at.label("label_at"),
        held.received_at,
    ).where(*where)
    if limit is not None:
        chosen = chosen.order_by(time.desc(), held.prediction_id.desc()).limit(limit)
    some = chosen.subquery()
    of = some.c
    query = (
        select(of.prediction_id, of.label, of.label_at, of.received_at)
        .add_columns(made.at, made.version, made.role, made.entity, made.inputs, made.answer)
        .join_from(some, predictions, made.id == of.prediction_id)
        .order_by(of.time, of.prediction_id)
    )
    for row in conn.execute(query.execution_options(yield_per=1_000)).mappings():
        yield Labelled(**row)


def counts(
    conn: Connection,
    model: str,
    environment: str,
    *,
    since: datetime,
    until: datetime,
    version: int | None = None,
    role: str | None = None,
) -> LabelCounts:
    """Return how many predictions of a window there are, and how many have a label.

    Parameters
    ----------
    since, until
        When the predictions were made: from the first, before the second.
    version, role
        None: of all.
    """
    found = [
        one
        for one in tallies(conn, model, environment, since=since, until=until)
        if version in (None, one.version) and role in (None, one.role)
    ]
    sums = {
        name: sum(getattr(one, name) for one in found)
        for name in ("predictions", "labelled", "repeated", "conflicting")
    }
    newest = max((one.newest for one in found if one.newest is not None), default=None)
    return LabelCounts(**sums, unknown=unknown(conn), newest=newest)


def tallies(
    conn: Connection, model: str, environment: str, *, since: datetime, until: datetime
) -> list[Tally]:
    """Return the counts of a window, by version and role; see `counts`."""
    held, made = labels.c, predictions.c
    parts: tuple[Select[Any], ...] = (
        select(made.version, made.role, func.count().label("predictions"))
        .where(made.model == model, made.environment == environment)
        .where(made.at >= since, made.at < until)
        .group_by(made.version, made.role),
        _of_labels(
            model, environment, since, until,
            func.count().label("labelled"), func.max(held.predicted_at).label("newest"),
        ),
        _of_labels(
            model, environment, since, until,
            func.sum(held.reports - 1 - held.conflicts).label("repeated"),
            func.sum(held.conflicts).label("conflicting"),
        ).where(text("reports > 1")),
    )  # fmt: skip
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for query in parts:
        for row in conn.execute(query).mappings():
            found.setdefault((row["version"], row["role"]), {}).update(row)
    return [Tally(**found[key]) for key in sorted(found)]


def _of_labels(
    model: str, environment: str, since: datetime, until: datetime, *figures: Any
) -> Select[Any]:
    held = labels.c
    where = _within(model, environment, held.predicted_at, since, until)
    return select(held.version, held.role, *figures).where(*where).group_by(held.version, held.role)


def values(
    conn: Connection,
    model: str,
    environment: str,
    *,
    since: datetime,
    until: datetime,
    version: int | None = None,
    role: str | None = None,
) -> list[tuple[Label, int]]:
    """Return each label of the predictions of a window, and how many have it; see `counts`."""
    held = labels.c
    where = [*_within(model, environment, held.predicted_at, since, until), *_only(version, role)]
    query = select(held.value, func.count()).where(*where).group_by(held.value)
    return [(value, number) for value, number in conn.execute(query)]


def unknown(conn: Connection) -> int:
    """Return how many labels wait for their prediction."""
    query = select(func.count()).select_from(labels)
    return conn.execute(query.where(labels.c.model == "")).scalar_one()


def newest(conn: Connection, model: str, environment: str) -> datetime | None:
    """Return when the newest prediction was made that has a label; None where none has."""
    held = labels.c
    query = select(func.max(held.predicted_at))
    found: datetime | None = conn.execute(
        query.where(held.model == model, held.environment == environment)
    ).scalar_one()
    return found


def waits(
    conn: Connection, model: str, environment: str, *, since: datetime, until: datetime, limit: int
) -> Iterator[tuple[int, str, timedelta]]:
    """Yield version, role, and the time from prediction to label, of the newest labelled ones.

    Parameters
    ----------
    since, until
        When the predictions were made: from the first, before the second.
    """
    held = labels.c
    query = (
        select(held.version, held.role, held.predicted_at, held.received_at)
        .where(*_within(model, environment, held.predicted_at, since, until))
        .order_by(held.predicted_at.desc())
        .limit(limit)
    )
    for version, role, predicted_at, received_at in conn.execute(query):
        yield version, role, received_at - predicted_at
