"""What jobs need and may be gone for a while: waited for behind a breaker that health can show."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pipewarden.core.outages.breaker import Breaker, BreakerState, Policy
from pipewarden.errors import DependencyUnavailable, StorageUnavailable
from pipewarden.store.state.database import Database
from pipewarden.store.state.service import beside, breakers as kept
from pipewarden.store.state.service.breakers import SHARED, BreakerRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

#: How soon a database, a broker, or a registry that does not answer is tried again.
DATABASE = Policy(first_delay=0.5, longest_delay=10.0, open_after=3)
BROKER = Policy(first_delay=0.4, longest_delay=5.0, open_after=3)
REGISTRY = Policy(first_delay=5.0, longest_delay=300.0, open_after=3)
#: Of what other processes are told by name; that the database does not answer, by a file.
POLICIES = {"database": DATABASE, "broker": BROKER, "registry": REGISTRY}
#: Seconds after which what a process said is not said any more.
SILENT = 60.0


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

    def row(self, owner: str, name: str, job_id: str = "") -> BreakerRow | None:
        """Return how it is as others are told it; None while it answers."""
        with self._lock:
            if not self._breaker.failures:
                return None
            return BreakerRow(
                owner=owner,
                name=name,
                job_id=job_id,
                failures=self._breaker.failures,
                retry_at=self._breaker.retry_at,
                since=self._since,
                told_at=self._clock(),
            )

    def recall(self, row: BreakerRow | None) -> None:
        """Take over what another process has told of it; None: it answered."""
        with self._lock:
            self._breaker = Breaker() if row is None else row.breaker
            self._since = None if row is None else row.since

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


class Telling:
    """Tells other processes what the job that runs here waits for, whenever that has changed.

    Parameters
    ----------
    owner, job_id
        The process, and the job.
    folder
        Where others look for what the database cannot be told; None tells nobody.
    """

    def __init__(self, owner: str, job_id: str, folder: Path | None = None) -> None:
        self._owner, self._job_id, self._folder = owner, job_id, folder
        self._told: dict[str, int] = {}

    def changed(self) -> bool:
        """Whether others would be told something new."""
        return {row.name: row.failures for row in self._rows()} != self._told

    def tell(self, conn: Connection) -> None:
        """Tell how it is; with a heartbeat also what is as it was, which others forget in time."""
        rows = self._rows()
        if rows or self._told:
            kept.tell(conn, self._owner, rows)
        self._told = {row.name: row.failures for row in rows}

    def tell_beside(self, database: Dependency) -> None:
        """Tell how the database is, in a file, for the database itself cannot be told.

        A disk that takes no file keeps no job from waiting: the log of the job says the same.
        """
        if self._folder is None:
            return
        row = database.row(self._owner, "database", self._job_id)
        try:
            if row is None:
                beside.forget(self._folder, self._owner)
            else:
                beside.tell(self._folder, row)
        except (StorageUnavailable, OSError) as error:
            log.warning("health cannot be told what the job waits for: %s", error)

    def end(self, database: Database) -> None:
        """Take back what was told: the job waits no more."""
        if self._folder is not None:
            with suppress(OSError):  # nobody believes it once this process has ended
                beside.forget(self._folder, self._owner)
        if self._told:
            with suppress(DependencyUnavailable), database.write() as conn:
                kept.tell(conn, self._owner, ())
            self._told = {}

    def _rows(self) -> list[BreakerRow]:
        with _meeting:
            broker = _met.get("broker")
        row = None if broker is None else broker.row(self._owner, "broker", self._job_id)
        return [] if row is None else [row]


@contextmanager
def shared(database: Database, name: str, clock: Callable[[], datetime]) -> Iterator[Dependency]:
    """Give a dependency that all processes know together, and keep what becomes of it here.

    A job is run by a process of its own, so that what one learns would else be of no use to the
    next.
    """
    held = dependency(name, clock, POLICIES[name])
    with database.read() as conn:
        rows = {row.name: row for row in kept.known(conn) if row.owner == SHARED}
    held.recall(rows.get(name))
    before = held.standing.failures
    yield held
    if held.standing.failures != before:
        row = held.row(SHARED, name)
        with database.write() as conn:
            kept.tell(conn, SHARED, [] if row is None else [row])


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
    changed
        Called whenever something else is known of it.
    """

    def __init__(
        self,
        database: Dependency,
        patience: float,
        clock: Callable[[], datetime],
        tell: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._changed = changed
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
            self._changed()
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
            self._changed()
            self._reached = reached
        self._tell(f"the state database answers again after {gone:.0f} s; the job goes on")
