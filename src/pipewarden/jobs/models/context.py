"""What the life of models needs, from a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pipewarden.jobs.runners import outages
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.context import ModelContext

if TYPE_CHECKING:
    from pipewarden.models.registry.mirror import Mirror


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
        projections=() if settings.models.tracking_uri == "off" else (Registry(workspace),),
    )


class Registry:
    """The registry of the settings, opened when it is first told of something.

    A registry that is down, or is slow to load, never keeps a model from being taken back.
    """

    name = "the registry"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def changed(self, models: Sequence[str]) -> list[str]:
        """Show what serves of models now; return what cannot be shown, and why.

        Raises
        ------
        MissingExtra, DependencyUnavailable
            MLflow is not installed, or does not answer.
        """
        return [] if self._mirror is None else self._mirror.changed(models)

    def reconcile(self) -> tuple[list[str], list[str]]:
        """Compare the registry with the state database; return what was mended, and what not."""
        if self._mirror is None:
            return [], []
        held = self._workspace
        with outages.shared(held.database, "registry", held.clock) as registry:
            done = self._mirror.reconcile(repair=True)
            registry.answered()
        mended = [f"{each.model}: {each.what}" for each in done.mended]
        return mended, [f"{each.model}: {each.what}" for each in done.left]

    @cached_property
    def _mirror(self) -> Mirror | None:
        from pipewarden.models.registry.opening import mirror_of

        held = self._workspace
        return mirror_of(held.settings, held.database, held.objects_dir, held.clock)
