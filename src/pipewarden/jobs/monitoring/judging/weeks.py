"""Forecasts beside the weeks that became true since: a rolling window of labels, by series.

A forecast's label is the amount of one of its weeks: of the newest that had begun at the label's
own time, else of the first. So each forecast is judged by one week, and a series by one a week.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipewarden.core.monitoring.observations import Observation
from pipewarden.jobs.monitoring.judging import answers, windows
from pipewarden.jobs.monitoring.judging.answered import Judging
from pipewarden.jobs.monitoring.judging.labelled import tightened
from pipewarden.jobs.monitoring.judging.windows import Reach
from pipewarden.store.state.monitoring import labels
from pipewarden.store.state.monitoring.labels import Labelled
from pipewarden.store.state.monitoring.windows import Stream

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Every look at new weeks has an observation of it; over how many weeks it reaches.
MARK, WINDOW = "forecast.mase", "13w"
_WEEKS = 13
_BACK = timedelta(weeks=_WEEKS)
_SEASON = 52


def due(conn: Connection, stream: Stream, reach: Reach) -> list[Labelled]:
    """Return the weeks of the window, if one became true since it was looked at last."""
    last = windows.last_mark(conn, stream, WINDOW, MARK)
    begin = datetime.fromisoformat(str(last["until"])) if "until" in last else reach.begin

    def arrived(since: datetime, limit: int) -> list[Labelled]:
        found = labels.arrived(
            conn, stream.model, stream.environment, since=since, until=reach.now,
            version=stream.version, role=stream.role, limit=limit,
        )  # fmt: skip
        return list(found)

    return newest(arrived(reach.now - _BACK, reach.rows)) if arrived(begin, 1) else []


def newest(rows: list[Labelled]) -> list[Labelled]:
    """Return those of the newest weeks, as many as the window has: many may come at once."""
    named = [(week_of(row).get("ds"), row) for row in rows]
    weeks = sorted({week for week, _ in named}, key=_order)[-_WEEKS:]
    return [row for week, row in named if week in weeks]


def _order(week: Any) -> tuple[int, str]:
    """Return by what weeks are sorted: days as ISO text, or whole numbers."""
    return (week, "") if isinstance(week, int) else (0, str(week))


def observed(
    judging: Judging, rows: list[Labelled], until: datetime, *, alpha: float
) -> list[Observation]:
    """Return how good the forecasts were on the weeks of the window.

    Parameters
    ----------
    alpha
        The chance of a breach where nothing changed.
    """
    from pipewarden.monitoring.performance.dropping import DropRules, judge
    from pipewarden.monitoring.performance.forecasting import of_forecasts, within_promise
    from pipewarden.monitoring.performance.observing import About, observed as told

    place = judging.subject.deployment
    about = About(
        check_id=judging.sheet.check_id,
        at=judging.sheet.at,
        model=place.model,
        environment=place.environment,
        version=place.version,
        window=WINDOW,
        beside={"labels": len(rows)},
    )
    figures = of_forecasts(_forecasts(judging, rows))
    mark = {"since": (until - _BACK).isoformat(), "until": until.isoformat()}
    rules = DropRules(alpha=alpha)
    judged = within_promise(judge(figures, judging.subject.at_training, rules))
    found = told(judged, about)
    return [replace(tightened(judging, o), evidence={**o.evidence, **mark}) for o in found]


def week_of(row: Labelled) -> Mapping[str, Any]:
    """Return the step of a forecast that its label is of; empty where it has none."""
    steps = [one for one in row.answer.get("steps", ()) if isinstance(one, Mapping)]
    begun = [one for one in steps if (day := _day(one.get("ds"))) and day <= row.label_at.date()]
    return (begun or steps[:1] or [{}])[-1]


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _forecasts(judging: Judging, rows: list[Labelled]) -> Any:
    import numpy as np

    from pipewarden.monitoring.performance.forecasting import Forecasts

    weeks = [week_of(row) for row in rows]
    level = next((float(row.inputs["level"]) for row in rows if "level" in row.inputs), 80.0)

    def column(name: str) -> Any:
        return np.array([answers.as_number(week.get(name)) for week in weeks], dtype=np.float64)

    tail = judging.subject.tail
    return Forecasts(
        actual=np.array([answers.as_number(row.label) for row in rows], dtype=np.float64),
        forecast=column("y_hat"),
        low=column(f"lo_{level:g}"),
        high=column(f"hi_{level:g}"),
        level=level / 100,
        naive=np.array([_naive(tail, week.get("ds")) for week in weeks], dtype=np.float64),
        scale=_scale(tail),
    )


def _naive(tail: Mapping[str, float], ds: Any) -> float:
    """Return what was sold in the same week a year before, else in the last week of training."""
    day = _day(ds)
    before = None if day is None else str(day - timedelta(weeks=_SEASON))
    if before is not None and before in tail:
        return tail[before]
    return next(reversed([*tail.values()]), math.nan)


def _scale(tail: Mapping[str, float]) -> float | None:
    """Return the mean absolute error of the naive forecast in training."""
    values = list(tail.values())
    lag = _SEASON if len(values) > 2 * _SEASON else 1
    steps = [abs(b - a) for a, b in zip(values, values[lag:], strict=False)]
    known = [step for step in steps if math.isfinite(step)]
    return sum(known) / len(known) if known else None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
