"""How far a sink is behind, looked up often: the spool is counted once, and then only what is new.

The files of a spool only grow at their ends and are sent from their beginnings, so the count of a
look holds for the next one but for what was added and what was sent in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from pipewarden.delivery.sinks.envelope import header_of
from pipewarden.delivery.sinks.spool import Place, Spool, whole_length

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits for a sink: lines of its spool, bytes, and since when (ISO-8601, or empty)."""

    documents: int = 0
    bytes: int = 0
    oldest: str = ""

    def seconds(self, now: datetime) -> float:
        """Return the age of the oldest; 0 where nothing waits, or it does not say."""
        try:
            return max(0.0, (now - datetime.fromisoformat(self.oldest)).total_seconds())
        except ValueError:
            return 0.0


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a file of the spool, and how many lines it holds."""

    start: int
    end: int
    lines: int


class SpoolLag:
    """The lag of one sink.

    Parameters
    ----------
    folder
        Of its spool; nothing there is changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spool = Spool(folder, file_bytes=0)
        self._counted: dict[int, _Part] = {}
        self._lock = Lock()

    def look(self) -> Lag:
        """Return how much waits now.

        Raises
        ------
        OSError
            A file cannot be read.
        StateDamaged
            The file that says how far the spool is sent does not read.
        """
        with self._lock:
            place = self._spool.cursor()
            parts = {
                number: self._part(number, path, place)
                for number, path in self._spool.files()
                if number >= place.file
            }
            self._counted = parts
            waiting = {number: part for number, part in parts.items() if part.lines}
            return Lag(
                sum(part.lines for part in waiting.values()),
                sum(part.end - part.start for part in waiting.values()),
                self._oldest(waiting),
            )

    def _part(self, number: int, path: Path, place: Place) -> _Part:
        start, end = (place.offset if number == place.file else 0), whole_length(path)
        known = self._counted.get(number)
        if known is None or not known.start <= start <= known.end <= end:
            return _Part(start, end, _lines(path, start, end))
        more = _lines(path, known.end, end) - _lines(path, known.start, start)
        return _Part(start, end, known.lines + more)

    def _oldest(self, waiting: dict[int, _Part]) -> str:
        for number, path in self._spool.files():
            if number not in waiting:
                continue
            try:
                with path.open("rb") as file:
                    file.seek(waiting[number].start)
                    return str(header_of(file.readline()).get("at", ""))
            except (FileNotFoundError, ValueError):  # sent meanwhile, or damaged
                continue
        return ""


def _lines(path: Path, start: int, end: int) -> int:
    """Return how many lines end within a part of a file; one that was removed has none."""
    found = 0
    try:
        with path.open("rb") as file:
            file.seek(start)
            while start < end:
                block = file.read(min(_BLOCK, end - start))
                if not block:
                    break
                found, start = found + block.count(b"\n"), start + len(block)
    except FileNotFoundError:
        return 0
    return found
