"""Names of predictions: UUIDs of version 7, which sort in the order in which they were made."""

from __future__ import annotations

import threading
from collections.abc import Callable

_VERSION, _VARIANT = 0x7, 0b10
#: Bits that are random at first, and count up within a millisecond.
_TAIL = 74
#: How far apart two ids of one millisecond are at most: nobody guesses the next.
_STEP = 32


class PredictionIds:
    """Makes UUIDv7 (RFC 9562, section 5.7), each greater than the one before.

    Within a millisecond, and where the clock steps back, the random part is counted up by a random
    step (section 6.2, method 2).

    Parameters
    ----------
    milliseconds
        Gives the milliseconds since 1970.
    random
        Gives so many random bits.
    """

    def __init__(self, milliseconds: Callable[[], int], random: Callable[[int], int]) -> None:
        self._milliseconds = milliseconds
        self._random = random
        self._lock = threading.Lock()
        self._at = -1
        self._tail = 0

    def take(self, number: int) -> list[str]:
        """Return so many ids, in order."""
        with self._lock:
            now = self._milliseconds()
            return [self._next(now) for _ in range(number)]

    def _next(self, now: int) -> str:
        if now > self._at:
            self._at, self._tail = now, self._random(_TAIL - 1)  # room to count up
        else:
            self._tail += 1 + self._random(_STEP)
            if self._tail >> _TAIL:
                self._at, self._tail = self._at + 1, self._random(_TAIL - 1)
        high, low = self._tail >> 62, self._tail & ((1 << 62) - 1)
        whole = (self._at << 80) | (_VERSION << 76) | (high << 64) | (_VARIANT << 62) | low
        text = f"{whole:032x}"  # a third of the time that uuid.UUID takes to write it
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
