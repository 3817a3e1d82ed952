"""What jobs need and may be gone for a while: waited for behind a breaker that health can show."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from pipewarden.core.outages.breaker import Breaker, BreakerState, Policy
from pipewarden.errors import DependencyUnavailable

#: How soon a database, a broker, or a registry that does not answer is tried again.
DATABASE = Policy(first_delay=0.5, longest_delay=10.0, open_after=3)
BROKER = Policy(first_delay=0.4, longest_delay=5.0, open_after=3)
REGISTRY = Policy(first_delay=5.0, longest_delay=300.0, open_after=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How something that jobs need has been lately.

    Parameters
    ----------
    state
        Whether it is asked.
    since
        When it first did not answer, UTC and aware; None while it does.
    failures
        Tries that failed in a row.
    """

    state: BreakerState = BreakerState.CLOSED
    since: datetime | None = None
    failures: int = 0


class Dependency:
    """Something outside that this process needs; any thread may tell how it is.

    Parameters
    ----------
    clock
        Gives the present time, UTC and aware.
    policy
        How soon it is tried again.
    random
        Gives a number from 0 up to 1.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        policy: Policy = DATABASE,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._random = random
        self._breaker = Breaker()
        self._since: datetime | None = None
        self._lock = Lock()

    @property
    def standing(self) -> Standing:
        """How it is now."""
        with self._lock:
            state = self._breaker.state(self._clock(), self._policy)
            return Standing(state=state, since=self._since, failures=self._breaker.failures)

    def failed(self) -> float:
        """Take note that it did not answer; return the seconds to leave it alone."""
        now = self._clock()
        with self._lock:
            self._since = self._since or now
            self._breaker = self._breaker.after_failure(now, self._policy, self._random)
            assert self._breaker.retry_at is not None
            return (self._breaker.retry_at - now).total_seconds()

    def answered(self) -> float | None:
        """Take note that it answers; return for how many seconds it did not, None if it did."""
        with self._lock:
            since, self._since, self._breaker = self._since, None, Breaker()
        return None if since is None else (self._clock() - since).total_seconds()


_met: dict[str, Dependency] = {}
_meeting = Lock()


def dependency(name: str, clock: Callable[[], datetime], policy: Policy = DATABASE) -> Dependency:
    """Return what this process knows of a dependency; one that is new counts as well."""
    with _meeting:
        return _met.setdefault(name, Dependency(clock, policy))


def breakers() -> Mapping[str, Standing]:
    """Return how each thing is that jobs of this process have needed, by its name."""
    with _meeting:
        met = dict(_met)
    return {name: held.standing for name, held in met.items()}


class Outages:
    """Waits for the database of a running job, as long as that is of use.

    Parameters
    ----------
    database
        What is known of it.
    patience
        Seconds of an outage after which the job is given up; it can be resumed.
    clock, sleep
        The present time, UTC and aware; and what waits.
    tell
        Is told, once each, when the database goes and when it comes.
    """

    def __init__(
        self,
        database: Dependency,
        patience: float,
        clock: Callable[[], datetime],
        tell: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._patience = patience
        self._clock = clock
        self._tell = tell
        self._sleep = sleep
        self._reached = -1

    def outlast(self, error: DependencyUnavailable, again: Callable[[], int]) -> None:
        """Return when the database answers again.

        A database that answers and then fails at the same point again and again, nothing decided
        between, is one outage, and is tried less and less often.

        Parameters
        ----------
        error
            How it failed.
        again
            Tries it, and returns how many items of the job are decided.

        Raises
        ------
        DependencyUnavailable
            Patience is over.
        """
        self._tell(f"{error.message}; the job waits for it, and nothing is lost")
        while True:
            seconds = self._database.failed()
            since = self._database.standing.since or self._clock()
            if (self._clock() - since).total_seconds() + seconds > self._patience:
                raise error
            self._sleep(seconds)
            try:
                reached = again()
            except DependencyUnavailable as still:
                error = still
                continue
            break
        gone = (self._clock() - since).total_seconds()
        if reached > self._reached:
            self._database.answered()
            self._reached = reached
        self._tell(f"the state database answers again after {gone:.0f} s; the job goes on")
