"""What the page of a check says, in its order: what needs somebody first, then everything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.report.charts import Bar, Mark, Series, bars, line_chart, sparkline
from pipewarden.report.monitoring.facts import ORDER, CheckFacts, key_of
from pipewarden.report.wording import amount, count, moment

if TYPE_CHECKING:
    from markupsafe import Markup

TONES = {
    ObservationStatus.OK: "good",
    ObservationStatus.WARN: "warn",
    ObservationStatus.BREACH: "bad",
    ObservationStatus.NOT_COMPUTABLE: "idle",
}
WORDS = {
    ObservationStatus.OK: "ok",
    ObservationStatus.WARN: "warning",
    ObservationStatus.BREACH: "breach",
    ObservationStatus.NOT_COMPUTABLE: "not computable",
}
#: Cards with a chart, and bars of one chart, at most.
_CARDS, _BARS = 40, 20
_KINDS = {
    SubjectKind.MODEL: "Models",
    SubjectKind.PIPELINE: "Pipelines",
    SubjectKind.SERVICE: "Services",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure as a line of a table, or as a card."""

    subject: str
    metric: str
    meaning: str
    of: str
    value: str
    limit: str
    status: str
    tone: str
    reason: str
    sample: str
    chart: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All figures of one subject."""

    title: str
    id: str
    tone: str
    summary: str
    rows: Sequence[Row]
    charts: Sequence[Markup] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The whole page."""

    check_id: str
    at: str
    tone: str
    headline: str
    summary: str
    totals: Sequence[tuple[int, str, str]]
    failures: Sequence[tuple[str, str]]
    cards: Sequence[Row]
    left_out: int
    sections: Sequence[tuple[str, Sequence[Group]]]


def view_of(facts: CheckFacts) -> View:
    """Return what the page of a check says."""
    counts = facts.counts
    urgent = [*facts.of(ObservationStatus.BREACH), *facts.of(ObservationStatus.WARN)]
    tone, headline = _headline(facts)
    figures = count(len(facts.standing), "figure")
    subjects = len({(one.subject, one.environment) for one in facts.standing})
    return View(
        check_id=facts.check_id,
        at=moment(facts.at.isoformat()),
        tone=tone,
        headline=headline,
        summary=f"{figures} of {count(subjects, 'subject')}, as of {moment(facts.at.isoformat())}",
        totals=[(counts[status], WORDS[status], TONES[status]) for status in ORDER],
        failures=list(facts.failures.items()),
        cards=[_row(facts, one, large=True) for one in urgent[:_CARDS]],
        left_out=max(0, len(urgent) - _CARDS),
        sections=[
            (title, list(_groups(facts, kind)))
            for kind, title in _KINDS.items()
            if any(one.kind is kind for one in facts.standing)
        ],
    )


def _headline(facts: CheckFacts) -> tuple[str, str]:
    counts = facts.counts
    if number := counts[ObservationStatus.BREACH]:
        return "bad", f"{count(number, 'figure')} beyond its limit" if number == 1 else (
            f"{count(number, 'figure')} beyond their limits"
        )
    if facts.failures:
        return "warn", f"{count(len(facts.failures), 'part')} could not be checked"
    if number := counts[ObservationStatus.WARN]:
        return "warn", f"{count(number, 'warning')}"
    return "good", "Everything that could be checked is well"


def _groups(facts: CheckFacts, kind: SubjectKind) -> Iterator[Group]:
    held = sorted(
        (one for one in facts.standing if one.kind is kind),
        key=lambda one: (one.subject, one.environment, ORDER.index(one.status), one.metric),
    )
    for number, ((subject, environment), members) in enumerate(
        groupby(held, key=lambda one: (one.subject, one.environment))
    ):
        every = list(members)
        worst = every[0].status
        version = next((f" version {one.version}" for one in every if one.version is not None), "")
        place = f" in {environment}" if environment else ""
        counted = [(sum(one.status is s for one in every), WORDS[s]) for s in ORDER]
        yield Group(
            title=f"{subject}{version}{place}",
            id=f"{kind}-{number}",
            tone=TONES[worst],
            summary=", ".join(f"{n} {words}" for n, words in counted if n),
            rows=[_row(facts, one) for one in every],
            charts=list(_drift_charts(every)),
        )


def _row(facts: CheckFacts, one: Observation, *, large: bool = False) -> Row:
    metric = METRICS.get(one.metric)
    unit = "" if metric is None or metric.unit == "1" else metric.unit
    of = " · ".join(text for text in (one.feature, one.window) if text)
    place = f" in {one.environment}" if one.environment else ""
    return Row(
        subject=f"{one.subject}{place}",
        metric=one.metric,
        meaning=metric.meaning if metric else "",
        of=of,
        value=amount(one.value, unit) if one.value is not None else "",
        limit=amount(one.threshold, unit) if one.threshold is not None else "",
        status=WORDS[one.status],
        tone=TONES[one.status],
        reason=one.reason,
        sample=f"{one.sample:,}" if one.sample is not None else "",
        chart=_past(facts, one, unit, large=large),
    )


def _past(facts: CheckFacts, one: Observation, unit: str, *, large: bool) -> Markup | None:
    from markupsafe import Markup

    past = facts.past.get(key_of(one), ())
    if len(past) < 2:
        return None
    name = f"{one.metric} {one.feature}".strip()
    if not large:
        return Markup(sparkline([value for _, value in past], title=f"{name}, past"))  # noqa: S704
    marks = []
    if one.threshold is not None and math.isfinite(one.threshold):
        marks = [Mark(at=one.threshold, text="limit", axis="y")]
    chart = line_chart(
        [Series(name=name, points=list(past))], marks=marks, title=name, y_label=unit
    )
    return Markup(chart)  # noqa: S704 - the chart escapes what it is given


def _drift_charts(every: Sequence[Observation]) -> Iterator[Markup]:
    """Yield for each window the size of each column's difference from the baseline."""
    from markupsafe import Markup

    of_columns = [one for one in every if one.metric == "drift.feature" and one.value is not None]
    for window in dict.fromkeys(one.window for one in of_columns):
        held = sorted(
            (one for one in of_columns if one.window == window), key=lambda one: -(one.value or 0)
        )
        drawn = [Bar(label=one.feature, value=one.value or 0.0) for one in held[:_BARS]]
        floor = held[0].threshold
        marks = [] if floor is None else [Mark(at=floor, text="counts from here")]
        title = f"Difference of each column from the baseline, {window}"
        yield Markup(bars(drawn, marks=marks, title=title, x_label="effect size"))  # noqa: S704
