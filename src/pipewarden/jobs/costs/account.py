"""What `pipewarden cost` tells: plain values, made by `summing` and `advising`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipewarden.core.costs.advice import Advice
from pipewarden.core.costs.figures import Prices, Totals, Used
from pipewarden.core.costs.fitting import Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was not done because nothing had changed.

    Parameters
    ----------
    skipped
        Items passed over, in all runs of the period.
    each
        CPU seconds that an item of the pipeline took on average; None where none was ever measured.
    models
        Whether the items are fits of models.
    """

    skipped: int
    each: float | None
    models: bool

    @property
    def cpu_seconds(self) -> float:
        """The CPU seconds that it would have taken; 0 where that is not known."""
        return self.skipped * (self.each or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What the runs of a period would take with more items each, or why that cannot be told.

    Parameters
    ----------
    reason
        Why there is no forecast; empty where there is one.
    most
        The CPU seconds that it takes at most: as if nothing were fixed.
    runs, largest
        What it rests on: how many runs, and the items of the largest.
    cost
        In money; None without prices.
    """

    reason: str
    most: float
    runs: int
    largest: int
    cpu: Forecast | None = None
    memory: Forecast | None = None
    stored: Forecast | None = None
    cost: Forecast | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineCost:
    """What the runs of one pipeline took, in the period and in the one before."""

    name: str
    now: Totals
    before: Totals
    saved: Saved
    grown: Grown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What one model took: its fits, which are part of its pipeline's runs, and its healings.

    Parameters
    ----------
    healing_seconds
        CPU seconds of its healings themselves, without the runs of their candidates.
    """

    name: str
    pipeline: str
    fits: int
    fit_seconds: float
    object_bytes: int
    healings: int
    healing_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingCost:
    """What one healing took.

    Parameters
    ----------
    own
        What it did itself.
    run_id, run
        The run that trained its candidate, and what that took; it is counted with its pipeline.
    shared
        How many healings of the period that run was for.
    """

    name: str
    model: str
    state: str
    own: Used
    run_id: str
    run: Used | None
    shared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that is told of a period.

    Parameters
    ----------
    days
        Its length; that of the period before is the same.
    now, before
        All runs and healings.
    parts
        CPU seconds in each eighth of the period, in order of time.
    database
        How large the state database was at the first and at the last end of a run; None unknown.
    volume, level
        What was forecast, and the level of its intervals; None: nothing.
    unknown
        Runs of the period of whose items nothing is kept any more.
    """

    since: datetime
    until: datetime
    days: float
    prices: Prices
    pipelines: Sequence[PipelineCost]
    models: Sequence[ModelCost]
    healings: Sequence[HealingCost]
    now: Totals
    before: Totals
    parts: Sequence[float]
    database: tuple[int, int] | None
    volume: float | None
    level: float
    advice: Sequence[Advice]
    unknown: int
