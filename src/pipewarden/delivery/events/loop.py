"""The relay at work: one thread a target, until it is told to stop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

from pipewarden.delivery.events.relay import Clock, prune, relay_target, this_relay
from pipewarden.delivery.events.target import Target
from pipewarden.errors import DependencyUnavailable
from pipewarden.store.state.database import Database

log = logging.getLogger(__name__)

#: Seconds between two looks at the outbox, after the database failed, and between prunings.
LOOK, PATIENCE, PRUNING = 0.5, 5.0, 600.0


def relay_until(
    stop: Event,
    database: Database,
    targets: Sequence[Target],
    clock: Clock,
    *,
    keep: timedelta | None = None,
) -> None:
    """Send each target what it lacks, as it comes, until ``stop`` is set; then let go of all.

    It returns when the calls on their way have ended: each is bounded by its target's time-out. A
    database that does not answer is waited for.

    Parameters
    ----------
    keep
        How long events stay in the outbox after every target has them; None: for ever.

    Raises
    ------
    PipewardenError
        What no waiting mends, such as a damaged database; the other targets are stopped, too.
    """
    owner = this_relay()
    with ThreadPoolExecutor(max_workers=len(targets) + 1) as threads:
        serving = [threads.submit(_serve, stop, database, t, clock, owner) for t in targets]
        if keep is not None:
            serving.append(threads.submit(_prune, stop, database, targets, clock, keep))
        stop.wait()
        for thread in serving:
            thread.result()


def _serve(stop: Event, database: Database, target: Target, clock: Clock, owner: str) -> None:
    try:
        while not stop.is_set():
            try:
                relay_target(database, target, clock, owner=owner, stop=stop)
            except DependencyUnavailable as error:
                log.warning("the relay waits for the database", extra={"error": error.message})
                stop.wait(PATIENCE)
            stop.wait(LOOK)
    finally:
        stop.set()  # an error that ends one thread ends all, and is raised by the caller
        target.publisher.close()


def _prune(
    stop: Event, database: Database, targets: Sequence[Target], clock: Clock, keep: timedelta
) -> None:
    try:
        while not stop.is_set():
            try:
                prune(database, targets, clock() - keep)
            except DependencyUnavailable as error:
                log.warning("old events were not removed", extra={"error": error.message})
            stop.wait(PRUNING)
    finally:
        stop.set()
