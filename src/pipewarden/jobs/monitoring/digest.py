"""The digest: what the checks of a day found, what of it still stands, and what nobody checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.jobs.monitoring.checking import standing
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.monitoring import observations, rounds
from pipewarden.store.state.monitoring.observations import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What happened in a time.

    Parameters
    ----------
    checks, broken
        How many checks were made, and how many of them came to no end.
    longest_gap
        Seconds for which nobody checked; None where nobody did at all.
    standing
        What is beyond its limit, or worth a look, now.
    troubles
        What was so at any time of it.
    not_computable
        Figures that cannot be had now.
    """

    since: datetime
    until: datetime
    checks: int
    broken: int
    longest_gap: float | None
    standing: Sequence[Observation]
    troubles: Sequence[Trouble]
    not_computable: Sequence[Observation]

    @property
    def over(self) -> list[Trouble]:
        """What was beyond its limit and is so no more."""
        now = {_place(one) for one in self.standing}
        beyond = [one for one in self.troubles if one.status is ObservationStatus.BREACH]
        return [one for one in beyond if _place(one) not in now]


def digest(workspace: Workspace, hours: float) -> Digest:
    """Return what the last hours brought."""
    until = workspace.clock()
    since = until - timedelta(hours=hours)
    with workspace.database.read() as conn:
        made = rounds.listed(conn, since=since)
        now = standing(conn, workspace, until)
        troubles = observations.troubles(
            conn, (ObservationStatus.BREACH, ObservationStatus.WARN), since=since,
            until=until + timedelta(microseconds=1),
        )  # fmt: skip
    ended = [one for one in made if one.finished_at is not None]
    return Digest(
        since=since,
        until=until,
        checks=len(made),
        broken=sum(one.finished_at is None and one.running is None for one in made),
        longest_gap=_longest([one.at for one in ended], since, until),
        standing=[
            one
            for status in (ObservationStatus.BREACH, ObservationStatus.WARN)
            for one in now
            if one.status is status
        ],
        troubles=troubles,
        not_computable=[o for o in now if o.status is ObservationStatus.NOT_COMPUTABLE],
    )


def _longest(times: Sequence[datetime], since: datetime, until: datetime) -> float | None:
    if not times:
        return None
    marks = [since, *sorted(times), until]
    return max((b - a).total_seconds() for a, b in pairwise(marks))


def _place(one: Observation | Trouble) -> tuple[str, ...]:
    return (one.subject, one.environment, one.metric, one.feature, one.window)
