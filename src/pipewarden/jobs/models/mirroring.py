"""After a run that trained models: what it registered is shown in the registry."""

from __future__ import annotations

from collections.abc import Callable

from pipewarden.core.outages.breaker import BreakerState
from pipewarden.engine.pipeline import Pipeline
from pipewarden.errors import DependencyUnavailable, MissingExtra
from pipewarden.jobs.runners import outages
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.models import mirrored

_LATER = "'pipewarden models reconcile' shows it there later"
_RETRY = "'pipewarden models reconcile' tries it again"


def mirror_models(workspace: Workspace, pipeline: Pipeline, note: Callable[[str], None]) -> None:
    """Register at the registry what it does not have; what it cannot show is told, and no more.

    The versions are registered in the state database by then, which is the truth.
    """
    if pipeline.family is None:
        return
    with workspace.database.read() as conn:
        behind = mirrored.missing(conn, limit=1)
    if not behind:
        return
    with outages.shared(workspace.database, "registry", workspace.clock) as registry:
        if registry.standing.state is BreakerState.OPEN:
            note(f"the registry does not answer; {_LATER}")
            return
        _mirror(workspace, registry, note)


def _mirror(
    workspace: Workspace, registry: outages.Dependency, note: Callable[[str], None]
) -> None:
    from pipewarden.jobs.models.picturing import pictures_of
    from pipewarden.models.registry.opening import mirror_of

    try:
        mirror = mirror_of(
            workspace.settings,
            workspace.database,
            workspace.objects_dir,
            workspace.clock,
            pictures_of(workspace),
        )
        if mirror is not None:
            for what in mirror.catch_up().in_words():
                note(f"the registry does not show {what}; {_RETRY}")
    except DependencyUnavailable as error:
        registry.failed()
        note(f"{error.message}; {_LATER}")
    except MissingExtra as error:
        note(f"{error.message}; {_LATER}")
    else:
        registry.answered()
