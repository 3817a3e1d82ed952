"""A plan as it is printed: how many items are in each state, and for each why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.outcome import shown
from pipewarden.app.cli.output.terminal import say, say_json, say_table
from pipewarden.core.items import Action, State
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count, moment

if TYPE_CHECKING:
    from pipewarden.core.items import Step
    from pipewarden.engine.planner import Planned

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:\+\d\d:\d\d|Z)")
_MEANING = {
    State.NEW: "not seen before",
    State.CHANGED: "the bytes differ from those processed",
    State.STALE: "the pipeline, its settings or its gate changed",
    State.OUTPUT_MISSING: "the published output is gone or was altered",
    State.FAILED: "errored; tried again while attempts are left",
    State.REJECTED: "in quarantine until something changes or a retry is asked for",
    State.MOVED: "same bytes under another name; the state is kept",
    State.DELETED: "the file is gone; --prune-deleted forgets it",
    State.ELSEWHERE: "produced on another machine",
    State.UNCHANGED: "nothing to do",
    State.FORCED: "asked for",
}


def say_plan(
    planned: Planned, pipeline: str, source: str, *, explain: bool, json: bool, **more: Any
) -> None:
    """Print a plan; ``more`` are facts that only the JSON form adds."""
    if json:
        say_json(_as_json(planned, pipeline, source, explain=explain) | more)
        return
    found, work = len(planned.scan.found), _work(planned)
    say(f"{visible(pipeline)} on {shown(source)}: {count(found, 'item')}, {work:,} to process")
    rows = [
        (state, f"{number:,}", _actions(planned, state), _MEANING[State(state)])
        for state, number in planned.plan.counts().items()
        if number
    ]
    if rows:
        say()
        say_table(("state", "items", "a run will", "meaning"), rows, right=("items",))
    for problem in planned.scan.unreadable:
        say(f"note: {visible(problem)}", tone="warn")
    if planned.left_out:
        say(f"note: {count(len(planned.left_out), 'item')} more would wait because of --limit")
    if explain and planned.plan.steps:
        say()
        say_table(
            ("item", "state", "a run will", "why"),
            [
                (visible(s.key), s.state, s.action, _in_words(s.why))
                for s in sorted(planned.plan.steps, key=_urgency)
            ],
        )


def _in_words(why: str) -> str:
    return _TIME.sub(lambda found: moment(found.group()), visible(why))


def _work(planned: Planned) -> int:
    return sum(step.action in (Action.PROCESS, Action.REJUDGE) for step in planned.plan.steps)


def _actions(planned: Planned, state: str) -> str:
    actions = {str(step.action): None for step in planned.plan.steps if step.state == state}
    return ", ".join(actions)


def _urgency(step: Step) -> tuple[bool, str]:
    return step.action is Action.SKIP, step.key


def _as_json(planned: Planned, pipeline: str, source: str, *, explain: bool) -> dict[str, Any]:
    actions = dict.fromkeys((str(action) for action in Action), 0)
    for step in planned.plan.steps:
        actions[step.action] += 1
    facts: dict[str, Any] = {
        "pipeline": pipeline,
        "source": source,
        "seen": len(planned.scan.found),
        "to_process": _work(planned),
        "counts": planned.plan.counts(),
        "actions": actions,
        "left_out": len(planned.left_out),
        "unreadable": planned.scan.unreadable,
    }
    if explain:
        facts["items"] = [
            {
                "key": step.key,
                "state": step.state,
                "action": step.action,
                "why": step.why,
                "moved_from": step.moved_from,
            }
            for step in planned.plan.steps
        ]
    return facts
