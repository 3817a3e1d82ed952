"""The end of a run as it is printed: what became of the items, where all is, what is next."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.app.cli.output.terminal import say, say_facts, say_next, say_table
from pipewarden.report.account import ending, proof, summary
from pipewarden.report.untrusted import clipped, shell_line, visible
from pipewarden.report.wording import count, duration

if TYPE_CHECKING:
    from pipewarden.jobs.run import RunReport
    from pipewarden.report.facts import ItemFacts, ReportFacts

#: How many items a summary names; the report has them all.
_NAMED = 8
_MESSAGE = 160


def say_outcome(report: RunReport) -> None:
    """Print how a run ended, for a person."""
    facts = report.facts
    words, tone = ending(facts)
    say(f"{words} in {duration(facts['run']['seconds'])}: run {report.run_id}", tone=tone)
    say(summary(facts))
    say(proof(facts["totals"]).sentence)
    for notice in facts["notices"]:
        say(f"note: {visible(notice)}")
    _say_items("Quarantined", facts["quarantined"]["items"], facts["quarantined"]["omitted"])
    unasked = [row for row in facts["deferred"]["items"] if not _asked(row.get("reason", ""))]
    _say_items("Deferred", unasked)
    if facts["totals"]["seen"] != facts["totals"]["skipped"]:
        say()
        say_facts(_places(report))
    say_next(next_commands(facts))


def _asked(reason: str) -> bool:
    """Say whether an item waits only because the whole run was stopped or limited."""
    return reason in ("aborted", "over the limit") or reason.endswith(" requested")


def _say_items(title: str, items: list[ItemFacts], omitted: int = 0) -> None:
    rows = items[:_NAMED]
    if not rows:
        return
    say()
    say(title, tone="head")
    cells = [
        (
            visible(row["key"]),
            visible(row.get("reason", "")),
            visible(clipped(" ".join(row.get("message", "").split()), _MESSAGE)),
        )
        for row in rows
    ]
    say_table(("item", "reason", "message"), cells)
    more = len(items) - len(rows) + omitted
    if more:
        say(f"… and {count(more, 'more item')}")


def _places(report: RunReport) -> Mapping[str, str]:
    run, totals = report.facts["run"], report.facts["totals"]
    return {
        "outputs": shown(run["output_dir"]),
        "quarantine": shown(run["quarantine_dir"]) if totals["quarantined"] else "",
        "report": shown(report.paths["markdown"]),
        "as HTML": shown(report.paths["html"]),
        "as JSON": shown(report.paths["json"]),
    }


def shown(path: Path | str) -> str:
    """Return a path, relative to the working directory where it lies below it."""
    return visible(str(path).removeprefix(f"{Path.cwd()}{os.sep}"))


def next_commands(facts: ReportFacts) -> dict[str, str]:
    """Return what can be typed after a run: command → purpose."""
    run, totals = facts["run"], facts["totals"]
    run_id = run["id"]
    commands: dict[str, str] = {}
    if run["status"] in ("PAUSED", "CANCELLED"):
        commands[f"pipewarden jobs resume {run_id}"] = "go on where it stopped"
    if totals["quarantined"]:
        key = facts["quarantined"]["items"][0]["key"]
        words = ["pipewarden", "quarantine", "show", run_id, key]
        commands[shell_line(words)] = "why this item failed, and what was made of it"
        commands[f"pipewarden quarantine list --run {run_id}"] = "everything this run quarantined"
    waiting = facts["plan"].get("rejected", 0) + facts["plan"].get("failed", 0)
    if waiting and not totals["quarantined"]:
        words = ["pipewarden", "quarantine", "list", "--source", shown(run["source"])]
        commands[shell_line(words)] = f"{count(waiting, 'item')} of earlier runs, still there"
    return commands
