"""How recommended limits, and those in force, are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.terminal import say, say_next, say_table
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count, moment

if TYPE_CHECKING:
    from pipewarden.monitoring.checks.sheet import Limit
    from pipewarden.report.monitoring.limits import LimitsFacts
    from pipewarden.store.state.monitoring.limits import AppliedLimit


def say_advice(facts: LimitsFacts, *, page: Path | None) -> None:
    """Print each recommendation with what it costs and catches."""
    able = [one for one in facts.figures if one.best is not None]
    if not facts.figures:
        say("Nothing was observed in that time.")
        return
    if able:
        say_table(
            ("metric", "subject", "of", "figures", "in force", "recommended", "why"),
            [
                (
                    one.metric,
                    visible(one.subject),
                    visible(one.of),
                    f"{one.number:,}",
                    _number(one.present),
                    _number(one.best),
                    visible(one.reason),
                )
                for one in able
            ],
            right=("figures", "in force", "recommended"),
        )
    silent = len(facts.figures) - len(able)
    none = f"; none for {count(silent, 'figure')}, whose past is not enough" if silent else ""
    say(f"{count(len(able), 'limit')} recommended{none}")
    if page is not None:
        say(f"the report is {visible(str(page))}")
    if able:
        say_next({able[0].command: "put the first one in force, on record"})


def advice_as_json(facts: LimitsFacts, *, page: Path | None) -> dict[str, Any]:
    """Return recommendations as plain values, without the past that they rest on."""
    figures = []
    for one in facts.figures:
        held = asdict(one)
        del held["series"]
        held["anomalies"] = [at.isoformat() for at in one.anomalies]
        figures.append(held)
    return {
        "at": facts.at.isoformat(),
        "days": facts.days,
        "false_alarms": facts.cost,
        "report": None if page is None else str(page),
        "figures": figures,
    }


def say_limits(usual: Mapping[str, Limit], applied: Sequence[AppliedLimit]) -> None:
    """Print every limit, and by whose word."""
    rows = [
        (visible(name), _number(held.warn), _number(held.breach), "settings", "")
        for name, held in sorted(usual.items())
    ]
    rows += [
        (
            visible(one.metric + (f"/{one.subject}" if one.subject else "")),
            _number(one.warn),
            _number(one.breach),
            visible(f"{one.actor}, {moment(one.at.isoformat())}"),
            visible(one.reason),
        )
        for one in applied
    ]
    say_table(("metric", "warn", "breach", "by", "why"), rows, right=("warn", "breach"))


def limits_as_json(usual: Mapping[str, Limit], applied: Sequence[AppliedLimit]) -> dict[str, Any]:
    """Return every limit as plain values."""
    settings = {name: {"warn": h.warn, "breach": h.breach} for name, h in sorted(usual.items())}
    return {"settings": settings, "applied": [applied_as_json(one) for one in applied]}


def say_applied(limit: AppliedLimit) -> None:
    """Print what is in force now."""
    name = visible(limit.metric + (f" of {limit.subject}" if limit.subject else ""))
    if limit.warn is None and limit.breach is None:
        say(f"{name}: the settings count again")
        return
    bounds = {"warning": limit.warn, "breach": limit.breach}
    words = ", ".join(
        f"{what} beyond {_number(at)}" for what, at in bounds.items() if at is not None
    )
    say(f"{name}: {words}, from the next check on")
    say_next({"pipewarden thresholds list": "every limit in force"})


def applied_as_json(limit: AppliedLimit) -> dict[str, Any]:
    """Return a limit as plain values."""
    return {name: getattr(limit, name) for name in type(limit).__slots__}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
