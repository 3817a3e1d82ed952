"""A look at drift now: the last hours of each model, judged for themselves; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipewarden.core.models.deployments import Deployment
from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.errors import InvalidSettings, UnknownName
from pipewarden.jobs.monitoring.checking import subjects_of
from pipewarden.jobs.monitoring.judging import answered
from pipewarden.jobs.monitoring.judging.answered import Judging
from pipewarden.jobs.monitoring.judging.subject import drift_rules
from pipewarden.jobs.monitoring.judging.windows import Due, length_of
from pipewarden.jobs.monitoring.limits import limits_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.monitoring import windows


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLook:
    """What of one model differs from its baseline in a time.

    Parameters
    ----------
    rows
        Predictions of that time.
    """

    deployment: Deployment
    since: datetime
    until: datetime
    rows: int
    observations: list[Observation]

    @property
    def drifted(self) -> list[Observation]:
        """What differs surely and by enough."""
        return [one for one in self.observations if one.status is ObservationStatus.BREACH]


def drift(
    workspace: Workspace, *, model: str = "", environment: str = "", window: str = "24h"
) -> list[DriftLook]:
    """Judge the last hours of the models that serve, each for itself and without its past.

    Parameters
    ----------
    model
        Empty: all that serve.
    environment
        Empty: the champions'.
    window
        A time, such as ``24h``.

    Raises
    ------
    UnknownName
        There is no such environment, or nothing of that name serves there.
    InvalidSettings
        The window is no time, or none at all.
    """
    place, length = environment or workspace.settings.models.champion, _length(window)
    if place not in (known := workspace.settings.models.environments):
        raise UnknownName(
            f"there is no environment {place!r}", next_step=f"known: {', '.join(known)}"
        )
    with workspace.database.read() as conn:
        serving = deployments.all_serving(conn, place)
        limits = limits_of(conn, workspace.settings.monitoring)
    chosen = [one for one in serving if model in ("", one.model)]
    if model and not chosen:
        raise UnknownName(
            f"no version of {model!r} serves in {place}",
            next_step=f"pipewarden models history {model}",
        )
    until = workspace.clock()
    sheet = Sheet(check_id="", at=until, limits=limits)
    return [_looked(workspace, sheet, one, until - length, window) for one in chosen]


def _length(window: str) -> timedelta:
    length = length_of(window)
    if not length:
        raise InvalidSettings(f"{window!r} is no time", next_step="write 1h, 30m or 7d")
    return length


def _looked(
    workspace: Workspace, sheet: Sheet, deployment: Deployment, since: datetime, window: str
) -> DriftLook:
    held = workspace.settings.monitoring
    with workspace.database.read() as conn:
        version = versions.get(conn, deployment.model, deployment.version)
    subject = subjects_of(workspace).of(deployment, version)
    with workspace.database.read() as conn:
        rows, total = windows.between(
            conn, subject.stream, since=since, until=sheet.at, limit=held.window_rows
        )
    due = Due(window=window, since=since, until=sheet.at, rows=rows, total=total)
    rules = drift_rules(held, sheet.limits, deployment.model)
    judging = Judging(sheet=sheet, subject=subject, rules=rules)
    found = [] if subject.forecasts else answered.drift(judging, due, None)
    return DriftLook(
        deployment=deployment, since=since, until=sheet.at, rows=total, observations=found
    )
