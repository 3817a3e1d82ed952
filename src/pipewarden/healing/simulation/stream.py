"""A stream of requests and late labels out of a world, in simulated time or as fast as it goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from pipewarden.healing.simulation.fronts import Front, report_of
from pipewarden.healing.simulation.people import Borrower, borrower
from pipewarden.healing.simulation.worlds import Conditions, World

_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is simulated.

    Parameters
    ----------
    rows_a_day
        Requests, spread evenly over the hours.
    shift_day
        The day on which the world begins to change; the first is 0.
    delay_hours
        After how long a label comes.
    labelled
        Share of the requests that ever get one.
    """

    world: World
    rows_a_day: int = 480
    shift_day: float = 5.0
    delay_hours: float = 12.0
    labelled: float = 1.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class _Due:
    at: datetime
    prediction: str
    fails: bool


@dataclass(slots=True)
class Stream:
    """The stream: asks hour by hour, and tells what became true when it is due.

    Parameters
    ----------
    begin
        The beginning of day 0; UTC.
    live
        Whether labels are told with the present time of ``begin``: the clock of whoever is asked
        does not follow the simulation.
    """

    plan: Plan
    front: Front
    model: str
    begin: datetime
    live: bool = False
    asked: int = 0
    told: int = 0
    hour: int = 0
    _random: Random = field(init=False)
    _due: deque[_Due] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        self._random = Random(self.plan.seed)  # noqa: S311 - a simulation, no secret

    @property
    def day(self) -> float:
        """Days since the beginning."""
        return self.hour / _HOURS

    @property
    def at(self) -> datetime:
        """The time of the next hour."""
        return self.begin + timedelta(hours=self.hour)

    def next_hour(self) -> None:
        """Ask what is asked in one hour, and tell what has become due in it."""
        at = self.at
        conditions = self.plan.world(self.day - self.plan.shift_day)
        people = [borrower(self._random, conditions) for _ in range(self._number())]
        if people:
            ids = self.front.predict(self.model, [one.features for one in people])
            self.asked += len(people)
            for one, prediction in zip(people, ids, strict=True):
                self._expect(one, prediction, conditions, at)
        due = []
        while self._due and self._due[0].at <= at:
            one_due = self._due.popleft()
            when = self.begin if self.live else one_due.at
            due.append(report_of(one_due.prediction, int(one_due.fails), when))
        self.front.report(due)
        self.told += len(due)
        self.hour += 1

    def days(
        self,
        number: float,
        set_clock: Callable[[datetime], None] = lambda _: None,
        after_hour: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Let days pass.

        Parameters
        ----------
        set_clock
            Called with the time before each hour.
        after_hour
            Called with the number of the hour that has passed: the time for whoever watches.
        """
        for _ in range(round(number * _HOURS)):
            set_clock(self.at)
            self.next_hour()
            after_hour(self.hour)

    def _number(self) -> int:
        """Return how many ask in this hour: the day's number, spread without a remainder."""
        place, rows = self.hour % _HOURS, self.plan.rows_a_day
        return rows * (place + 1) // _HOURS - rows * place // _HOURS

    def _expect(self, one: Borrower, prediction: str, conditions: Conditions, at: datetime) -> None:
        draw, flip = self._random.random(), self._random.random()
        if not prediction or draw >= self.plan.labelled:
            return
        fails = one.fails != (flip < conditions.flipped)
        self._due.append(_Due(at + timedelta(hours=self.plan.delay_hours), prediction, fails))
