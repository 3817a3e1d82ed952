"""The fan-out: every batch of a run to all of its sinks at once, none in the way of another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from pipewarden.core.sinks import Delivery
from pipewarden.delivery.sinks.lane import Lane
from pipewarden.delivery.sinks.sink import EnabledSink
from pipewarden.delivery.sinks.standing import refused_documents
from pipewarden.store.windows import Window, passing

#: Seconds that the end of a run may take to send what waits, where the sink answers.
_LAST_CHANCE = 5.0


class Courier:
    """Hands the documents of a run to its sinks.

    Parameters
    ----------
    sinks
        Those that want the run's documents.
    spools
        The folder that each sink's spool has its folder in.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(
        self, sinks: Sequence[EnabledSink], spools: Path, clock: Callable[[], datetime]
    ) -> None:
        self._lanes = [Lane(sink, spools / sink.name, clock) for sink in sinks]

    def hand(self, deliveries: Sequence[Delivery]) -> None:
        """Hand documents over; when this returns each is in its sinks, or durably waits for them.

        Raises
        ------
        StorageUnavailable
            A sink is down, and the disk is too full to keep what it lacks.
        """
        for lane in self._lanes:
            lane.begin(deliveries)
        for lane in self._lanes:
            lane.finish()
        passing(Window.SINK_DELIVERED)

    def settle(self, run_id: str, handed: int) -> dict[str, dict[str, int]]:
        """Give what waits a last, short chance; return where the documents of a run are."""
        ends = time.monotonic() + _LAST_CHANCE
        for lane in self._lanes:
            lane.rest(ends)
        counts = {}
        for lane in self._lanes:
            spooled = lane.spool.waiting(run_id).documents
            refused = refused_documents(lane.folder, run_id)
            delivered = max(0, handed - spooled - refused)
            counts[lane.enabled.name] = {
                "delivered": delivered,
                "spooled": spooled,
                "refused": refused,
            }
        return counts

    def close(self) -> None:
        """Let go of the sinks; what waits stays on disk."""
        for lane in self._lanes:
            lane.close()
