"""When the next request may leave: the rate limit, the back-off, and ``Retry-After``."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the client sees it; a test puts its own in."""

    #: Seconds that never go backwards.
    monotonic: Callable[[], float] = time.monotonic
    #: Blocks for that many seconds.
    sleep: Callable[[float], None] = time.sleep
    #: The date, to read a ``Retry-After`` that names one.
    now: Callable[[], datetime] = _utc_now


@dataclass(slots=True)
class RateLimiter:
    """Spaces requests evenly, so that no second ever holds more than the limit.

    Spacing is stricter than a bucket of tokens: it allows no burst, which is what trips a limit
    that the server counts over windows of its own.
    """

    requests_per_second: float
    clock: Clock
    _next: float = field(default=float("-inf"), init=False)

    def wait(self) -> None:
        """Block until a request may leave, and count it."""
        while (now := self.clock.monotonic()) < self._next:
            self.clock.sleep(self._next - now)
        self._next = now + 1.0 / self.requests_per_second


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with jitter: half of each wait is fixed, half is drawn.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    #: The first wait and the longest, in seconds.
    first: float = 1.0
    longest: float = 60.0
    #: Draws from [0, 1).
    draw: Callable[[], float] = random.random

    def seconds(self, failures: int) -> float:
        """Return the wait after that many failures in a row (1 or more)."""
        whole = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        return whole * (0.5 + 0.5 * self.draw())


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return the wait that a ``Retry-After`` header asks for (RFC 9110, section 10.2.3).

    Parameters
    ----------
    value
        A number of seconds or an HTTP date; None or anything else gives None.
    now
        The time to count a date from.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
