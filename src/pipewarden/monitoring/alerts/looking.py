"""What the rules make of observations: one sighting for each thing that can be wrong."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.alerts.conditions import Look, Sort
from pipewarden.core.monitoring.alerts.incidents import Incident, Sighting
from pipewarden.core.monitoring.alerts.rules import Book, Rule, fingerprint
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.errors import UnknownName
from pipewarden.store.state.models import versions
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: The past that stands in for a version's figure, and how many figures of it there must be.
_PAST, _ENOUGH = timedelta(days=28), 5


def sightings(
    conn: Connection, book: Book, seen: Iterable[Observation]
) -> dict[str, list[Sighting]]:
    """Return, by fingerprint, what the rules make of each observation that one of them is about."""
    found: dict[str, list[Sighting]] = {}
    for one in seen:
        for missing in (False, True):
            rules = book.concerned(one, missing=missing)
            if rules:
                name = fingerprint(one, missing=missing)
                found.setdefault(name, []).extend(_looks(conn, one, name, rules))
    return found


def _looks(conn: Connection, seen: Observation, name: str, rules: list[Rule]) -> list[Sighting]:
    """Return the sighting of each rule in order, up to the first that finds it bad."""
    found = []
    for rule in rules:
        against = _reference(conn, rule, seen)
        look = rule.condition.look(seen, against)
        limit = rule.condition.limit(against, seen.threshold)
        found.append(Sighting(seen=seen, fingerprint=name, look=look, rule=rule, limit=limit))
        if look is Look.BAD:
            return [found[-1]]
    return found


def deciding(found: list[Sighting], held: Incident | None, book: Book) -> Sighting:
    """Return the sighting that counts, of all of one fingerprint in one check.

    One bad one is enough, whichever window or version it is of. Otherwise what decides is what the
    incident was raised by: the same rule, version and window, if they were looked at again. A good
    look at something else is no all-clear.
    """
    bad = [one for one in found if one.look is Look.BAD]
    if bad:
        place = {rule.name: number for number, rule in enumerate(book.rules)}
        return min(bad, key=lambda one: (one.rule.severity != "critical", place[one.rule.name]))
    if held is None:
        return found[0]
    for same in (_same_rule, _same_window, _same_version):
        found = [one for one in found if same(one, held)] or found
    unknown = [one for one in found if one.look is Look.UNKNOWN]
    good = [one for one in found if one.look is Look.GOOD]
    return (good or unknown)[0]


def _same_rule(one: Sighting, held: Incident) -> bool:
    return one.rule.name == held.rule


def _same_window(one: Sighting, held: Incident) -> bool:
    return one.seen.window == held.window


def _same_version(one: Sighting, held: Incident) -> bool:
    return one.seen.version == held.version


def unjudged(found: Mapping[str, list[Sighting]]) -> list[str]:
    """Return, in words, which changes could not be judged for want of a figure to compare with."""
    lacking = {
        f"{one.rule.name}: no figure of {one.seen.subject} to compare {one.seen.metric} with"
        for looks in found.values()
        for one in looks
        if one.rule.condition.sort is Sort.CHANGE
        and one.limit is None
        and one.seen.status is not ObservationStatus.NOT_COMPUTABLE
    }
    return sorted(lacking)


def _reference(conn: Connection, rule: Rule, seen: Observation) -> float | None:
    """Return the figure that a change is relative to; None where there is none."""
    if rule.condition.sort is not Sort.CHANGE:
        return None
    if rule.against is not None:
        return _past(conn, seen, rule.against)
    held = _of_version(conn, seen)
    return held if held is not None else _past(conn, seen, _PAST)


def _of_version(conn: Connection, seen: Observation) -> float | None:
    if seen.kind is not SubjectKind.MODEL or seen.version is None:
        return None
    try:
        version = versions.get(conn, seen.subject, seen.version)
    except UnknownName:
        return None
    return version.metrics.get(seen.metric.rpartition(".")[2])


def _past(conn: Connection, seen: Observation, span: timedelta) -> float | None:
    """Return the median of the figures of a past span, those of the same window only."""
    past = observations.history(
        conn,
        seen.subject,
        seen.metric,
        feature=seen.feature,
        environment=seen.environment,
        since=seen.at - span,
    )
    figures = [
        one.value
        for one in past
        if one.at < seen.at and one.window == seen.window and one.value is not None
    ]
    return statistics.median(figures) if len(figures) >= _ENOUGH else None
