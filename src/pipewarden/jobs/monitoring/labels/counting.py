"""How many predictions and labels there are: by model, environment, version and role."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.models import predictions
from pipewarden.store.state.monitoring import labels
from pipewarden.store.state.monitoring.labels import Tally

#: Labels of a model and environment, the newest, from which their age is told.
_AGED = 10_000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The counts of one version in one environment and role.

    Parameters
    ----------
    label_age_hours
        From prediction to the arrival of its label: the median of the newest; None without labels.
    """

    model: str
    environment: str
    tally: Tally
    label_age_hours: float | None

    @property
    def coverage(self) -> float | None:
        """The share of predictions that have a label."""
        return self.tally.labelled / self.tally.predictions if self.tally.predictions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The counts of a window.

    Parameters
    ----------
    unknown
        Labels, of whatever time, that wait for a prediction that nobody logged yet.
    """

    since: datetime
    until: datetime
    counted: tuple[Counted, ...]
    unknown: int


def statistics(
    workspace: Workspace,
    *,
    since: datetime,
    until: datetime,
    model: str | None = None,
    environment: str | None = None,
) -> Statistics:
    """Return the counts of predictions that were made in a window.

    Parameters
    ----------
    since, until
        From the first, before the second.
    model, environment
        None: of all.
    """
    found: list[Counted] = []
    with workspace.database.read() as conn:
        for of in predictions.models(conn):
            if model not in (None, of[0]) or environment not in (None, of[1]):
                continue
            waited: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
            waits = labels.waits(conn, *of, since=since, until=until, limit=_AGED)
            for version, role, time in waits:
                waited[version, role].append(time / _HOUR)
            for tally in labels.tallies(conn, *of, since=since, until=until):
                hours = waited.get((tally.version, tally.role))
                age = median(hours) if hours else None
                found.append(
                    Counted(model=of[0], environment=of[1], tally=tally, label_age_hours=age)
                )
        unknown = labels.unknown(conn)
    return Statistics(since=since, until=until, counted=tuple(found), unknown=unknown)
