"""Thresholds of a workspace: recommended from its past, and put in force by somebody, on record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.metrics import METRICS, Worse
from pipewarden.core.monitoring.observations import SubjectKind
from pipewarden.errors import UnknownName, UsageError
from pipewarden.jobs.monitoring.extra import needed
from pipewarden.jobs.monitoring.limits import known_metric, limits_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks.sheet import Limit
from pipewarden.monitoring.thresholds.recommending import Recommendation, Wanted, recommend
from pipewarden.monitoring.thresholds.resampling import Persistence, Plan
from pipewarden.store.state import ledger
from pipewarden.store.state.models import versions
from pipewarden.store.state.monitoring import limits, observations
from pipewarden.store.state.monitoring.limits import AppliedLimit
from pipewarden.store.state.monitoring.observations import Figure

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Observations of one figure that are read at most.
_NUMBER = 2_000
#: Subjects that are named to whoever names one that is not known.
_NEAR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the past of one figure says.

    Parameters
    ----------
    series
        The past itself, for its picture.
    present
        The limit in force.
    """

    figure: Figure
    series: list[tuple[datetime, float]]
    present: Limit
    found: Recommendation


def recommended(
    workspace: Workspace,
    *,
    metric: str = "",
    subject: str = "",
    days: float = 60.0,
    false_alarms: float = 0.01,
    seed: int = 0,
) -> list[Advice]:
    """Return what the past says of the limits of every figure; nothing is changed.

    Parameters
    ----------
    metric, subject
        Empty: of all.
    days
        How far the past reaches.
    false_alarms
        Share of figures at which an alarm may begin although nothing changed.

    Raises
    ------
    UnknownName
        There is no such metric.
    MissingExtra
        The extra ``monitoring`` is not installed.
    """
    needed()
    if metric:
        known_metric(metric)
    held, now = workspace.settings.monitoring, workspace.clock()
    since = now - timedelta(days=days)
    with workspace.database.read() as conn:
        in_force = limits_of(conn, held)
        pasts = [
            (one, observations.values(conn, one, since=since, limit=_NUMBER))
            for one in observations.figures(conn, since=since, until=now + timedelta(seconds=1))
            if metric in ("", one.metric) and subject in ("", one.subject) and _asked(one, metric)
        ]
    return [
        Advice(
            figure=one,
            series=past,
            present=(present := in_force(one.metric, one.subject)),
            found=recommend(
                one.metric,
                past,
                Wanted(
                    false_alarms=false_alarms,
                    anomaly=held.anomaly_deviations,
                    persistence=_persistence(workspace, one.metric),
                    plan=Plan(seed=seed),
                ),
                present=present,
            ),
        )
        for one, past in pasts
        if past
    ]


def apply(
    workspace: Workspace,
    metric: str,
    *,
    subject: str,
    warn: float | None,
    breach: float | None,
    reason: str,
) -> AppliedLimit:
    """Put a limit in force over the settings, on record; both None: the settings count again.

    Raises
    ------
    UnknownName
        There is no such metric or subject, or nothing in force to take back.
    UsageError
        There is no reason, or the warning lies beyond the breach.
    """
    known_metric(metric)
    if not reason.strip():
        raise UsageError("a limit is put in force for a reason", next_step="--reason '…'")
    _refuse_disorder(metric, warn, breach)
    at = workspace.clock()
    limit = AppliedLimit(
        metric=metric, subject=subject, warn=warn, breach=breach, actor=workspace.actor,
        reason=reason, at=at,
    )  # fmt: skip
    with workspace.database.write() as conn:
        before = limits.in_force(conn).get((metric, subject))
        if before is None:
            _refuse_stranger(conn, limit)
        limits.put(conn, limit)
        ledger.append(conn, [limit.act(before)], at)
    return limit


def _refuse_stranger(conn: Connection, limit: AppliedLimit) -> None:
    """Refuse to take back what is not in force, and a limit of what nobody knows."""
    of = f" of {limit.subject}" if limit.subject else ""
    if limit.warn is None and limit.breach is None:
        raise UnknownName(
            f"no limit of {limit.metric}{of} is in force over the settings",
            next_step="pipewarden thresholds list",
        )
    kind = METRICS[limit.metric].kind
    known = set(observations.subjects(conn, kind)) if limit.subject else set()
    if limit.subject and kind in (None, SubjectKind.MODEL):
        known |= set(versions.models(conn))
    if limit.subject and limit.subject not in known:
        near = get_close_matches(limit.subject, sorted(known), _NEAR, 0.0)
        raise UnknownName(
            f"{limit.metric} is not known{of}",
            next_step=f"known: {', '.join(near)}" if near else "pipewarden monitor check",
        )


def in_force(workspace: Workspace) -> tuple[Mapping[str, Limit], list[AppliedLimit]]:
    """Return the limits of the settings by metric, and those that somebody put over them."""
    held = workspace.settings.monitoring
    with workspace.database.read() as conn:
        applied = list(limits.in_force(conn).values())
    usual = {}
    for name in [*METRICS, *(name for name in held.limits if "/" in name)]:
        metric, _, subject = name.partition("/")
        found = held.limit(metric, subject)
        if found.warn is not None or found.breach is not None:
            usual[name] = Limit(warn=found.warn, breach=found.breach)
    return usual, applied


def _asked(one: Figure, metric: str) -> bool:
    """Whether a figure is one that limits are for: the monitor's own are not, unless named."""
    return bool(metric) or METRICS[one.metric].group not in ("monitor", "history")


def _persistence(workspace: Workspace, metric: str) -> Persistence:
    held = workspace.settings.monitoring.drift
    if METRICS[metric].group != "drift":
        return Persistence()
    return Persistence(k=held.persist_k, n=held.persist_n)


def _refuse_disorder(metric: str, warn: float | None, breach: float | None) -> None:
    for bound in (warn, breach):
        if bound is not None and not math.isfinite(bound):
            raise UsageError(f"a limit is a finite number, not {bound}")
    if warn is None or breach is None:
        return
    beyond = warn < breach if METRICS[metric].worse is Worse.BELOW else warn > breach
    if beyond:
        raise UsageError(
            f"{metric} would be a breach at {breach:g} before it is a warning at {warn:g}",
            next_step="turn the two round",
        )
