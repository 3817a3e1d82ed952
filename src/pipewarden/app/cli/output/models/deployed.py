"""How deployments, signatures and rollbacks ended, as it is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.outcome import shown
from pipewarden.app.cli.output.terminal import say, say_facts, say_json, say_next, say_table
from pipewarden.models.outcome import Deployed, Outcome
from pipewarden.report.untrusted import shell_line, visible
from pipewarden.report.wording import amount, count, duration, threshold_in_words

if TYPE_CHECKING:
    from pipewarden.core.findings import Verdict
    from pipewarden.models.approving import Approved, ApprovedTogether
    from pipewarden.models.rolling_back import RolledBack
    from pipewarden.models.verifying import Verified

#: How many models a summary names; the JSON has them all.
_NAMED = 8

_SENTENCES = {
    Outcome.VERIFIED: "{name} serves in {where}, and was found good",
    Outcome.UNCHANGED: "{name} serves in {where} already",
    Outcome.AWAITING: "{name} waits for an approval before it may serve in {where}",
    Outcome.REFUSED: "{name} was refused by the promotion gate of {where}; nothing was changed",
    Outcome.ROLLED_BACK: "{name} did not hold what it promised, and was taken back from {where}",
    Outcome.UNVERIFIED: "{name} serves in {where}, and was not found good",
    Outcome.IMPOSSIBLE: "{name} could not be deployed in {where}",
}


def say_deployed(done: Deployed, *, json: bool) -> None:
    """Print what became of a deployment."""
    if json:
        say_json(plain(done))
        return
    _say_settled(done.settled)
    tone = "bad" if done.outcome.bad else "warn" if done.outcome is Outcome.AWAITING else "good"
    say(_SENTENCES[done.outcome].format(name=_name(done), where=done.environment), tone=tone)
    for problem in done.problems:
        say(f"  {visible(problem)}")
    say_facts(
        {
            "serves now": "nothing" if done.serves is None else f"version {done.serves}",
            "served before": "" if done.before in (None, done.serves) else f"version {done.before}",
            "deployment": "" if done.deployment is None else str(done.deployment),
        }
    )
    if done.verdict is not None:
        _say_misses(done.verdict)
    for notice in done.notices:
        say(f"note: {visible(notice)}")
    say_next(_next(done))


def say_many_deployed(many: Sequence[Deployed], *, json: bool) -> None:
    """Print what became of the deployments of a family."""
    if json:
        say_json([plain(one) for one in many])
        return
    ends = Counter(str(one.outcome) for one in many)
    summary = ", ".join(f"{number:,} {outcome}" for outcome, number in ends.items())
    bad = [one for one in many if one.outcome.bad]
    say(f"{count(len(many), 'model')}: {summary}", tone="bad" if bad else "good")
    rows = [(_name(one), str(one.outcome), visible(_why(one))) for one in bad[:_NAMED]]
    if rows:
        say_table(("model", "outcome", "why"), rows)
    if len(bad) > _NAMED:
        say(f"… and {count(len(bad) - _NAMED, 'more model')}")
    for notice in (notice for one in many for notice in one.notices):
        say(f"note: {visible(notice)}")


def say_approved(done: Approved, *, json: bool) -> None:
    """Print a signature, and the deployment that it set off."""
    held = done.approval
    if json:
        deployed = None if done.deployed is None else plain(done.deployed)
        say_json({"approval": asdict(held), "deployed": deployed})
        return
    name = visible(f"{held.model}@{held.version}")
    say(f"{visible(held.signer)} signed for {name} in {held.environment}: {visible(held.meaning)}")
    if done.deployed is not None:
        say_deployed(done.deployed, json=False)
        return
    words = ["pipewarden", "deploy", "--model", held.model, "--version", str(held.version)]
    command = shell_line([*words, "--environment", held.environment])
    say_next({command: "nothing waited for this signature; ask for the deployment"})


def say_approved_together(done: ApprovedTogether, *, json: bool) -> None:
    """Print a signature for many versions, and what became of their deployments."""
    deployed = [one.deployed for one in done.approved if one.deployed is not None]
    if json:
        held = [asdict(one.approval) for one in done.approved]
        plain_ = [plain(one) for one in deployed]
        say_json({"hash": done.hash, "approvals": held, "deployed": plain_,
                  "left": done.left, "notices": done.notices})  # fmt: skip
        return
    if done.approved:
        first = done.approved[0].approval
        say(f"{visible(first.signer)} signed once for {count(len(done.approved), 'version')} in "
            f"{first.environment}: {visible(first.meaning)}")  # fmt: skip
        say_many_deployed(deployed, json=False)
    for what in done.left:
        say(f"not signed: {visible(what)}", tone="bad")
    for notice in done.notices:
        say(f"note: {visible(notice)}")


def say_rolled_back(done: RolledBack, *, json: bool) -> None:
    """Print what a rollback did."""
    if json:
        say_json(asdict(done) | {"good": done.good})
        return
    unverified = [move for move in done.moves if not move.verified]
    changed, tried = duration(done.changed_seconds), duration(done.verified_seconds)
    say(
        f"{count(len(done.moves), 'model')} rolled back in {done.environment} in {changed}, "
        f"all tried out after {tried}",
        tone="good" if done.good else "bad",
    )
    rows = [
        (
            visible(move.model),
            "nothing" if move.before is None else str(move.before),
            str(move.version),
            "yes" if move.verified else visible("; ".join(move.problems)),
        )
        for move in [*unverified, *(move for move in done.moves if move.verified)][:_NAMED]
    ]
    if rows:
        say_table(("model", "from", "to", "found good"), rows)
    if len(done.moves) > _NAMED:
        say(f"… and {count(len(done.moves) - _NAMED, 'more model')}")
    for model, why in list(done.left.items())[:_NAMED]:
        say(f"left as it is: {visible(model)}: {visible(why)}", tone="warn")
    if len(done.left) > _NAMED:
        say(f"… and {count(len(done.left) - _NAMED, 'more model')}")
    if done.backup is not None:
        say_facts({"what served before": shown(done.backup)})
    for notice in done.notices:
        say(f"note: {visible(notice)}")


def plain(done: Deployed) -> dict[str, Any]:
    """Return what became of a deployment as plain values."""
    held = {name: getattr(done, name) for name in _PLAIN}
    verdict = None if done.verdict is None else done.verdict.as_dict()
    settled = None if done.settled is None else plain_trial(done.settled)
    return {**held, "outcome": str(done.outcome), "verdict": verdict, "settled": settled}


_PLAIN = (
    *("model", "environment", "version", "serves", "before", "deployment"),
    *("problems", "notices"),
)


def plain_trial(ended: Verified) -> dict[str, Any]:
    """Return the end of a trial as plain values."""
    one = ended.deployment
    return {
        "deployment": one.id,
        "model": one.model,
        "environment": one.environment,
        "version": one.version,
        "state": str(one.state),
        "problems": list(ended.problems),
        "restored": None if ended.restored is None else plain_trial(ended.restored),
    }


def say_trial(ended: Verified) -> None:
    """Print the end of a trial that a dead process had left half done."""
    one = ended.deployment
    name = visible(f"{one.model}@{one.version}")
    state = "found good" if ended.good else f"{one.state}: {'; '.join(ended.problems)}"
    say(
        f"deployment {one.id} of {name} in {one.environment} was left half done: {visible(state)}",
        tone="good" if ended.good else "bad",
    )


def _say_settled(settled: Verified | None) -> None:
    if settled is not None:
        say_trial(settled)


def _say_misses(verdict: Verdict) -> None:
    if not verdict.misses:
        return
    say()
    say_table(
        ("check", "status", "value", "threshold", "message"),
        [
            (
                finding.check + (" (blocking)" if finding.blocks else ""),
                str(finding.status),
                amount(finding.value, finding.threshold.unit if finding.threshold else ""),
                threshold_in_words(finding.threshold) if finding.threshold else "",
                visible(finding.message),
            )
            for finding in verdict.misses
        ],
    )


def _name(done: Deployed) -> str:
    return visible(done.model if done.version is None else f"{done.model}@{done.version}")


def _why(done: Deployed) -> str:
    if done.problems:
        return "; ".join(done.problems)
    return "" if done.verdict is None else done.verdict.reason


def _next(done: Deployed) -> dict[str, str]:
    where = ["--environment", done.environment]
    if done.outcome is Outcome.AWAITING:
        words = ["pipewarden", "approve", "--model", done.model, "--version", str(done.version)]
        return {f'{shell_line([*words, *where])} --meaning "…"': "sign for it"}
    if done.outcome is Outcome.VERIFIED and done.before is not None:
        words = ["pipewarden", "rollback", "--model", done.model, *where]
        return {f'{shell_line(words)} --reason "…"': "go back to what served before"}
    if done.outcome is Outcome.REFUSED:
        words = ["pipewarden", "models", "compare", f"{done.model}@{done.serves}"]
        if done.serves is not None:
            return {shell_line([*words, str(done.version)]): "both versions, side by side"}
    return {}
