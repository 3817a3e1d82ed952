"""How often, and how soon, a receiver or another dependency that failed is tried again.

The breaker is a value: how many tries failed in a row, and when the next is due. That of a receiver
is kept in the database, so that a restart does not storm one that is down, and health can show it;
that of the database itself each process keeps for itself. The delay doubles with each failure, half
of it drawn at random, so that many senders do not return together (M. Brooker, "Exponential backoff
and jitter", AWS Architecture Blog, 2015). The three states are those of M. Nygard, "Release It!",
2nd edition, 2018, chapter 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: The longest that a receiver may ask to be left alone, in seconds.
_LONGEST_ASKED = 3_600.0
#: Beyond this doubling every delay is the longest anyhow.
_DOUBLINGS = 32


class BreakerState(StrEnum):
    """Whether a receiver is sent to."""

    #: It is.
    CLOSED = "closed"
    #: It failed too often and is left alone for a while.
    OPEN = "open"
    #: The while is over: a few things are tried, and decide.
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient the delivery to one receiver is.

    Parameters
    ----------
    first_delay, longest_delay
        Seconds before the second try, and before any.
    open_after
        Failures in a row that open the breaker.
    attempts
        How often one thing may be found at fault, while others get through, before it is dead.
    """

    first_delay: float = 1.0
    longest_delay: float = 300.0
    open_after: int = 5
    attempts: int = 8

    def delay(self, failures: int, random: Callable[[], float]) -> float:
        """Return the seconds to wait after so many failures in a row.

        Parameters
        ----------
        random
            Gives a number from 0 up to 1.
        """
        doubled = self.first_delay * 2.0 ** min(max(failures, 1) - 1, _DOUBLINGS)
        longest = min(doubled, self.longest_delay)
        return longest / 2 + longest / 2 * random()


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a receiver has been lately.

    Parameters
    ----------
    failures
        Tries that failed since the last that did not.
    retry_at
        When the next is due; None: at once.
    """

    failures: int = 0
    retry_at: datetime | None = None

    def state(self, now: datetime, policy: Policy) -> BreakerState:
        """Return the state at a time."""
        if self.failures < policy.open_after:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self.is_due(now) else BreakerState.OPEN

    def is_due(self, now: datetime) -> bool:
        """Whether the receiver may be tried."""
        return self.retry_at is None or self.retry_at <= now

    def after_failure(
        self,
        now: datetime,
        policy: Policy,
        random: Callable[[], float],
        retry_after: float | None = None,
    ) -> Breaker:
        """Return the breaker after one more failure.

        Parameters
        ----------
        random
            Gives a number from 0 up to 1.
        retry_after
            Seconds that the receiver asked for; it gets them, up to an hour.
        """
        failures = self.failures + 1
        asked = min(retry_after or 0.0, _LONGEST_ASKED)
        seconds = max(policy.delay(failures, random), asked)
        return Breaker(failures, now + timedelta(seconds=seconds))
