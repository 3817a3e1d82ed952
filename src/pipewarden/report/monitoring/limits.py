"""The report of recommended limits: each past, and what every candidate would have done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.report.charts import Dot, Mark, Series, line_chart, scatter
from pipewarden.report.wording import amount, count, moment

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What one limit would have done.

    Parameters
    ----------
    called
        ``recommended``, ``in force``, or empty.
    """

    limit: float
    false_alarms: float
    caught: float
    delay: float | None
    called: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFacts:
    """One figure: its past, what was tried, what is recommended and why.

    Parameters
    ----------
    anomalies
        When the past was unlike what came before.
    """

    metric: str
    subject: str
    of: str
    number: int
    series: Sequence[tuple[datetime, float]]
    candidates: Sequence[Candidate] = ()
    best: float | None = None
    warn: float | None = None
    present: float | None = None
    anomalies: Sequence[datetime] = ()
    reason: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsFacts:
    """What the past says of every figure."""

    at: datetime
    days: float
    cost: float
    figures: Sequence[LimitFacts] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureView:
    """One figure on the page."""

    title: str
    of: str
    meaning: str
    reason: str
    command: str
    anomalies: str
    rows: Sequence[tuple[str, str, str, str, str]]
    charts: Sequence[Markup]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsView:
    """The whole page."""

    headline: str
    summary: str
    figures: Sequence[FigureView]
    silent: Sequence[tuple[str, str]]


def limits_view(facts: LimitsFacts) -> LimitsView:
    """Return what the page says: figures with a recommendation, then those without, and why."""
    able = [one for one in facts.figures if one.best is not None]
    return LimitsView(
        headline=f"{count(len(able), 'limit')} can be recommended",
        summary=f"From {facts.days:g} days before {moment(facts.at.isoformat())}; a false alarm at "
        f"{facts.cost:.2%} of figures at most. Nothing is in force until somebody puts it there.",
        figures=[_figure(one) for one in able],
        silent=[
            (f"{one.metric} of {one.subject} {one.of}".strip(), one.reason)
            for one in facts.figures
            if one.best is None
        ],
    )


def _figure(one: LimitFacts) -> FigureView:
    from markupsafe import Markup

    unit = METRICS[one.metric].unit
    shown = "" if unit == "1" else unit
    marks = [
        Mark(at=limit, text=name, axis="y")
        for limit, name in ((one.best, "recommended"), (one.present, "in force"))
        if limit is not None
    ]
    past = line_chart(
        [Series(name=one.metric, points=list(one.series))], marks=marks, title="The past",
        y_label=shown,
    )  # fmt: skip
    dots = [Dot(x=100 * each.false_alarms, y=100 * each.caught) for each in one.candidates]
    traded = scatter(
        dots, joined=True, title="What each limit costs and catches",
        x_label="false alarms, % of figures", y_label="caught, %",
    )  # fmt: skip
    return FigureView(
        title=f"{one.metric} of {one.subject}",
        of=one.of,
        meaning=METRICS[one.metric].meaning,
        reason=one.reason,
        command=one.command,
        anomalies=_anomalies(one.anomalies),
        rows=[_row(each, shown) for each in one.candidates],
        charts=[Markup(chart) for chart in (past, traded)],  # noqa: S704 - charts escape
    )


def _row(each: Candidate, unit: str) -> tuple[str, str, str, str, str]:
    return (
        amount(float(each.limit), unit),
        f"{each.false_alarms:.2%}",
        f"{each.caught:.0%}",
        "" if each.delay is None else f"{each.delay:g}",
        each.called,
    )


def _anomalies(times: Sequence[datetime]) -> str:
    if not times:
        return ""
    last = moment(times[-1].isoformat())
    return f"{count(len(times), 'figure')} unlike what came before, the last at {last}; left out"
