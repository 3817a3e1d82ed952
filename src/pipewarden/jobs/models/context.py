"""What the life of models needs, from a workspace."""

from __future__ import annotations

from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.context import ModelContext, Projection


def model_context(workspace: Workspace, actor: str = "") -> ModelContext:
    """Return what deploying, rolling back and the like need to know.

    Parameters
    ----------
    actor
        Who acts, for the ledger; by default who the workspace says.
    """
    settings = workspace.settings
    return ModelContext(
        database=workspace.database,
        objects=workspace.objects_dir,
        backups=workspace.data_dir / "models" / "backups",
        gates=settings.in_home(settings.gates_dir),
        settings=settings.models,
        families=Opener(workspace).family,
        actor=actor or workspace.actor,
        clock=workspace.clock,
        projections=_projections(workspace),
    )


def _projections(workspace: Workspace) -> tuple[Projection, ...]:
    from pipewarden.models.registry.opening import mirror_of

    mirror = mirror_of(
        workspace.settings, workspace.database, workspace.objects_dir, workspace.clock
    )
    return () if mirror is None else (mirror,)
