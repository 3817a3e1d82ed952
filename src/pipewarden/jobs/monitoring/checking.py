"""One check: everything that is watched, looked at once, judged, and stored in one transaction.

Of two checks at once one goes on: it holds the round, and only who holds it can store. What fails
while it is looked at is stored as such, beside the rest.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.errors import PipewardenError
from pipewarden.jobs.monitoring import anomalies
from pipewarden.jobs.monitoring.arriving.sources import Tables
from pipewarden.jobs.monitoring.judging.models import Lasting, Models
from pipewarden.jobs.monitoring.judging.subject import Subjects
from pipewarden.jobs.monitoring.limits import limits_of
from pipewarden.jobs.monitoring.watching import pipelines, services
from pipewarden.jobs.monitoring.watching.asking import Ask, ask as ask_url
from pipewarden.jobs.monitoring.watching.parts import Looked, in_words, look
from pipewarden.jobs.runners.liveness import this_owner
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.store.state import outbox
from pipewarden.store.state.models.versions import subject as named
from pipewarden.store.state.monitoring import observations, rounds
from pipewarden.store.state.outbox import OutboxEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: How far back windows of models stand: a week that became true stands until the next one does.
_WEEKS = timedelta(days=15)
#: After which what a check found of services and pipelines says nothing any more.
_FORGOTTEN = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one check found.

    Parameters
    ----------
    observations
        Those that it stored.
    standing
        Of every figure the newest observation, also where no window of it was due this time.
    failures
        Part → why it could not be looked at.
    told
        Drift that lasts since this check: the events that were written of it.
    """

    check_id: str
    at: datetime
    observations: Sequence[Observation]
    standing: Sequence[Observation]
    failures: Mapping[str, str] = field(default_factory=dict)
    told: Sequence[OutboxEvent] = ()

    @property
    def breaches(self) -> list[Observation]:
        """What is beyond its limit at present."""
        return [one for one in self.standing if one.status is ObservationStatus.BREACH]


def subjects_of(workspace: Workspace) -> Subjects:
    """Return what opens the models that are watched; a daemon keeps it from check to check."""
    return Subjects(Opener(workspace).document, Tables(workspace))


def check(
    workspace: Workspace,
    *,
    ask: Ask = ask_url,
    subjects: Subjects | None = None,
    not_since: datetime | None = None,
    before: Mapping[str, str] | None = None,
) -> Checked | None:
    """Look at everything that is watched, once; return what was found.

    Parameters
    ----------
    ask
        Asks an endpoint.
    subjects
        Models that are open already.
    not_since
        Check only if no other check began then or later; else return None.
    before
        Why checks before this one did not come to an end: they are told with it.

    Raises
    ------
    Locked
        Another check runs.
    Fenced
        It took so long that another took its place.
    """
    at = workspace.clock()
    check_id = f"check_{at:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
    held = workspace.settings.monitoring
    with workspace.database.write() as conn:
        if not rounds.begin(
            conn, check_id, owner=this_owner(), actor=workspace.actor, at=at,
            lease_seconds=held.lease_seconds, not_since=not_since,
        ):  # fmt: skip
            return None
    try:
        return _looked(workspace, check_id, at, ask, subjects, dict(before or {}))
    except BaseException as error:
        _give_up(workspace, check_id, error)
        raise


def standing(conn: Connection, workspace: Workspace, now: datetime) -> list[Observation]:
    """Return how everything stands: models by their newest windows, the rest by the last check."""
    from pipewarden.jobs.monitoring.judging.windows import length_of

    lengths = [length_of(window) for window in workspace.settings.monitoring.windows]
    back = max([_WEEKS, *(2 * length for length in lengths if length is not None)])
    serving = _serving(conn, workspace)
    newest: dict[tuple[str, ...], Observation] = {}
    for one in observations.standing(conn, SubjectKind.MODEL, now - back):
        place = (one.subject, one.environment)
        if one.version is None or serving.get(place) == one.version:
            newest[(*place, one.metric, one.feature, one.window)] = one
    last = rounds.latest_finished(conn)
    if last is None or last.at < now - _FORGOTTEN:
        return list(newest.values())
    others = observations.of_check(conn, last.check_id)
    return [*newest.values(), *(one for one in others if one.kind is not SubjectKind.MODEL)]


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _looked(
    workspace: Workspace,
    check_id: str,
    at: datetime,
    ask: Ask,
    subjects: Subjects | None,
    before: dict[str, str],
) -> Checked:
    with workspace.database.read() as conn:
        limits = limits_of(conn, workspace.settings.monitoring)
        sheet = Sheet(check_id=check_id, at=at, limits=limits)
        models = Models(workspace, sheet, subjects or subjects_of(workspace))
        parts = models.parts(conn)
    parts += [*pipelines.parts(workspace, sheet), *services.parts(workspace, sheet, ask)]
    found = look(sheet, parts)
    with workspace.database.read() as conn:
        found.observations.extend(anomalies.marked(conn, workspace, sheet, found.observations))
    found.observations.append(_own(sheet, found, before))
    assert {one.metric for one in found.observations} <= METRICS.keys(), "a metric has no meaning"
    told = [_event(lasting, check_id, at, n) for n, lasting in enumerate(models.lasting)]
    now = _stored(workspace, check_id, at, found, told)
    return Checked(
        check_id=check_id,
        at=at,
        observations=found.observations,
        standing=now,
        failures={**before, **found.failures},
        told=told,
    )


def _own(sheet: Sheet, found: Looked, before: Mapping[str, str]) -> Observation:
    """Return what the monitor observes of itself."""
    failures = {**before, **found.failures}
    reason = "; ".join(f"{part}: {why}" for part, why in failures.items())[:1_000]
    return sheet.figure(
        "monitor.failures", "monitor", float(len(failures)), reason=reason, evidence=failures
    )


def _stored(
    workspace: Workspace,
    check_id: str,
    at: datetime,
    found: Looked,
    told: Sequence[OutboxEvent],
) -> list[Observation]:
    """Write what was found, tell of new drift and end the round, all or nothing."""
    counts = Counter(str(one.status) for one in found.observations)
    keep = timedelta(days=workspace.settings.monitoring.retention_days)
    with workspace.database.write() as conn:
        rounds.finish(conn, check_id, at=workspace.clock(), counts=counts, failures=found.failures)
        observations.append(conn, found.observations)
        outbox.append(conn, told)
        observations.prune(conn, at - keep)
        return standing(conn, workspace, at)


def _event(lasting: Lasting, check_id: str, at: datetime, number: int) -> OutboxEvent:
    """Return what the world learns of drift that lasts since now."""
    held = lasting.deployment
    return OutboxEvent(
        type="io.pipewarden.drift.detected",
        subject=named(held.model, held.version),
        data={
            "model": held.model,
            "version": held.version,
            "environment": held.environment,
            "window": lasting.window,
            "check_id": check_id,
            "found": [
                {
                    "metric": one.metric,
                    "feature": one.feature,
                    "value": one.value,
                    "threshold": one.threshold,
                    "reason": one.reason,
                }
                for one in lasting.found
            ],
        },
        at=at,
        id=f"{check_id}/drift/{number}",
    )


def _give_up(workspace: Workspace, check_id: str, error: BaseException) -> None:
    """Free the round for the next check; a database that is down frees it when the lease ends."""
    reason = in_words(error) if isinstance(error, Exception) else type(error).__name__
    try:
        with workspace.database.write() as conn:
            rounds.give_up(conn, check_id, {"check": reason})
    except PipewardenError as second:
        error.add_note(f"and the round {check_id} could not be closed: {second.message}")


def _serving(conn: Connection, workspace: Workspace) -> dict[tuple[str, str], int]:
    from pipewarden.store.state.models import deployments

    settings = workspace.settings
    return {
        (one.model, one.environment): one.version
        for environment in settings.monitoring.environments or (settings.models.champion,)
        for one in deployments.all_serving(conn, environment)
    }
