"""The judgement of a challenger: harm at once, the declared comparison once, and time.

A judge may be called by anybody at any time, and by several at once: of two that end a challenger,
one does, and the other returns what the first decided.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.challengers import Challenger, ChallengerState
from pipewarden.core.models.comparisons import Figures, harm_of
from pipewarden.errors import IllegalTransition
from pipewarden.models.challenging import ending
from pipewarden.models.challenging.comparing import Comparison, compare, distance
from pipewarden.models.challenging.evidence import Evidence, evidence_of
from pipewarden.models.context import ModelContext, in_words
from pipewarden.store.state.column_types import decode_json, encode_json
from pipewarden.store.state.models import challengers, deployments
from pipewarden.store.windows import ChallengeWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found of a challenger, and what it is now.

    Parameters
    ----------
    challenger
        As it is after the judgement.
    reason
        What decided, or what is waited for.
    comparison
        None where there are not enough labelled predictions for any.
    labelled
        Of how many the metric could be computed: pairs, or the fewer of both.
    warnings
        What is odd and stops nothing.
    """

    challenger: Challenger
    reason: str
    figures: Figures
    labelled: int
    comparison: Comparison | None = None
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def harm(self) -> bool:
        """Whether it was stopped because it did harm."""
        return self.challenger.state is ChallengerState.HARMED

    def as_document(self) -> dict[str, Any]:
        """Return what it rests on, as plain values."""
        comparison = None if self.comparison is None else self.comparison.as_document()
        figures = {name: getattr(self.figures, name) for name in Figures.__slots__}
        return {
            "reason": self.reason,
            "labelled": self.labelled,
            "comparison": comparison,
            "figures": figures,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What came of judging all.

    Parameters
    ----------
    failures
        Which could not be judged, and why; they kept no other from it.
    """

    judgements: tuple[Judgement, ...]
    failures: Mapping[str, str]


def running(
    context: ModelContext, model: str | None = None, environment: str | None = None
) -> list[Challenger]:
    """Return the challengers that answer beside a champion, the newest first."""
    with context.database.read() as conn:
        return challengers.running(conn, model, environment)


def step(context: ModelContext) -> Stepped:
    """Judge all challengers that run; to be called again and again, by whoever watches."""
    done, failures = [], {}
    for one in reversed(running(context)):
        try:
            done.append(judge(context, one.id))
        except Exception as error:
            log.exception("a challenger cannot be judged", extra={"challenger": one.id})
            failures[f"challenger {one.id}"] = in_words(error)
    return Stepped(judgements=tuple(done), failures=failures)


def judge(context: ModelContext, challenger_id: int) -> Judgement:
    """Judge a challenger, and end it where that is due; one that has ended is told as it ended.

    Raises
    ------
    UnknownName
        There is no such challenger.
    MissingExtra
        There is something to compare, and numpy is not installed.
    """
    at = context.clock()
    with context.database.read() as conn:
        held = challengers.get(conn, challenger_id)
        serving = deployments.serving(conn, held.model, held.environment)
        figures = challengers.figures_of(conn, held.id)
        if not held.running:
            return Judgement(
                challenger=held, reason=held.ended_reason, figures=figures,
                labelled=int(held.evidence.get("labelled") or 0),
            )  # fmt: skip
        found = evidence_of(conn, held, until=at)
    if serving is None or serving.version != held.champion:
        now = None if serving is None else serving.version
        return _overtaken(context, held, now, figures)
    judged, state = _judged(held, figures, found, at)
    passing(ChallengeWindow.JUDGED)
    return _written(context, judged, state, at)


def _judged(
    held: Challenger, figures: Figures, found: Evidence, at: datetime
) -> tuple[Judgement, ChallengerState]:
    """Return what is found of a challenger that runs, and the state that this asks for."""
    plan = held.plan
    number = found.number
    decides = number >= plan.labelled
    confidence = plan.confidence if decides else plan.harm.confidence
    comparison = compare(held, found, confidence) if number >= plan.harm.labelled else None
    state, reason = ChallengerState.RUNNING, f"{number:,} of {plan.labelled:,} labelled predictions"
    if harm := harm_of(figures, plan.harm) or _worse(held, found, comparison):
        state, reason = ChallengerState.HARMED, harm
    elif decides:
        state, reason = _decided(held, comparison or compare(held, found, confidence))
    elif at >= held.started_at + timedelta(hours=plan.hours):
        state = ChallengerState.UNDECIDED
        reason = f"after {plan.hours:g} hours there are {reason}"
    judged = Judgement(
        challenger=held,
        reason=reason,
        figures=figures,
        labelled=number,
        comparison=comparison,
        warnings=_warnings(held, found, figures),
    )
    return judged, state


def _worse(held: Challenger, found: Evidence, comparison: Comparison | None) -> str:
    """Return in words that the metric alone is harm, or nothing."""
    limits = held.plan.harm
    if comparison is None:
        return ""
    strict = comparison
    if comparison.confidence != limits.confidence:
        strict = compare(held, found, limits.confidence)
    if not strict.high < -limits.loss:
        return ""
    return f"{strict.in_words()}: worse by more than {limits.loss:g}"


def _decided(held: Challenger, comparison: Comparison) -> tuple[ChallengerState, str]:
    """Return what the declared comparison says; one that is not computable never wins."""
    margin = held.plan.margin
    if comparison.low > margin:
        return ChallengerState.WON, f"{comparison.in_words()}: better by more than {margin:g}"
    return ChallengerState.LOST, f"{comparison.in_words()}: not better by more than {margin:g}"


def _warnings(held: Challenger, found: Evidence, figures: Figures) -> tuple[str, ...]:
    told = []
    limit = held.plan.harm.shift
    far = distance(found.champion_scores, found.challenger_scores)
    if far is not None and far > limit:
        told.append(
            f"its answers are distributed otherwise than the champion's: distance {far:.2f}, "
            f"more than {limit:g}"
        )
    if found.unusable:
        told.append(
            f"{found.unusable:,} labelled answers do not hold what {held.plan.metric} needs"
        )
    if figures.skipped:
        told.append(f"{figures.skipped:,} rows were not shown to it, which was busy")
    return tuple(told)


# ── what is written ──────────────────────────────────────────────────────────────────────────────


def _written(
    context: ModelContext, judged: Judgement, state: ChallengerState, at: datetime
) -> Judgement:
    """Write a judgement, and the end that it asks for; what somebody else ended stays as it is."""
    held = judged.challenger
    evidence = decode_json(encode_json(judged.as_document()))
    if state is ChallengerState.RUNNING:
        with context.database.write() as conn:
            challengers.note(conn, held.id, evidence)
        return judged
    return _ended(
        context,
        judged,
        lambda conn: ending.end(
            conn, held.id, state, at=at, by=ending.AUTOMATON, reason=judged.reason,
            evidence=evidence,
        ),
    )  # fmt: skip


def _overtaken(
    context: ModelContext, held: Challenger, serving: int | None, figures: Figures
) -> Judgement:
    judged = Judgement(challenger=held, reason="", figures=figures, labelled=0)
    at = context.clock()
    return _ended(context, judged, lambda conn: ending.overtaken(conn, held, serving, at=at))


def _ended(
    context: ModelContext, judged: Judgement, end: Callable[[Connection], Challenger]
) -> Judgement:
    try:
        with context.database.write() as conn:
            ended = end(conn)
    except IllegalTransition:  # somebody else was quicker
        with context.database.read() as conn:
            ended = challengers.get(conn, judged.challenger.id)
        return replace(judged, challenger=ended, reason=ended.ended_reason)
    passing(ChallengeWindow.ENDED)
    notices = context.tell([ended.model])
    return replace(judged, challenger=ended, reason=ended.ended_reason, notices=notices)
