"""What a decision rests on: figures that were measured, and what happened before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipewarden.core.healing.states import Trigger
from pipewarden.core.monitoring.observations import Observation, ObservationStatus


class Performance(StrEnum):
    """What is known of how good the answers are."""

    HOLDS = "holds"
    BREACHED = "breached"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One figure that asks for something.

    Parameters
    ----------
    metric
        The name of the figure; see the catalogue of metrics.
    since
        When it was first beyond its limit, without a break until now.
    words
        The figure and its limit, as a person reads them.
    """

    trigger: Trigger
    metric: str
    words: str
    at: datetime
    since: datetime
    value: float | None = None
    threshold: float | None = None
    feature: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        held = {name: getattr(self, name) for name in Signal.__slots__}
        return held | {
            "trigger": str(self.trigger),
            "at": self.at.isoformat(),
            "since": self.since.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known when it is decided whether to act; all times are UTC.

    Parameters
    ----------
    serving, serving_since
        The version in use, and since when; None where nothing serves.
    previous
        The version that a rollback would bring back; None where there is none.
    performance, performance_words
        How good the serving version's answers are, and the figures of it.
    fresh
        Whether the model was checked lately enough to act on what was found.
    since
        From when on rows show the world as it is now.
    labelled
        Labelled predictions since then.
    positives
        Of a yes or no, how many of the rarer kind; None of anything else.
    learns
        Whether its family can train and compare on labelled predictions.
    open_healing
        The healing of the model that goes on; None where none does.
    last_ended, last_lost
        When the last healing ended, and whether it had helped.
    begun_in_period
        Healings within the days of the budget.
    lost_in_a_row
        Healings that ended without having helped, since the last that did.
    promoted_at, promotion_cooldown_days
        When a version was last promoted, and how long the environment wants none after that.
    paused
        Who paused the healing and why; empty where it is not paused.
    comparison
        The version before, beside the one that serves, on the same labelled rows: ``better`` says
        whether it is surely better; None where they were not compared.
    """

    model: str
    environment: str
    at: datetime
    serving: int | None
    serving_since: datetime | None = None
    previous: int | None = None
    signals: tuple[Signal, ...] = ()
    performance: Performance = Performance.UNKNOWN
    performance_words: str = ""
    fresh: bool = True
    since: datetime | None = None
    labelled: int = 0
    positives: int | None = None
    learns: bool = True
    open_healing: int | None = None
    last_ended: datetime | None = None
    last_lost: bool = False
    begun_in_period: int = 0
    lost_in_a_row: int = 0
    promoted_at: datetime | None = None
    promotion_cooldown_days: float = 0.0
    paused: str = ""
    comparison: Mapping[str, Any] | None = field(default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain values, without what is unknown."""
        held = {name: getattr(self, name) for name in Facts.__slots__}
        plain = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in held.items()
            if value is not None and value != ""
        }
        return plain | {
            "signals": [signal.as_dict() for signal in self.signals],
            "performance": str(self.performance),
        }


#: What a figure of this metric, beyond its limit, is taken for; the longest beginning counts.
_MEANS: Mapping[str, Trigger] = {
    "drift.concept": Trigger.PERFORMANCE,
    "drift.": Trigger.DRIFT,
    "performance.": Trigger.PERFORMANCE,
    "estimated.": Trigger.PERFORMANCE,
    "forecast.": Trigger.PERFORMANCE,
}


def trigger_of(metric: str) -> Trigger | None:
    """Return what a breach of a metric asks for; None: nothing that healing a model could give."""
    found = [start for start in _MEANS if metric.startswith(start)]
    return _MEANS[max(found, key=len)] if found else None


def signal_of(newest: Observation, since: datetime) -> Signal | None:
    """Return the signal that a figure is; None where it asks for nothing.

    Parameters
    ----------
    newest
        The newest figure of its metric and feature.
    since
        When the unbroken row of breaches began that it ends.
    """
    trigger = trigger_of(newest.metric)
    if newest.status is not ObservationStatus.BREACH or trigger is None:
        return None
    return Signal(
        trigger=trigger,
        metric=newest.metric,
        feature=newest.feature,
        value=newest.value,
        threshold=newest.threshold,
        at=newest.at,
        since=since,
        words=figure_words(newest),
    )


def figure_words(one: Observation) -> str:
    """Return a figure as a person reads it."""
    name = f"{one.metric} of {one.feature}" if one.feature else one.metric
    if one.value is None:
        return f"{name}: {one.reason or 'not computable'}"
    limit = "" if one.threshold is None else f", limit {one.threshold:.4g}"
    rows = "" if one.sample is None else f", {one.sample:,} rows"
    return f"{name} {one.value:.4g}{limit}{rows} at {one.at:%Y-%m-%d %H:%M}"
