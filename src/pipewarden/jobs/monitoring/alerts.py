"""Alerts of a workspace: its settings and state, put together for those who watch or act."""

from __future__ import annotations

from functools import partial

from pipewarden.errors import InvalidSettings
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.alerts.context import AlertContext


def alerts_of(workspace: Workspace, actor: str = "") -> AlertContext:
    """Return what alerts need, over a workspace.

    Parameters
    ----------
    actor
        Who acts, for the ledger; empty: whoever the workspace says.
    """
    from pipewarden.delivery.notices.enabled import known, usable

    settings = workspace.settings
    return AlertContext(
        database=workspace.database,
        file=settings.in_home(settings.alerts.file),
        channels=known(settings.alerts),
        open_channels=partial(usable, settings.alerts),
        link=settings.alerts.link,
        actor=actor or workspace.actor,
        clock=workspace.clock,
    )


def not_set_up(context: AlertContext) -> dict[str, str]:
    """Return what of rules and channels does not hold, each with the reason; nobody is written to.

    Where it is the rules, no alert is raised; where it is a channel, the next one is told.
    """
    from pipewarden.delivery.notices.enabled import broken

    try:
        context.book()
    except InvalidSettings as error:
        return {"rules": f"no alert is raised: {error.message}"}
    return broken(context.open_channels())
