"""Which windows of a version are due: those that ended, once each, in their order.

What was judged last stands in the observations themselves. A monitor that was away does not judge
all that it missed, only the newest windows, as many as persistence looks at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import observations, windows
from pipewarden.store.state.monitoring.windows import Place, Stream

if TYPE_CHECKING:
    from sqlalchemy import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"(?P<number>[0-9.]+)(?P<unit>[mhd])")
#: The window of each request that brought enough predictions.
BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A window that ended and was not judged yet.

    Parameters
    ----------
    window
        As the settings name it.
    since, until
        The times that it spans.
    rows, total
        Its predictions, or some of them, drawn evenly; and how many there are.
    mark
        What observations of it carry as evidence, so that it is known for judged.
    beside
        Prediction → what a challenger that shadows answered to the same question.
    """

    window: str
    since: datetime
    until: datetime
    rows: Sequence[Prediction]
    total: int
    mark: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far windows may be looked for.

    Parameters
    ----------
    begin
        When the version began to serve: no window ends before.
    now
        No window ends after, less the time that predictions may take to be stored.
    rows
        Predictions read of a window at most.
    minimum
        Predictions that make a batch a window.
    newest
        How many windows of a kind are judged at once.
    """

    begin: datetime
    now: datetime
    rows: int
    minimum: int
    newest: int


def length_of(window: str) -> timedelta | None:
    """Return how long a window of time is; None for one by number or batch."""
    found = _TIME.fullmatch(window)
    return timedelta(**{_UNITS[found["unit"]]: float(found["number"])}) if found else None


def number_of(window: str) -> int | None:
    """Return how many predictions a window by number has; None for any other."""
    return int(window[2:]) if window.startswith("n=") else None


def due(conn: Connection, stream: Stream, window: str, metric: str, reach: Reach) -> Iterator[Due]:
    """Yield the windows of one kind that are due, the oldest first.

    Parameters
    ----------
    metric
        Of which every judged window has an observation.
    """
    last = last_mark(conn, stream, window, metric)
    if window == BATCH:
        yield from _batches(conn, stream, last, reach)
    elif (number := number_of(window)) is not None:
        yield from _by_number(conn, stream, window, number, last, reach)
    else:
        for since, until in spans(window, last, reach):
            rows, total = windows.between(conn, stream, since=since, until=until, limit=reach.rows)
            yield Due(
                window=window, since=since, until=until, rows=rows, total=total,
                mark={"since": since.isoformat(), "until": until.isoformat()},
            )  # fmt: skip


def last_mark(conn: Connection, stream: Stream, window: str, metric: str) -> Mapping[str, Any]:
    """Return the mark of the window of a kind that was judged last; empty where none was."""
    found = observations.newest(conn, stream, metric, window)
    return found[0].evidence if found else {}


def spans(
    window: str, last: Mapping[str, Any], reach: Reach
) -> Iterator[tuple[datetime, datetime]]:
    """Yield from when to when each window of time is that is due: they tile time from its epoch."""
    length = length_of(window)
    assert length is not None, f"{window} is no window of time"
    ended = _EPOCH + (reach.now - _EPOCH) // length * length
    known = datetime.fromisoformat(str(last["until"])) if "until" in last else reach.begin
    first = max(known, ended - reach.newest * length)
    until = _EPOCH + (first - _EPOCH) // length * length + length
    while until <= ended:
        yield until - length, until
        until += length


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _by_number(
    conn: Connection,
    stream: Stream,
    window: str,
    number: int,
    last: Mapping[str, Any],
    reach: Reach,
) -> Iterator[Due]:
    place = Place(at=reach.begin)
    if "until" in last:
        place = Place(at=datetime.fromisoformat(str(last["until"])), id=str(last.get("id", "")))
    found: list[list[Prediction]] = []
    while True:
        rows = windows.following(conn, stream, place, number)
        if len(rows) < number or rows[-1].at > reach.now:
            break
        found = [*found, rows][-reach.newest :]
        place = Place(at=rows[-1].at, id=rows[-1].id)
    for rows in found:
        first, end = rows[0], rows[-1]
        mark = {"since": first.at.isoformat(), "until": end.at.isoformat(), "id": end.id}
        yield Due(window=window, since=first.at, until=end.at, rows=rows, total=number, mark=mark)


def _batches(
    conn: Connection, stream: Stream, last: Mapping[str, Any], reach: Reach
) -> Iterator[Due]:
    begin = datetime.fromisoformat(str(last["since"])) if "since" in last else reach.begin
    found = [
        (name, since, until)
        for name, since, until in windows.requests(conn, stream, since=begin, rows=reach.minimum)
        if until <= reach.now and name != last.get("batch")
    ]
    for name, since, until in found[-reach.newest :]:
        rows, total = windows.of_request(conn, stream, name, since=since, limit=reach.rows)
        mark = {"since": since.isoformat(), "until": until.isoformat(), "batch": name}
        yield Due(window=BATCH, since=since, until=until, rows=rows, total=total, mark=mark)
