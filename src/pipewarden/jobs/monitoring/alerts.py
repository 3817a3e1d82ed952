"""Alerts of a workspace: its settings and state, put together for those who watch or act."""

from __future__ import annotations

from functools import partial

from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.alerts.context import AlertContext


def alerts_of(workspace: Workspace, actor: str = "") -> AlertContext:
    """Return what alerts need, over a workspace.

    Parameters
    ----------
    actor
        Who acts, for the ledger; empty: whoever the workspace says.
    """
    from pipewarden.delivery.notices.enabled import enabled, known

    settings = workspace.settings
    return AlertContext(
        database=workspace.database,
        file=settings.in_home(settings.alerts.file),
        channels=known(settings.alerts),
        open_channels=partial(enabled, settings.alerts),
        link=settings.alerts.link,
        actor=actor or workspace.actor,
        clock=workspace.clock,
    )
