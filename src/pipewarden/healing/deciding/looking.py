"""What is known of a model when it is decided whether to heal it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipewarden.core.healing.facts import Facts, Signal
from pipewarden.core.healing.states import Healing, HealingState, Trigger
from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.core.models.families import LabelledRow
from pipewarden.errors import Conflict, PipewardenError
from pipewarden.healing.context import HealingContext
from pipewarden.healing.deciding import signals as signals_
from pipewarden.healing.deciding.signals import Asked
from pipewarden.models import choosing, judging
from pipewarden.models.context import in_words
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.state.healing import healings, holds
from pipewarden.store.state.models import deployments, past, versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Of a yes or no.
_CLASSES = 2


def look(
    context: HealingContext, model: str, environment: str, asked: Asked | None = None
) -> Facts | None:
    """Return what is known of a model; None where nothing of it serves.

    What takes long is only asked for where something asks for a healing.
    """
    at, policy = context.now(), context.policy(model)
    with context.database.read() as conn:
        serving = deployments.serving(conn, model, environment)
        if serving is None:
            return None
        version = versions.get(conn, model, serving.version)
        figures = signals_.figures_of(conn, model, environment, serving.version)
        oldest = at - timedelta(hours=policy.fresh_hours)
        fresh = [rows for rows in figures if rows[-1].at >= oldest]
        before = _before(conn, model, environment, policy, at)
        signals = [
            *signals_.by_person(asked, at),
            *signals_.by_figures(fresh or figures),
            *signals_.by_calendar(version, serving, before["last_ended"], policy, at),
            *signals_.by_data(conn, version, environment, policy, at),
        ]
    performance, words = signals_.performance(rows[-1] for rows in fresh)
    since = _since(signals, policy, at)
    known = {
        "model": model,
        "environment": environment,
        "at": at,
        "serving": serving.version,
        "serving_since": serving.started_at,
        "previous": _previous(context, model, environment),
        "signals": tuple(signals),
        "performance": performance,
        "performance_words": words,
        "fresh": bool(fresh) or not figures,
        "since": since,
        **before,
    }
    if not signals or before["open_healing"] is not None:
        return Facts(**known)
    return Facts(**known, **_learnt(context, version, serving, known, since))


# ── what happened before ─────────────────────────────────────────────────────────────────────────


def _before(
    conn: Connection, model: str, environment: str, policy: Policy, at: datetime
) -> dict[str, Any]:
    since = at - timedelta(days=policy.budget.days)
    acted = healings.history(conn, model=model, environment=environment, acted=True, limit=50)
    said = holds.of(conn, model, environment)
    ended = [one for one in acted if one.ended_at is not None]
    paused = [one for one in said if one.paused_at is not None]
    open_ = next((one.id for one in acted if one.ended_at is None), None)
    return {
        "open_healing": open_,
        "last_ended": ended[0].ended_at if ended else None,
        "last_lost": bool(ended) and ended[0].state.lost,
        "begun_in_period": sum(one.opened_at >= since for one in acted),
        "lost_in_a_row": lost_in_a_row(ended, [one.reset_at for one in said]),
        "promoted_at": past.last_promotion(conn, model, environment),
        "paused": "; ".join(f"{one.reason or 'no reason'} ({one.paused_by})" for one in paused),
    }


def lost_in_a_row(ended: list[Healing], resets: list[datetime | None]) -> int:
    """Return how many healings, the newest first, ended without having helped, since one did.

    What people stopped or replaced says nothing either way.
    """
    reset = max((one for one in resets if one is not None), default=None)
    lost = 0
    for one in ended:
        if one.state is HealingState.KEPT or (reset is not None and one.ended_at <= reset):  # type: ignore[operator]
            break
        lost += one.state.lost
    return lost


def _previous(context: HealingContext, model: str, environment: str) -> int | None:
    with context.database.read() as conn:
        stints = past.stints(conn, environment, model)
    try:
        return choosing.to_go_back_to(stints, choosing.PREVIOUS)
    except Conflict:
        return None


# ── what could be learnt ─────────────────────────────────────────────────────────────────────────


def _since(signals: list[Signal], policy: Policy, at: datetime) -> datetime | None:
    """Return from when on rows show the world as it is: since the strongest signal began."""
    if not signals:
        return None
    order = list(Trigger)
    strongest = min(signals, key=lambda one: order.index(one.trigger))
    oldest = at - timedelta(hours=policy.training.lookback_hours)
    if strongest.trigger in (Trigger.PERFORMANCE, Trigger.DRIFT):
        return max(strongest.since, oldest)
    return oldest


def _learnt(
    context: HealingContext,
    version: ModelVersion,
    serving: Deployment,
    known: Mapping[str, Any],
    since: datetime | None,
) -> dict[str, Any]:
    assert since is not None
    policy = context.policy(version.model)
    environment = str(known["environment"])
    learner = context.learner(version)
    days = 0.0
    if known["promoted_at"] is not None:
        days = judging.cooldown_days(context.models, version, environment)
    if learner is None:
        return {"learns": False, "promotion_cooldown_days": days}
    rows = context.labelled(version.model, environment, since=since, limit=policy.training.max_rows)
    return {
        "labelled": len(rows),
        "positives": _rarer(rows),
        "promotion_cooldown_days": days,
        "comparison": _compared(context, version, serving, known, policy),
    }


def _rarer(rows: list[LabelledRow]) -> int | None:
    """Return how many labels say yes, or no where that is rarer; None where they say neither."""
    said = [row["label"] for row in rows]
    if any(isinstance(one, str) for one in said):
        counts = Counter(said)
        return min(counts.values()) if len(counts) == _CLASSES else None
    if any(one not in (0, 1) for one in said):
        return None
    yes = sum(bool(one) for one in said)
    return int(min(yes, len(said) - yes))


def _compared(
    context: HealingContext,
    version: ModelVersion,
    serving: Deployment,
    known: Mapping[str, Any],
    policy: Policy,
) -> dict[str, Any] | None:
    """Return how the version before does on the rows that the serving one answered."""
    previous = known["previous"]
    began = serving.started_at
    young = began is not None and context.now() - began <= timedelta(
        hours=policy.roll_back_within_hours
    )
    worse = any(one.trigger is Trigger.PERFORMANCE for one in known["signals"])
    learner = context.learner(version)
    if previous is None or not young or not worse or learner is None or began is None:
        return None
    rows = context.labelled(
        version.model, serving.environment, since=began, version=version.version,
        limit=policy.training.max_rows,
    )  # fmt: skip
    if len(rows) < policy.evaluation.min_rows:
        return {"better": False, "words": f"{len(rows):,} labelled rows are too few to compare"}
    older = context.models.document(context.version(version.model, previous))
    newer = context.models.document(version)
    try:
        found = learner.contest(older, newer, rows, level=policy.evaluation.level)
    except PipewardenError as error:
        return {"better": False, "words": in_words(error)}
    return {**found, "better": (found["gain_low"] or 0) > 0}
