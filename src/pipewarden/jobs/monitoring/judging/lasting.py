"""What earlier windows said of drift: whether it lasts, and whether it is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.monitoring.windows import Stream

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: A figure of a version in windows of one kind: its metric and its feature.
Key = tuple[str, str]


@dataclass(slots=True)
class Past:
    """The earlier windows of one kind of a version, and those of the check that goes on."""

    #: Whether each window that could be judged found drift, the oldest first.
    drifted: dict[Key, list[bool]] = field(default_factory=lambda: defaultdict(list))
    #: What the newest window that could be judged came to.
    status: dict[Key, ObservationStatus] = field(default_factory=dict)

    @classmethod
    def read(cls, conn: Connection, stream: Stream, window: str, metric: str, number: int) -> Past:
        """Return what the newest windows said.

        Parameters
        ----------
        metric
            Of which every judged window has an observation.
        number
            How many windows to look at.
        """
        judged = observations.newest(conn, stream, metric, window, limit=number)
        checks = list(dict.fromkeys(one.check_id for one in judged))
        past = cls()
        past.take(observations.of_checks(conn, checks, stream, window))
        return past

    def take(self, found: Iterable[Observation]) -> list[Observation]:
        """Add what a window said; return the drift in it that lasts since just now."""
        new = []
        for one in found:
            computed = one.status is not ObservationStatus.NOT_COMPUTABLE
            if not computed or not one.metric.startswith("drift."):
                continue
            key = (one.metric, one.feature)
            lasted = self.status.get(key) is ObservationStatus.BREACH
            if one.status is ObservationStatus.BREACH and not lasted:
                new.append(one)
            self.drifted[key].append(one.status is not ObservationStatus.OK)
            self.status[key] = one.status
        return new

    @property
    def earlier(self) -> dict[Key, Sequence[bool]]:
        """What `monitoring.drift.observing` asks for."""
        return dict(self.drifted)
