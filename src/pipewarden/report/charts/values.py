"""What a chart is given: values, without a word on how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

#: A place on the x axis: a number, or a day or instant (naive instants are drawn as they are).
Place: TypeAlias = float | date | datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A named line. A point whose value is not a finite number leaves a gap.

    Parameters
    ----------
    quiet
        Draw it thin and dashed, as something to compare with.
    """

    name: str
    points: Sequence[tuple[Place, float]]
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A named area between a lower and an upper bound: an interval, a range."""

    name: str
    points: Sequence[tuple[Place, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A straight line across the chart: a threshold on ``y``, an event on ``x``."""

    at: Place
    text: str
    axis: Literal["x", "y"] = "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A labelled bar, and its interval where it has one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point; its area is drawn in proportion to ``weight``."""

    x: float
    y: float
    weight: float = 1.0
