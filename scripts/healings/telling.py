"""What happened in a laboratory, day by day: its page, and its timeline as a drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipewarden.core.monitoring.observations import Observation
from pipewarden.healing.simulation.clock import BEGIN
from pipewarden.healing.simulation.worlds import USUAL
from pipewarden.report.charts import Band, Mark, Series, as_file, line_chart
from pipewarden.store.state import ledger
from pipewarden.store.state.models import versions
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from draw import Scenario

AUC, DRIFTED = "performance.auc", "drift.observed_share"
#: The acts of a healing that are drawn, and what they are called there.
MARKED = {
    "decided": "detected",
    "declined": "decided not to act",
    "retraining": "retrained",
    "trying": "canary",
    "promoting": "promoted",
    "kept": "kept",
    "rejected": "rejected",
    "rolled_back": "rolled back",
}
HEAD = "<!-- Written by 'make healing-pages' from what happened; edit the script instead. -->\n\n"
_PLAYED = (
    "It is played in simulated time, through the real desk, log, monitor, jobs, gates and "
    "deployments, by `{test}` in [{file}](../../../tests/acceptance/healing/{file}). How the loop "
    "works: [Watch and heal](../watch-and-heal.md)."
)
#: Of an AUC axis that nothing falls below.
_LEAST, _STEP, NAN = 0.5, 0.25, float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened; all places in time are days since the model began to serve.

    Parameters
    ----------
    auc, drifted
        Day → the live AUC of the version that served, and the share of columns that drifted.
    acts
        Day and name of each act of a healing.
    seen
        Day and words of each decision and step.
    changed
        The days, in quarters, each with whether the world was another than usual.
    alerts
        Rule and metric → how many alerts they raised, each of a feature of its own.
    ends, serving
        Version → its status in the end, and which serves then.
    """

    auc: Mapping[int, Observation]
    drifted: Mapping[int, Observation]
    acts: Sequence[tuple[float, str]]
    seen: Sequence[tuple[float, str]]
    changed: Sequence[tuple[float, bool]]
    alerts: Mapping[tuple[str, str], int]
    ends: Mapping[int, str]
    serving: int
    days: int


def timeline_of(lab: Any) -> Timeline:
    """Gather what happened in a laboratory."""
    with lab.workspace.database.read() as conn:
        auc, drifted = (
            {round(_day(one.at)): one for one in observations.history(conn, "credit", metric)}
            for metric in (AUC, DRIFTED)
        )
        acts = [
            (_day(datetime.fromisoformat(one.ts)), one.action.removeprefix("healing."))
            for one in ledger.entries(conn)
            if one.action.startswith("healing.")
        ]
        ends = {one.version: str(one.status) for one in versions.listed(conn, model="credit")}
    days = round(lab.day)
    places = [number * _STEP for number in range(round(days / _STEP) + 1)]
    world, shift = lab.plan.world, lab.plan.shift_day
    return Timeline(
        auc=auc,
        drifted=drifted,
        acts=acts,
        seen=lab.seen,
        changed=[(place, world(place - shift) != USUAL) for place in places],
        alerts=Counter((one.rule, one.metric) for one in lab.alerts()),
        ends=dict(sorted(ends.items())),
        serving=lab.serving(),
        days=days,
    )


def _day(at: datetime) -> float:
    return (at - BEGIN).total_seconds() / 86_400


def page_of(scenario: Scenario, told: Timeline, oracle: float | None) -> tuple[str, str]:
    """Return the page of a scenario, and its drawing."""
    file, test = scenario.test
    says = _described(told, oracle)
    parts = [
        f"{HEAD}# {scenario.title}",
        scenario.world,
        f"![Timeline: {says}]({scenario.name}.svg)",
        scenario.end,
        *([] if oracle is None else [f"The oracle's AUC is {oracle:.4f}."]),
        "## Day by day",
        "\n".join(_table(told)),
        "In bold: beyond its limit, by more than chance explains, and for long enough.",
        "## What it came to",
        "\n".join(_came_to(told)),
        _PLAYED.format(file=file, test=test),
    ]
    return "\n\n".join(parts) + "\n", as_file(_drawn(scenario, told, oracle, says)) + "\n"


def _described(told: Timeline, oracle: float | None) -> str:
    values = [one.value for one in told.auc.values() if one.value is not None]
    acts = ", ".join(f"{words} on day {day:.0f}" for day, words in _marked(told))
    beside = "" if oracle is None else f"; the oracle's is {oracle:.2f}"
    return (
        f"the live AUC of the version that serves is between {min(values):.2f} and "
        f"{max(values):.2f} over {told.days} days{beside}; {acts or 'nothing was done'}"
    )


def _marked(told: Timeline) -> list[tuple[float, str]]:
    """Return the acts that are drawn, those of one day together."""
    of_days: dict[float, list[str]] = {}
    for day, act in told.acts:
        held = of_days.setdefault(round(day), [])
        if act in MARKED and MARKED[act] not in held:
            held.append(MARKED[act])
    of_days.update({round(day): ["forced"] for day, words in told.seen if words[:6] == "forced"})
    return [(day, ", ".join(words)) for day, words in sorted(of_days.items()) if words]


def _drawn(scenario: Scenario, told: Timeline, oracle: float | None, says: str) -> str:
    measured = [(float(day), one) for day, one in sorted(told.auc.items()) if one.value is not None]
    series = [
        Series(
            name=f"version {version}",
            points=[(d, _of(one, version)) for d, one in measured],
        )
        for version in sorted({one.version for _, one in measured if one.version is not None})
    ]
    lowest = min([_LEAST, *(one.value for _, one in measured if one.value is not None)])
    limit = measured[0][1].threshold
    marks = [Mark(at=float(day), text=words) for day, words in _marked(told)]
    if limit is not None:
        marks.append(Mark(at=limit, text=f"limit of version {measured[0][1].version}", axis="y"))
    if oracle is not None:
        first = next(place for place, changed in told.changed if changed)
        line = [(first, oracle), (float(told.days), oracle)]
        series.append(Series(name="oracle", points=line, quiet=True))
    area = [(at, *((lowest, 1.0) if changed else (NAN, NAN))) for at, changed in told.changed]
    bands = [Band(name="the world has changed", points=area)]
    return line_chart(
        series,
        bands=bands if any(changed for _, changed in told.changed) else (),
        marks=marks,
        title=scenario.title,
        x_label="simulated day",
        y_label="AUC of the answers of the day before, as labels came",
        description=says,
    )


def _of(one: Observation, version: int) -> float:
    return NAN if one.value is None or one.version != version else one.value


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def _table(told: Timeline) -> Iterator[str]:
    yield "| day | answered | AUC (limit) | columns that drift (limit) | what was decided, why |"
    yield "|---|---|---|---|---|"
    days = {*told.auc, *told.drifted, *(round(day) for day, _ in told.seen)}
    for day in sorted(days):
        auc, drifted = told.auc.get(day), told.drifted.get(day)
        serves = next((str(one.version) for one in (auc, drifted) if one is not None), "")
        words = "<br>".join(_words([text for at, text in told.seen if round(at) == day]))
        yield f"| {day} | {serves} | {_figure(auc, 4)} | {_figure(drifted, 2)} | {words} |"


def _figure(one: Observation | None, digits: int) -> str:
    if one is None or one.value is None:
        return "" if one is None else one.reason.replace("|", "/")
    limit = "" if one.threshold is None else f" ({one.threshold:.{digits}f})"
    figure = f"{one.value:.{digits}f}"
    return f"{f'**{figure}**' if one.status == 'breach' else figure}{limit}"


def _words(seen: Sequence[str]) -> Iterator[str]:
    """Yield lines, the steps of one way in one of them."""
    way: list[str] = []
    for text in seen:
        if text.startswith("→ "):
            way.append(text.removeprefix("→ ").replace("_", " "))
            continue
        if way:
            yield f"→ {' → '.join(way)}"
            way = []
        name, _, rest = text.partition(": ")
        yield f"**{name.replace('_', ' ')}**: {rest.replace('|', '/')}"


def _came_to(told: Timeline) -> Iterator[str]:
    for version, status in told.ends.items():
        yield f"- Version {version} {'serves, and ' if version == told.serving else ''}is {status}."
    if not told.alerts:
        yield "- No alert was raised by the rules of the package."
    for (rule, metric), times in sorted(told.alerts.items()):
        raised = "1 alert" if times == 1 else f"{times} alerts"
        yield f"- {raised} of the rule `{rule}` about `{metric}`."
