"""Which runner services live, and what the jobs wait for that are run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pipewarden.jobs.queue.service import SILENT
from pipewarden.jobs.runners import liveness, outages
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.service import beside, breakers, runners
from pipewarden.store.state.service.breakers import SHARED, BreakerRow
from pipewarden.store.state.service.runners import RunnerState


def living(workspace: Workspace) -> list[RunnerState]:
    """Return the runner services that live, as far as can be known from here."""
    since = workspace.clock() - timedelta(seconds=SILENT)
    with workspace.database.read() as conn:
        known = runners.known(conn)
    return [
        state
        for state in known
        if state.heartbeat_at >= since and liveness.is_alive(state.owner) is not False
    ]


def waited_for(workspace: Workspace) -> list[BreakerRow]:
    """Return what does not answer jobs that are run, wherever that is, as far as can be known."""
    with workspace.database.read() as conn:
        told = breakers.known(conn)
    return [*_still(workspace, told), *waited_for_here(workspace)]


def waited_for_here(workspace: Workspace) -> list[BreakerRow]:
    """Return which jobs wait for the database, of those that share this home folder.

    It is asked without the database.
    """
    return _still(workspace, beside.known(workspace.waiting_dir))


def _still(workspace: Workspace, told: Iterable[BreakerRow]) -> list[BreakerRow]:
    """Return of what was told that which holds: somebody lives who said it not long ago."""
    since = workspace.clock() - timedelta(seconds=outages.SILENT)
    return [
        row
        for row in told
        if row.owner == SHARED
        or (row.told_at >= since and liveness.is_alive(row.owner) is not False)
    ]
