"""Windows: which rows are looked at together, by the hours, by count, or by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows that are looked at together.

    Parameters
    ----------
    name
        Such as ``24h``, ``n=2000``, or the batch's own.
    rows
        Their places in what was given, ascending by time.
    since, until
        From when on, and up to but without when, the window reaches; of a window by count or batch
        the times of its first and its last row.
    """

    name: str
    rows: tuple[int, ...]
    since: datetime
    until: datetime


def by_hours(times: Sequence[datetime], hours: int) -> Iterator[Window]:
    """Yield windows of so many hours, counted from midnight UTC where a day divides by them.

    A window without rows between two with rows is yielded too: nothing came is a fact.

    Raises
    ------
    ValueError
        ``hours`` is not at least 1, or a time has no zone.
    """
    if hours < 1:
        raise ValueError(f"a window lasts at least an hour, not {hours}")
    length = timedelta(hours=hours)
    groups: dict[int, list[int]] = {}
    for row in _in_order(times):
        groups.setdefault((times[row] - _EPOCH) // length, []).append(row)
    if not groups:
        return
    for number in range(min(groups), max(groups) + 1):
        since = _EPOCH + number * length
        rows = tuple(groups.get(number, ()))
        yield Window(name=f"{hours}h", rows=rows, since=since, until=since + length)


def last_hours(times: Sequence[datetime], hours: int, now: datetime) -> Window:
    """Return the window of the last so many hours before ``now``, which it leaves out.

    Raises
    ------
    ValueError
        ``hours`` is not at least 1, or a time has no zone.
    """
    if hours < 1:
        raise ValueError(f"a window lasts at least an hour, not {hours}")
    since = now - timedelta(hours=hours)
    rows = tuple(row for row in _in_order(times) if since <= times[row] < now)
    return Window(name=f"{hours}h", rows=rows, since=since, until=now)


def by_count(times: Sequence[datetime], count: int) -> Iterator[Window]:
    """Yield windows of exactly so many rows, in the order of time; what is left over is left out.

    Raises
    ------
    ValueError
        ``count`` is not at least 1, or a time has no zone.
    """
    if count < 1:
        raise ValueError(f"a window has at least one row, not {count}")
    ordered = _in_order(times)
    for start in range(0, len(ordered) - count + 1, count):
        yield _spanning(f"n={count}", ordered[start : start + count], times)


def by_batch(times: Sequence[datetime], batches: Iterable[str]) -> Iterator[Window]:
    """Yield a window for each batch, in the order of their first rows.

    Parameters
    ----------
    batches
        Name of the batch of each row.

    Raises
    ------
    ValueError
        There are not as many names as times, or a time has no zone.
    """
    names = list(batches)
    if len(names) != len(times):
        raise ValueError(f"{len(names)} names of batches for {len(times)} rows")
    groups: dict[str, list[int]] = {}
    for row in _in_order(times):
        groups.setdefault(names[row], []).append(row)
    for name, rows in groups.items():
        yield _spanning(name, rows, times)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _in_order(times: Sequence[datetime]) -> list[int]:
    """Return the places of times, the earliest first; of equal ones the first that was given."""
    if any(time.tzinfo is None for time in times):
        raise ValueError("a time has no zone")
    return sorted(range(len(times)), key=times.__getitem__)


def _spanning(name: str, rows: Sequence[int], times: Sequence[datetime]) -> Window:
    return Window(name=name, rows=tuple(rows), since=times[rows[0]], until=times[rows[-1]])
