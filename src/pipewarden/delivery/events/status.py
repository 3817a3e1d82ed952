"""How each event target is: where it stands, what it lacks, and what it answered last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipewarden.core.outages.breaker import Breaker, BreakerState, Policy
from pipewarden.delivery.events.enabled import options_of
from pipewarden.settings import Settings
from pipewarden.store.state import outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.delivery import targets as places, undelivered
from pipewarden.store.state.delivery.undelivered import Fortune


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStatus:
    """One target as the database knows it; nothing is asked of the target itself.

    Parameters
    ----------
    kind
        Empty for one that the settings do not enable (any more).
    cursor
        The number up to which it needs no further look at the outbox.
    behind
        How many events come after that.
    behind_since
        When the first of them happened.
    waiting, dead
        How many it lacks although the cursor has passed them.
    delivered
        Deliveries confirmed in all.
    breaker, failures, retry_at
        Whether it is sent to, after how many failures, and when it is tried again.
    last_error, last_error_at, last_success_at
        What it answered last, and when.
    served_by
        The relay that holds its lease at present.
    """

    name: str
    kind: str
    enabled: bool
    cursor: int
    behind: int
    behind_since: datetime | None
    waiting: int
    dead: int
    delivered: int
    breaker: BreakerState
    failures: int
    retry_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    last_success_at: datetime | None
    served_by: str | None


def statuses(database: Database, settings: Settings, now: datetime) -> list[TargetStatus]:
    """Return every target that is enabled or was ever sent to, in order of their names.

    Parameters
    ----------
    now
        UTC and aware.

    Raises
    ------
    InvalidSettings
        An enabled target's settings do not hold.
    """
    kinds = {name: options_of(name, held).kind for name, held in settings.events.targets.items()}
    found = []
    with database.read() as conn:
        known, counts = places.known(conn), undelivered.counts(conn)
        for name in sorted({*kinds, *known}):
            state = known.get(name) or places.TargetState(name=name)
            backlog = outbox.backlog(conn, state.cursor)
            leased = state.lease_expires_at is not None and state.lease_expires_at > now
            breaker = Breaker(state.failures, state.retry_at)
            found.append(
                TargetStatus(
                    name=name,
                    kind=kinds.get(name, ""),
                    enabled=name in kinds,
                    cursor=state.cursor,
                    behind=backlog.events,
                    behind_since=backlog.oldest_at,
                    waiting=counts.get((name, Fortune.WAITING), 0),
                    dead=counts.get((name, Fortune.DEAD), 0),
                    delivered=state.delivered,
                    breaker=breaker.state(now, Policy()),
                    failures=state.failures,
                    retry_at=state.retry_at,
                    last_error=state.last_error,
                    last_error_at=state.last_error_at,
                    last_success_at=state.last_success_at,
                    served_by=state.lease_owner if leased else None,
                )
            )
    return found
