"""Counts of predictions and labels, and what came of a file of them, as they are printed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipewarden.app.cli.output.terminal import say, say_json, say_table
from pipewarden.jobs.monitoring.labels.counting import Counted, Statistics
from pipewarden.jobs.monitoring.labels.importing import Imported
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count

_COUNTS = ("predictions", "labelled", "repeated", "conflicting")
_TITLES = ("model", "environment", "version", "role", *_COUNTS, "coverage", "label age")


def say_statistics(held: Statistics, *, json: bool) -> None:
    """Print the counts of a window, one line a version and role."""
    if json:
        say_json(
            {
                "since": held.since,
                "until": held.until,
                "unknown_labels": held.unknown,
                "counted": [as_json(one) for one in held.counted],
            }
        )
        return
    if held.counted:
        rows = [_cells(one) for one in held.counted]
        say_table(_TITLES, rows, right=("version", *_COUNTS, "coverage", "label age"))
    else:
        say("No prediction was logged in that time.")
    if held.unknown:
        say(f"{count(held.unknown, 'label')} for predictions that are not logged; kept until then")


def as_json(one: Counted) -> dict[str, Any]:
    """Return the counts of a version and role as plain values."""
    return {
        "model": one.model,
        "environment": one.environment,
        **asdict(one.tally),
        "coverage": one.coverage,
        "label_age_hours": one.label_age_hours,
    }


def _cells(one: Counted) -> tuple[str, ...]:
    tally = one.tally
    coverage = "" if one.coverage is None else f"{one.coverage:.1%}"
    age = "" if one.label_age_hours is None else f"{one.label_age_hours:,.1f} h"
    counts = (f"{getattr(tally, name):,}" for name in _COUNTS)
    return (visible(one.model), visible(one.environment), str(tally.version), tally.role, *counts,
            coverage, age)  # fmt: skip


def say_imported(done: Imported, *, json: bool) -> int:
    """Print what came of a file's rows; return the exit code: 1 where one was refused."""
    code = int(done.refused > 0)
    if json:
        say_json(asdict(done))
        return code
    counts = ", ".join(f"{number:,} {name}" for name, number in done.counts.items() if number)
    say(f"{done.taken:,} of {count(done.rows, 'row')} taken{': ' if counts else ''}{counts}")
    for problem in done.problems:
        say(f"line {problem.line}: {visible(problem.message)}", tone="bad")
    if done.refused > len(done.problems):
        say(f"and {done.refused - len(done.problems):,} more", tone="bad")
    if done.refused:
        say(f"{count(done.refused, 'row')} refused", tone="bad")
    return code
