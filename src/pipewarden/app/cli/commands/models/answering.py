"""A command that changes what serves answers first, and tells the registry when it has answered."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.models.context import ModelContext


@dataclass(slots=True)
class _Remembered:
    """A projection that only remembers which models changed."""

    name: str = "the registry"
    models: dict[str, None] = field(default_factory=dict)

    def changed(self, models: Sequence[str]) -> list[str]:
        """Remember models."""
        self.models.update(dict.fromkeys(models))
        return []

    def reconcile(self) -> tuple[list[str], list[str]]:
        """Mend nothing: a command that mends does not wait with it."""
        return [], []


@contextmanager
def answering_first(workspace: Workspace, *, json: bool) -> Iterator[ModelContext]:
    """Give the context of a command whose projections learn of its changes at its end.

    To load the registry's client takes seconds, in which a person would not know that the rollback
    is long done. What the registry could not show is told then. With ``json`` the one document says
    it all, so that it is told before.
    """
    from pipewarden.jobs.models.context import model_context

    context = model_context(workspace)
    if json or not context.projections:
        yield context
        return
    remembered = _Remembered()
    try:
        yield replace(context, projections=(remembered,))
    finally:  # what was changed is told, whatever came after
        _tell(context, list(remembered.models))


def _tell(context: ModelContext, models: Sequence[str]) -> None:
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.report.untrusted import visible

    sys.stdout.flush()
    for notice in context.tell(models):
        say(f"note: {visible(notice)}", tone="warn")
