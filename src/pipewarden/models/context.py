"""What the life of a model needs: state, objects, families, policies, and who acts when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.core.models.families import ModelFamily
from pipewarden.errors import Conflict, PipewardenError, StateDamaged, UnknownName
from pipewarden.settings import EnvironmentPolicy, ModelSettings
from pipewarden.store.files.objects import object_path, read_object
from pipewarden.store.state import ledger
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import versions


class Projection(Protocol):
    """Something outside that shows what the state database says, such as a registry.

    It is told after the change, never within; what it raises is told to the person and changes
    nothing. Whatever it missed, ``pipewarden models reconcile`` tells it again.
    """

    @property
    def name(self) -> str:
        """How it is called in messages."""

    def changed(self, models: Sequence[str]) -> Sequence[str]:
        """Show what the state database says of models now; return what it cannot, and why."""

    def reconcile(self) -> tuple[Sequence[str], Sequence[str]]:
        """Compare all that it shows with the state database; return what was mended, what not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext:
    """Everything that deploying, rolling back and the like need to know.

    Parameters
    ----------
    objects
        The folder of the object store.
    backups
        Where what serves is written before a rollback.
    gates
        The folder of the operator's gate files.
    families
        Finds the family of a version.
    actor
        Who acts, for the ledger.
    clock
        Gives the present time, UTC and aware.
    projections
        Who is told of each change.
    """

    database: Database
    objects: Path
    backups: Path
    gates: Path
    settings: ModelSettings
    families: Callable[[ModelVersion], ModelFamily]
    actor: str
    clock: Callable[[], datetime]
    projections: Sequence[Projection] = ()

    def policy(self, environment: str) -> EnvironmentPolicy:
        """Return what a version must pass to serve in an environment.

        Raises
        ------
        UnknownName
            There is no such environment.
        """
        found = self.settings.environments.get(environment)
        if found is None:
            known = ", ".join(self.settings.environments)
            raise UnknownName(
                f"there is no environment {environment!r}",
                next_step=f"known: {known}; more are set under models.environments",
            )
        return found

    def document(self, version: ModelVersion) -> dict[str, Any]:
        """Return the model document of a version, which is the one that was registered.

        Raises
        ------
        Conflict
            It was removed by a clean-up.
        StateDamaged
            It is gone, or is another by now.
        """
        try:
            held: dict[str, Any] = orjson.loads(read_object(self.objects, version.object_hash))
        except StateDamaged:
            self._refuse_pruned(version)
            raise
        return held

    def has_object(self, version: ModelVersion) -> bool:
        """Whether the document of a version lies in the object store."""
        return object_path(self.objects, version.object_hash).is_file()

    def _refuse_pruned(self, version: ModelVersion) -> None:
        name = versions.subject(version.model, version.version)
        with self.database.read() as conn:
            pruned = list(ledger.entries(conn, action="model.pruned", subject=name))
        if pruned and not self.has_object(version):
            raise Conflict(
                f"the document of {name} was removed by {pruned[-1].actor} at {pruned[-1].ts}",
                left_behind="nothing was changed",
                next_step="train it again: a document that differs in anything is a new version",
            )

    def tell(self, models: Sequence[str]) -> tuple[str, ...]:
        """Tell each projection of all that changed; return what it does not show, and why."""
        if not models:
            return ()
        failures: list[str] = []
        for projection in self.projections:
            try:
                failures += (
                    f"{projection.name} does not show {what}" for what in projection.changed(models)
                )
            except Exception as error:  # noqa: BLE001 - it shows the truth, it is not the truth
                failures.append(
                    f"{projection.name} was not told all that changed of {len(models):,} models: "
                    f"{in_words(error)}; pipewarden models reconcile tells it again"
                )
        return tuple(failures)

    def mend(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Mend each projection; return what was wrong, and a sentence for each that failed."""
        mended: list[str] = []
        failures: list[str] = []
        for projection in self.projections:
            try:
                done, left = projection.reconcile()
                mended += (f"{projection.name}: {what}" for what in done)
                failures += (f"{projection.name} was not mended: {what}" for what in left)
            except Exception as error:  # noqa: BLE001 - as above
                failures.append(f"{projection.name} was not mended: {in_words(error)}")
        return tuple(mended), tuple(failures)


def in_words(error: Exception) -> str:
    """Return what an error says, with its type where it is not one of ours."""
    if isinstance(error, PipewardenError):
        return error.message
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
