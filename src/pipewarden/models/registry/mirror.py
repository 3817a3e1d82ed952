"""The mirror: what the state database says, shown in the registry; and how far they are apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.models.registry.mlflow_registry import MlflowRegistry
from pipewarden.store.files.objects import object_path, read_object
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import deployments, mirrored, versions
from pipewarden.store.state.models.mirrored import Mirrored

#: The alias of what serves in the environment that counts.
CHAMPION = "champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the registry shows otherwise than the state database says."""

    model: str
    what: str


@dataclass(slots=True)
class Reconciled:
    """What a reconciliation did, and what it found."""

    registered: int = 0
    mended: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Writes versions and aliases to a registry.

    Parameters
    ----------
    objects
        The folder of the object store.
    environments
        Their names, each the alias of what serves there.
    champion
        The environment whose version is also the ``champion``.
    clock
        Gives the present time, UTC and aware.
    """

    database: Database
    registry: MlflowRegistry
    objects: Path
    environments: tuple[str, ...]
    champion: str
    clock: Callable[[], datetime]

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return "MLflow"

    def catch_up(self, told: Callable[[ModelVersion], None] = lambda _: None) -> int:
        """Register every version that the registry does not have; return how many.

        Raises
        ------
        DependencyUnavailable
            The registry does not answer; what it has by then is noted, and the rest comes later.
        """
        with self.database.read() as conn:
            behind = [version for version in mirrored.missing(conn) if self._there(version)]
        for version in behind:
            self._register(version)
            told(version)
        return len(behind)

    def _there(self, version: ModelVersion) -> bool:
        """Whether a version's document was not cleaned up; one without cannot be shown any more."""
        return object_path(self.objects, version.object_hash).is_file()

    def _register(self, version: ModelVersion) -> None:
        document = json.loads(read_object(self.objects, version.object_hash))
        made = self.registry.register(version, document)
        held = Mirrored(
            model=version.model,
            version=version.version,
            number=made.number,
            run_ref=made.run_ref,
            at=self.clock(),
        )
        with self.database.write() as conn:
            mirrored.note(conn, held)

    def changed(self, model: str) -> None:
        """Show in the registry what serves of a model now.

        Raises
        ------
        DependencyUnavailable
            The registry does not answer.
        """
        self.catch_up()
        self.registry.set_aliases(model, self._wanted(model))

    def _wanted(self, model: str) -> dict[str, int]:
        with self.database.read() as conn:
            numbers = {v: m.number for v, m in mirrored.of_model(conn, model).items()}
            serving = {
                environment: found
                for environment in self.environments
                if (found := deployments.serving(conn, model, environment)) is not None
            }
        return self._aliases(serving, numbers)

    def _aliases(self, serving: dict[str, Deployment], numbers: dict[int, int]) -> dict[str, int]:
        aliases = {
            place: numbers[held.version]
            for place, held in serving.items()
            if held.version in numbers
        }
        if self.champion in aliases:
            aliases[CHAMPION] = aliases[self.champion]
        return aliases

    def reconcile(self, models: Iterable[str] | None = None, *, repair: bool) -> Reconciled:
        """Compare the registry with the state database, and mend it if asked to.

        Parameters
        ----------
        models
            Only these; None means all.
        """
        done = Reconciled()
        with self.database.read() as conn:
            names = sorted({version.model for version in versions.listed(conn)})
        for model in names if models is None else models:
            self._reconcile(model, done, repair=repair)
        return done

    def _reconcile(self, model: str, done: Reconciled, *, repair: bool) -> None:
        with self.database.read() as conn:
            ours = versions.listed(conn, model=model)
            noted = mirrored.of_model(conn, model)
        there = self.registry.numbers(model)
        for version in reversed(ours):
            number, held = there.get(version.version), noted.get(version.version)
            if number is not None and held is not None and held.number == number:
                continue
            if not self._there(version):
                continue
            done.mended.append(Difference(model=model, what=f"version {version.version} missing"))
            if repair:
                self._register(version)
                done.registered += 1
        wanted = self._wanted(model)
        if self.registry.aliases(model) != wanted:
            done.mended.append(Difference(model=model, what="aliases differ"))
            if repair:
                self.registry.set_aliases(model, wanted)
