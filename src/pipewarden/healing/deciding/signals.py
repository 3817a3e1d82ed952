"""What asks for a healing: figures beyond their limits, the calendar, new rows, or a person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.healing.facts import Performance, Signal, figure_words, signal_of
from pipewarden.core.healing.states import Trigger
from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.state.monitoring import labels, observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: The figures that ask for healing, or speak against it; those of single columns do neither.
_WATCHED = tuple(
    name
    for name in METRICS
    if name in ("drift.observed_share", "drift.score", "drift.prior", "drift.concept")
    or name.startswith(("performance.", "estimated.", "forecast."))
)
_MEASURED = ("performance.", "forecast.")
#: Of each figure, so many of the newest are looked at for when it began to be wrong.
_DEEP = 300
#: Figures that are told as how good the answers are.
_SHOWN = 2
_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WINDOW = re.compile(r"([0-9.]+)([mhdw])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """That somebody asks for a healing.

    Parameters
    ----------
    reason
        In their words.
    """

    actor: str
    reason: str


def by_person(asked: Asked | None, at: datetime) -> list[Signal]:
    """Return what somebody asks for, if anybody does."""
    if asked is None:
        return []
    words = f"{asked.actor} asks for it: {asked.reason}"
    return [Signal(trigger=Trigger.MANUAL, metric="manual", words=words, at=at, since=at)]


def by_figures(figures: list[list[Observation]]) -> list[Signal]:
    """Return what figures beyond their limits ask for."""
    found = (signal_of(rows[-1], _began(rows)) for rows in figures)
    return [one for one in found if one is not None]


# ── figures ──────────────────────────────────────────────────────────────────────────────────────


def figures_of(
    conn: Connection, model: str, environment: str, version: int
) -> list[list[Observation]]:
    """Return each watched figure of a version over each window: its past, the newest last."""
    found: dict[tuple[str, str], list[Observation]] = {}
    for metric in _WATCHED:
        rows = observations.history(conn, model, metric, environment=environment, limit=_DEEP)
        for one in rows:
            if one.version in (None, version):
                found.setdefault((metric, one.window), []).append(one)
    return list(found.values())


def _began(rows: list[Observation]) -> datetime:
    """Return the beginning of the window in which the row of breaches that goes on began.

    A window by number or batch does not say by its name how far it reaches, and is judged some
    time after its end: what was observed of it says from when on.
    """
    first = rows[-1]
    for one in reversed(rows):
        if one.status is ObservationStatus.OK:
            break
        first = one
    if "since" in first.evidence:
        return datetime.fromisoformat(str(first.evidence["since"]))
    return first.at - _length(first.window)


def _length(window: str) -> timedelta:
    held = _WINDOW.fullmatch(window)
    return timedelta(seconds=float(held[1]) * _UNITS[held[2]]) if held else timedelta()


def performance(newest: Iterable[Observation]) -> tuple[Performance, str]:
    """Return whether the answers are as good as before, as far as labels show."""
    held = [one for one in newest if one.metric.startswith(_MEASURED)]
    known = [one for one in held if one.status is not ObservationStatus.NOT_COMPUTABLE]
    breached = [one for one in known if one.status is ObservationStatus.BREACH]
    shown = breached or known
    words = "; ".join(figure_words(one) for one in shown[:_SHOWN])
    if len(shown) > _SHOWN:
        words += f"; and {len(shown) - _SHOWN} more"
    if breached:
        return Performance.BREACHED, words
    return (Performance.HOLDS, words) if known else (Performance.UNKNOWN, words)


# ── triggers that are no figures ─────────────────────────────────────────────────────────────────


def by_calendar(
    version: ModelVersion,
    serving: Deployment,
    last_ended: datetime | None,
    policy: Policy,
    at: datetime,
) -> list[Signal]:
    """Return what an old version, or a long time without a change, asks for."""
    found = []
    last = max(filter(None, [last_ended, serving.started_at]), default=at)
    begun = {Trigger.AGE: version.created_at, Trigger.SCHEDULE: last}
    said = {Trigger.AGE: "version {0} is", Trigger.SCHEDULE: "the last change was"}
    for trigger, start in begun.items():
        limit = getattr(policy.triggers, trigger).days
        days = (at - start).total_seconds() / 86_400
        if limit is None or days < limit:
            continue
        words = f"{said[trigger].format(version.version)} {days:.1f} days old, limit {limit:g}"
        found.append(
            Signal(trigger=trigger, metric="model.age_days", words=words, at=at, since=start,
                   value=days, threshold=limit)
        )  # fmt: skip
    return found


def by_data(
    conn: Connection, version: ModelVersion, environment: str, policy: Policy, at: datetime
) -> list[Signal]:
    """Return what many new labels ask for."""
    limit = policy.triggers.data.rows
    if limit is None:
        return []
    counted = labels.counts(conn, version.model, environment, since=version.created_at, until=at)
    if counted.labelled < limit:
        return []
    words = f"{counted.labelled:,} labels came since version {version.version} was trained"
    return [
        Signal(trigger=Trigger.DATA, metric="labels", words=f"{words}, limit {limit:,}", at=at,
               since=version.created_at, value=counted.labelled, threshold=limit)
    ]  # fmt: skip
