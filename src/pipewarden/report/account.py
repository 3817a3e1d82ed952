"""What became of a run and of its items, in sentences that every report and terminal shares.

All of it is plain text on one line, with foreign text made visible; each medium still escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipewarden.report.facts import FailureFacts, ReportFacts, Totals
from pipewarden.report.untrusted import clipped, shell_line, visible
from pipewarden.report.wording import count, listed

#: How many different reasons a sentence names before it counts the rest.
_REASONS_NAMED = 4
_ERROR_LENGTH = 200


class Proof(NamedTuple):
    """Whether every item seen has exactly one outcome, with the sum that shows it."""

    sentence: str
    holds: bool


def proof(totals: Totals) -> Proof:
    """Return the law of conservation with the run's numbers in it."""
    names = ("skipped", "published", "quarantined", "deferred")
    numbers = [totals["skipped"], totals["published"], totals["quarantined"], totals["deferred"]]
    terms = " + ".join(f"{n:,} {name}" for n, name in zip(numbers, names, strict=True))
    seen, found = totals["seen"], sum(numbers)
    if seen != found:
        gap = f"{count(abs(seen - found), 'item')} {'missing' if seen > found else 'too many'}"
        return Proof(f"{seen:,} seen ≠ {terms} = {found:,}: {gap}", holds=False)
    parts = totals["rejected"] + totals["errored"]
    if parts != totals["quarantined"]:
        wrong = f"{totals['rejected']:,} rejected + {totals['errored']:,} errored = {parts:,}"
        return Proof(f"{totals['quarantined']:,} quarantined ≠ {wrong}", holds=False)
    return Proof(f"{seen:,} seen = {terms}", holds=True)


class Ending(NamedTuple):
    """How a run ended, in words, and its tone: ``good``, ``warn``, ``bad`` or ``idle``."""

    words: str
    tone: str


def ending(facts: ReportFacts) -> Ending:
    """Return how the run ended; a sum that does not add up is bad, whatever the status says."""
    status, totals = facts["run"]["status"], facts["totals"]
    if not proof(totals).holds:
        return Ending(f"{visible(status).capitalize()}, and the numbers do not add up", "bad")
    if status == "COMPLETED":
        held = [f"{totals[name]:,} {name}" for name in ("quarantined", "deferred") if totals[name]]
        return Ending(", ".join(["Completed", *held]), "warn" if held else "good")
    known = {
        "FAILED": Ending("Failed", "bad"),
        "PAUSED": Ending("Paused, can be resumed", "warn"),
        "CANCELLED": Ending("Cancelled, can be resumed", "warn"),
    }
    return known.get(status) or Ending(visible(status).capitalize() or "Unknown", "idle")


def summary(facts: ReportFacts) -> str:
    """Return the sentence a person reads first.

    "58 of 60 items published, 2 quarantined: 1 by the gate (no_html_artefacts), 1 errored
    (timeout)."
    """
    sentence = _what_became(facts)
    error = facts["run"]["error"].strip()
    first = visible(clipped(error.splitlines()[0], _ERROR_LENGTH)) if error else ""
    match facts["run"]["status"]:
        case "FAILED":
            if not first:
                return f"The run failed: {sentence}"
            return f"The run failed: {first.rstrip('.')}. So far: {sentence}"
        case "PAUSED":
            return f"The run is paused. So far: {sentence}"
        case "CANCELLED":
            return f"The run was cancelled. Until then: {sentence}"
    return sentence[0].upper() + sentence[1:]


def _what_became(facts: ReportFacts) -> str:
    totals = facts["totals"]
    seen = totals["seen"]
    if not seen:
        return "no items were found."
    if totals["skipped"] == seen:
        return _nothing_to_do(facts)
    parts = [f"{totals['published']:,} of {count(seen, 'item')} published"]
    if totals["warned"]:
        parts[0] += f" ({count(totals['warned'], 'with a warning', 'with warnings')})"
    if totals["skipped"]:
        parts.append(f"{totals['skipped']:,} skipped")
    if totals["deferred"]:
        parts.append(f"{totals['deferred']:,} deferred")
    if totals["quarantined"]:
        parts.append(f"{totals['quarantined']:,} quarantined: {_why_quarantined(facts)}")
    return ", ".join(parts) + "."


def _nothing_to_do(facts: ReportFacts) -> str:
    seen, plan = facts["totals"]["seen"], facts["plan"]
    everything = "the only item" if seen == 1 else f"all {seen:,} items"
    if plan.get("unchanged") == seen:
        return f"nothing to do, {everything} {'is' if seen == 1 else 'are'} unchanged."
    states = [f"{n:,} {visible(state)}" for state, n in plan.items() if n and state != "deleted"]
    held = f" ({', '.join(states)})" if states else ""
    return f"nothing to do, {everything} {'was' if seen == 1 else 'were'} skipped{held}."


def _why_quarantined(facts: ReportFacts) -> str:
    """Tell the gate's rejections from bad input and errors by the names of the gate's checks."""
    totals, checks = facts["totals"], {row["check"] for row in facts["checks"]}
    by_gate = {r: n for r, n in facts["reasons"].items() if r and checks.issuperset(r.split(", "))}
    others = {r: n for r, n in facts["reasons"].items() if r not in by_gate}
    gate = min(sum(by_gate.values()), totals["rejected"])
    refused = totals["rejected"] - gate
    parts = [f"{gate:,} by the gate{_named(by_gate)}"] if gate else []
    kinds = [
        words
        for words, number in (
            (f"{refused:,} as bad input", refused),
            (f"{totals['errored']:,} errored", totals["errored"]),
        )
        if number
    ]
    if kinds:
        parts.append(listed(kinds) + _named(others))
    return ", ".join(parts)


def _named(reasons: Mapping[str, int]) -> str:
    """Return the reasons in brackets, with their numbers where there are several."""
    if not reasons:
        return ""
    if len(reasons) == 1:
        return f" ({visible(next(iter(reasons)))})"
    named = [f"{n:,} {visible(reason)}" for reason, n in [*reasons.items()][:_REASONS_NAMED]]
    if len(reasons) > _REASONS_NAMED:
        named.append(f"{count(len(reasons) - _REASONS_NAMED, 'more reason')}")
    return f" ({', '.join(named)})"


def quarantine_command(act: str, run_id: str, key: str) -> str:
    """Return ``pipewarden quarantine ACT RUN_ID KEY``, ready to be pasted into a shell.

    A release needs a reason, which the person has to fill in.
    """
    reason = ' --reason "..."' if act == "release" else ""
    if run_id.startswith("-") or key.startswith("-"):
        return f"pipewarden quarantine {act}{reason} -- {shell_line([run_id, key])}"
    return f"pipewarden quarantine {act} {shell_line([run_id, key])}{reason}"


def why_quarantined(facts: FailureFacts) -> str:
    """Return in one sentence why an item lies in quarantine."""
    reason = visible(facts.get("reason", "")) or "no reason recorded"
    words = facts.get("message", "").strip().removeprefix(f"{facts.get('reason')}:").strip()
    message = visible(clipped(words, _ERROR_LENGTH)).rstrip(".")
    said = f": {message}" if message else ""
    if facts.get("kind") == "errored":
        return f"Processing ended in an error, {reason}{said}."
    if facts.get("verdict"):
        return f"The gate refused it for {reason}{said}."
    return f"It cannot be processed, and no retry will mend its bytes: {reason}{said}."


def attempt(facts: FailureFacts) -> str:
    """Return "2 of 3" for an item that errored, and the bare number for one that did not."""
    number, limit = facts.get("attempt", 0), facts.get("max_attempts", 0)
    if not number:
        return ""
    return f"{number} of {limit}" if limit and facts.get("kind") == "errored" else str(number)


def when_tried_again(facts: FailureFacts) -> str:
    """Return when the item is processed again, and that a retry does it at once."""
    number, limit = facts.get("attempt", 0), facts.get("max_attempts", 0)
    if facts.get("kind") != "errored":
        when = "The next run takes it up again only if its bytes, the pipeline or the gate changed"
    elif number < limit:
        when = f"The next run tries it again by itself ({count(limit - number, 'attempt')} left)"
    else:
        when = "Its attempts are spent, so no run tries it again by itself"
    return f"{when}. To try it again in any case:"
