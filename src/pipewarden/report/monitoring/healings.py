"""The report of a healing: why it was decided, every step with its time, and the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipewarden.core.healing.states import ENDS, Healing, HealingState
from pipewarden.core.monitoring.observations import Observation
from pipewarden.report.charts import Mark, Series, line_chart
from pipewarden.report.wording import moment, value_in_words

if TYPE_CHECKING:
    from markupsafe import Markup

#: Lines of evidence of one step, at most; the rest is in what `heal status --json` prints.
_LINES = 60
_MARKED = {"decided", "trying", "promoting", "rolling_back", *map(str, ENDS)}
_GOOD = (HealingState.KEPT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingFacts:
    """A healing, and what stands about it elsewhere.

    Parameters
    ----------
    steps
        Of each act in the ledger: when, which, and why; the oldest first.
    figures
        The past of the figure that asked for it, the oldest first.
    """

    healing: Healing
    steps: Sequence[tuple[datetime, str, str]]
    figures: Sequence[Observation] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingView:
    """The whole page."""

    name: str
    tone: str
    headline: str
    summary: str
    reason: str
    steps: Sequence[tuple[str, str, str]]
    evidence: Sequence[tuple[str, Sequence[tuple[str, str]], int]] = field(default_factory=tuple)
    chart: Markup | None = None


def healing_view(facts: HealingFacts) -> HealingView:
    """Return what the page of a healing says."""
    held = facts.healing
    tone = "warn" if not held.state.ended else "bad" if held.state.lost else "idle"
    candidate = "" if held.candidate is None else f", candidate version {held.candidate}"
    what = "decided not to act" if held.state is HealingState.DECLINED else _words(held.state)
    times = "" if held.times == 1 else f", {held.times} times until {_time(held.last_at)}"
    return HealingView(
        name=held.name,
        tone="good" if held.state in _GOOD else tone,
        headline=f"{held.model} in {held.environment}: {what}",
        summary=(
            f"decided {_time(held.opened_at)}{times} by {held.actor}, because of "
            f"{held.trigger}; champion version {held.champion}{candidate}"
        ),
        reason=held.reason,
        steps=[(_time(at), _words(act), why) for at, act, why in facts.steps],
        evidence=list(_evidence({"decision": held.decision, **held.facts})),
        chart=_chart(facts),
    )


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _time(at: datetime) -> str:
    return moment(at.isoformat())


def _evidence(
    facts: Mapping[str, Any],
) -> Iterator[tuple[str, Sequence[tuple[str, str]], int]]:
    """Yield what each step found: its name, its lines, and how many are left out."""
    for name, value in facts.items():
        lines = list(_lines("", value))
        if lines:
            yield _words(name), lines[:_LINES], max(0, len(lines) - _LINES)


def _lines(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the leaves of plain values, each with its path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _lines(f"{path} · {_words(name)}" if path else _words(name), inner)
    elif isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        for number, inner in enumerate(value, start=1):
            yield from _lines(f"{path} {number}".strip(), inner)
    elif isinstance(value, (list, tuple)):
        if value:
            yield path, "; ".join(map(value_in_words, value))
    elif value is not None and value != "":
        yield path, value_in_words(value)


def _chart(facts: HealingFacts) -> Markup | None:
    """Return the past of the figure that asked for it, each version a line, the steps marked."""
    from markupsafe import Markup

    known = [one for one in facts.figures if one.value is not None]
    if len(known) < 2:
        return None
    last = known[-1]
    serving = sorted({one.version for one in known if one.version is not None})
    nothing = float("nan")
    series = [
        Series(
            name=f"version {version}",
            points=[
                (one.at, nothing if one.version != version or one.value is None else one.value)
                for one in known
            ],
        )
        for version in serving
    ]
    marks = [Mark(at=at, text=_words(act)) for at, act, _ in facts.steps if act in _MARKED]
    limit = next((one.threshold for one in known if one.threshold is not None), None)
    if limit is not None:
        marks.append(Mark(at=limit, text="limit", axis="y"))
    title = f"{last.metric} {last.feature}".strip()
    return Markup(line_chart(series, marks=marks, title=title))  # noqa: S704 - it escapes
