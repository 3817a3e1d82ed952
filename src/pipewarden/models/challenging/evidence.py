"""What a comparison rests on: labelled answers of champion and challenger, as summable figures.

Every metric is a function of sums over rows, so that a row is kept as what it adds to them. Rows of
one entity are not independent of each other: they are added up to one unit, and units are what a
bootstrap draws (Davison and Hinkley 1997, section 3.8, for the resampling of clusters).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.challengers import (
    CHALLENGER,
    CHAMPION,
    Challenger,
    ChallengerMode,
    assigned,
    beside,
)
from pipewarden.core.models.comparisons import ComparisonMetric
from pipewarden.store.state.models import challengers
from pipewarden.store.state.monitoring import labels
from pipewarden.store.state.monitoring.labels import Labelled

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

#: What a row adds to the sums of a metric.
Sums = tuple[float, ...]
#: Answers whose distribution is looked at, the newest of each; shadows that are read at once.
_SCORES, _AT_ONCE = 2_000, 500
_TINY = 1e-15


@dataclass(slots=True)
class Evidence:
    """What is known of both.

    Parameters
    ----------
    champion, challenger
        Unit → the sums of its rows. Where the two answered the same questions, the same units.
    champion_rows, challenger_rows
        Labelled rows of each that the metric could be computed of.
    unusable
        Labelled rows that do not hold what the metric needs.
    champion_scores, challenger_scores
        What both answered lately, with or without a label.
    """

    champion: dict[str, Sums] = field(default_factory=dict)
    challenger: dict[str, Sums] = field(default_factory=dict)
    champion_rows: int = 0
    challenger_rows: int = 0
    unusable: int = 0
    champion_scores: Sequence[float] = ()
    challenger_scores: Sequence[float] = ()

    @property
    def number(self) -> int:
        """How many labelled rows can be compared: pairs, or the fewer of both."""
        return min(self.champion_rows, self.challenger_rows)


def evidence_of(conn: Connection, held: Challenger, *, until: datetime) -> Evidence:
    """Return what was answered beside each other since a challenger began, and has a label."""
    found = Evidence(
        champion_scores=_scores(challengers.recent(conn, held, CHAMPION, _SCORES)),
        challenger_scores=_scores(challengers.recent(conn, held, CHALLENGER, _SCORES)),
    )
    if held.mode is ChallengerMode.SHADOW:
        _pairs(conn, held, until, found)
    else:
        _arms(conn, held, until, found)
    return found


def _pairs(conn: Connection, held: Challenger, until: datetime, found: Evidence) -> None:
    """Add the questions that both answered; the label is that of the champion's answer."""
    metric = held.plan.metric
    for some in _chunks(_of_champion(conn, held, until)):
        ids = {row.prediction_id: beside(row.prediction_id, held.id) for row in some}
        answers = challengers.answers(conn, list(ids.values()))
        for row in some:
            answer = answers.get(ids[row.prediction_id])
            if answer is None:
                continue
            one, other = sums_of(metric, row.answer, row.label), sums_of(metric, answer, row.label)
            if one is None or other is None:
                found.unusable += 1
                continue
            unit = row.entity or row.prediction_id
            _add(found.champion, unit, one)
            _add(found.challenger, unit, other)
            found.champion_rows += 1
            found.challenger_rows += 1


def _arms(conn: Connection, held: Challenger, until: datetime, found: Evidence) -> None:
    """Add what each answered of its own entities.

    What the champion answered in the challenger's place, before that was opened or after it had
    failed, belongs to neither.
    """
    metric = held.plan.metric
    for row in _of_champion(conn, held, until):
        unit = row.entity or row.prediction_id
        if assigned(unit, held.id, held.share):
            continue
        sums = sums_of(metric, row.answer, row.label)
        if sums is None:
            found.unusable += 1
        else:
            _add(found.champion, unit, sums)
            found.champion_rows += 1
    for row in labels.labelled(
        conn, held.model, held.environment, since=held.started_at, until=until,
        version=held.version, role=CHALLENGER,
    ):  # fmt: skip
        sums = sums_of(metric, row.answer, row.label)
        if sums is None:
            found.unusable += 1
        else:
            _add(found.challenger, row.entity or row.prediction_id, sums)
            found.challenger_rows += 1


def _of_champion(conn: Connection, held: Challenger, until: datetime) -> Iterator[Labelled]:
    return labels.labelled(
        conn, held.model, held.environment, since=held.started_at, until=until,
        version=held.champion, role=CHAMPION,
    )  # fmt: skip


def _chunks(rows: Iterator[Labelled]) -> Iterator[list[Labelled]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some


def _add(units: dict[str, Sums], unit: str, sums: Sums) -> None:
    held = units.get(unit)
    units[unit] = sums if held is None else tuple(a + b for a, b in zip(held, sums, strict=True))


def sums_of(metric: ComparisonMetric, answer: Mapping[str, Any], label: Any) -> Sums | None:
    """Return what a row adds to the sums of a metric; None where it does not hold what that needs.

    The metric is `value_of` the sums: of F1 those are hits, false alarms and misses, of any other
    the sum of its losses and the number of rows.
    """
    if metric is ComparisonMetric.ACCURACY:
        said = answer.get("prediction")
        return None if said is None else (float(said == label), 1.0)
    name = "prediction" if metric in _OF_PREDICTION else "probability"
    value, truth = _number(answer.get(name)), _number(label)
    if value is None or truth is None:
        return None
    if metric is ComparisonMetric.ABSOLUTE_ERROR:
        return (abs(value - truth), 1.0)
    return _of_classes(metric, value, truth) if truth in (0.0, 1.0) else None


def _of_classes(metric: ComparisonMetric, value: float, truth: float) -> Sums | None:
    if metric is ComparisonMetric.F1:
        yes, true = value == 1.0, truth == 1.0
        return (float(yes and true), float(yes and not true), float(true and not yes))
    if not 0.0 <= value <= 1.0:
        return None
    if metric is ComparisonMetric.BRIER:
        return ((value - truth) ** 2, 1.0)
    chance = value if truth else 1.0 - value
    return (-math.log(max(chance, _TINY)), 1.0)


_OF_PREDICTION = (ComparisonMetric.F1, ComparisonMetric.ABSOLUTE_ERROR)


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)) and math.isfinite(value):  # true is 1
        return float(value)
    return None


def _scores(answers: Iterable[Mapping[str, Any]]) -> list[float]:
    """Return the one number of each answer that says most: the probability, else the prediction."""
    held = (_number(one.get("probability", one.get("prediction"))) for one in answers)
    return [value for value in held if value is not None]
