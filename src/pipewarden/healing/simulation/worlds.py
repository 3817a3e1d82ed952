"""Worlds: how the people who are asked about, and what becomes of them, change with time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipewarden.errors import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How a world is at one time; by default as it always was.

    Parameters
    ----------
    income
        All incomes times this.
    age
        All are older by so many years.
    debt
        All debts, in proportion to incomes, times this.
    lines
        All have so many more open lines and loans, on average.
    distress
        All are in more trouble by so many standard deviations.
    concept
        How far what makes people fail to pay has changed: 0 as before, 1 altogether.
    prior
        Log-odds that are added for everybody.
    missing
        Share of the incomes that are not told, beside the usual.
    unit
        Incomes as they arrive, times this: something upstream counts in another unit.
    flipped
        Share of the labels that arrive as the opposite.
    """

    income: float = 1.0
    age: float = 0.0
    debt: float = 1.0
    lines: float = 0.0
    distress: float = 0.0
    concept: float = 0.0
    prior: float = 0.0
    missing: float = 0.0
    unit: float = 1.0
    flipped: float = 0.0


#: Days since the change → how the world is.
World = Callable[[float], Conditions]
USUAL = Conditions()
#: Half as much income again, and older people, who have more of everything.
RICHER = Conditions(income=1.5, age=8, debt=1.3, lines=3)
_GRADUAL_DAYS, _YEAR = 14.0, 364.0


def _after(changed: Conditions) -> World:
    return lambda days: changed if days >= 0 else USUAL


def _gradual(days: float) -> Conditions:
    share = min(1.0, max(0.0, days / _GRADUAL_DAYS))
    return Conditions(concept=share, income=1 + 0.5 * share)


def _every(length: float) -> World:
    """Return a world that changes, and changes back, every so many days."""

    def now(days: float) -> Conditions:
        other = days >= 0 and int(days // length) % 2 == 0
        return Conditions(concept=1.0) if other else USUAL

    return now


def _seasonal(days: float) -> Conditions:
    wave = math.sin(2 * math.pi * days / _YEAR)
    return Conditions(prior=0.4 * wave, income=1 + 0.1 * wave)


#: Every world by its name.
WORLDS: Mapping[str, World] = {
    "stable": lambda _: USUAL,
    "covariate": _after(RICHER),
    "high-risk": _after(Conditions(distress=0.8)),
    "concept": _after(Conditions(concept=1.0)),
    "sudden": _after(replace(RICHER, concept=1.0)),
    "gradual": _gradual,
    "recurring": _every(7.0),
    "flapping": _every(1.5),
    "seasonal": _seasonal,
    "missing-feature": _after(Conditions(missing=1.0)),
    "broken-unit": _after(Conditions(unit=0.001)),
    "poisoned": _after(Conditions(flipped=1.0)),
}


def world_of(name: str) -> World:
    """Return a world.

    Raises
    ------
    UnknownName
        There is none of this name.
    """
    found = WORLDS.get(name)
    if found is None:
        raise UnknownName(
            f"there is no world {name!r}", next_step=f"known: {', '.join(sorted(WORLDS))}"
        )
    return found
