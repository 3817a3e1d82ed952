"""Which runner services live."""

from __future__ import annotations

from datetime import timedelta

from pipewarden.jobs.queue.service import SILENT
from pipewarden.jobs.runners import liveness
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.service import runners
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
