"""Made-up books and what is sold of them a week, in worlds that change: a table that grows.

Each book has a level, a season of a year and chance of its own. What is drawn for a week depends on
the seed, the book and the week alone: a table that is written again later has the same past.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random

from pipewarden.errors import UnknownName

#: The first week, of which a Saturday is the last day.
FIRST = date(2023, 7, 8)
_SEASON, _GRADUAL, _RECURRING = 52.0, 13.0, 8
HEADER = ("ISBN", "End Date", "Volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How a book sells in one week; by default as it always did.

    Parameters
    ----------
    level
        So many times as much.
    season
        Its season is so many weeks later.
    unit
        Amounts as they arrive, times this: something upstream counts in another unit.
    missing
        Share of the weeks that do not arrive.
    """

    level: float = 1.0
    season: float = 0.0
    unit: float = 1.0
    missing: float = 0.0


#: Weeks since the change → how the books sell that change.
SalesWorld = Callable[[int], Demand]
USUAL = Demand()


def _after(changed: Demand) -> SalesWorld:
    return lambda weeks: changed if weeks >= 0 else USUAL


def _gradual(weeks: int) -> Demand:
    return Demand(level=1 + 0.8 * min(1.0, max(0.0, (weeks + 1) / _GRADUAL)))


def _recurring(weeks: int) -> Demand:
    other = weeks >= 0 and weeks // _RECURRING % 2 == 0
    return Demand(level=1.8) if other else USUAL


#: Every world by its name.
SALES_WORLDS: Mapping[str, SalesWorld] = {
    "stable": lambda _: USUAL,
    "level-shift": _after(Demand(level=1.8)),
    "gradual": _gradual,
    "seasonal": _after(Demand(season=_SEASON / 2)),
    "recurring": _recurring,
    "broken-unit": _after(Demand(unit=1 / 12)),
    "missing-weeks": _after(Demand(missing=0.5)),
}


def sales_world(name: str) -> SalesWorld:
    """Return a world of books.

    Raises
    ------
    UnknownName
        There is none of this name.
    """
    found = SALES_WORLDS.get(name)
    if found is None:
        raise UnknownName(
            f"there is no world {name!r} of sales",
            next_step=f"known: {', '.join(sorted(SALES_WORLDS))}",
        )
    return found


@dataclass(frozen=True)
class Shelf:
    """Books, of which some change.

    Parameters
    ----------
    books
        How many.
    changed
        How many of them live in the world; for the others nothing changes.
    shift_week
        The week in which the world begins to change; the first is 0.
    """

    world: SalesWorld
    books: int = 200
    changed: int = 20
    shift_week: int = 104
    seed: int = 7

    @cached_property
    def names(self) -> list[str]:
        """The ISBN of each book, in order; the digits that are left over add up as they must."""
        random = self._random("names")
        stems = random.sample(range(10**8), self.books)
        return sorted(isbn(stem) for stem in stems)

    @cached_property
    def changing(self) -> frozenset[str]:
        """The books that change."""
        return frozenset(self._random("changing").sample(self.names, self.changed))

    @cached_property
    def _usual(self) -> dict[str, tuple[float, float, float]]:
        """Level, swing and phase of the season of each book."""
        draws = ((name, self._random(name)) for name in self.names)
        return {
            name: (40 * math.exp(own.uniform(0, 2)), own.uniform(0.05, 0.25), own.uniform(0, 52))
            for name, own in draws
        }

    def sold(self, name: str, week: int) -> int | None:
        """Return what arrives of a book and a week; None where nothing does."""
        if (name, week) not in self._known:
            self._known[name, week] = self._drawn(name, week)
        return self._known[name, week]

    @cached_property
    def _known(self) -> dict[tuple[str, int], int | None]:
        """What was drawn already: a table that grows has the same past each time."""
        return {}

    def _drawn(self, name: str, week: int) -> int | None:
        level, swing, phase = self._usual[name]
        now = self.world(week - self.shift_week) if name in self.changing else USUAL
        drawn = self._random(f"{name}/{week}")
        if drawn.random() < now.missing:
            return None
        turn = 2 * math.pi * (week - phase - now.season) / _SEASON
        demand = level * now.level * (1 + swing * math.sin(turn)) * (1 + drawn.gauss(0, 0.08))
        return max(0, round(demand * now.unit))

    def rows(self, weeks: int) -> Iterator[tuple[str, str, int]]:
        """Yield what is known after so many weeks, book by book."""
        for name in self.names:
            for week in range(weeks):
                sold = self.sold(name, week)
                if sold is not None:
                    yield name, (FIRST + timedelta(weeks=week)).isoformat(), sold

    def table(self, weeks: int) -> bytes:
        """Return it as CSV, as the pipeline reads it."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(self.rows(weeks))
        return text.getvalue().encode()

    def _random(self, what: str) -> Random:
        return Random(f"{self.seed}/{what}")  # noqa: S311 - a simulation, no secret


def isbn(stem: int) -> str:
    """Return the ISBN-13 of eight digits, with its check digit (ISO 2108)."""
    digits = f"9790{stem:08d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
