"""The mirror: what the state database says, shown in the registry; and how far they are apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.errors import Conflict, StateError
from pipewarden.models.registry.mlflow_registry import MlflowRegistry
from pipewarden.store.files.objects import object_path, read_object
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import challengers, deployments, mirrored, versions
from pipewarden.store.state.models.mirrored import Mirrored

#: The alias of what serves in the environment that counts.
CHAMPION = "champion"
#: So many versions registered together are drawn at once.
_PICTURED_TOGETHER = 5
#: The alias of what is tried beside it.
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the registry shows otherwise than the state database says."""

    model: str
    what: str


@dataclass(slots=True)
class CaughtUp:
    """How many versions were registered, and for each that could not be, why."""

    registered: int = 0
    left: list[Difference] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """Return which were left and why, in one part of a sentence; none where none was."""
        if not self.left:
            return []
        first, more = self.left[0], len(self.left) - 1
        return [f"{first.model}, {first.what}" + (f", and {more:,} more" if more else "")]


@dataclass(slots=True)
class Reconciled:
    """What a reconciliation did, what it found, and what it could not look at or mend, and why."""

    registered: int = 0
    mended: list[Difference] = field(default_factory=list)
    left: list[Difference] = field(default_factory=list)


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
    pictures
        Draws a version: name → the text of an SVG file. Few versions that are registered together
        are drawn at once; of many, as one for each series, each when somebody asks.
    """

    database: Database
    registry: MlflowRegistry
    objects: Path
    environments: tuple[str, ...]
    champion: str
    clock: Callable[[], datetime]
    pictures: Callable[[ModelVersion, Mapping[str, Any]], Mapping[str, str]] | None = None

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return "MLflow"

    def catch_up(self) -> CaughtUp:
        """Register every version that the registry does not have.

        One whose document is damaged, or whose name another model has there, keeps no other back.

        Raises
        ------
        DependencyUnavailable
            The registry does not answer; what it has by then is noted, and the rest comes later.
        """
        with self.database.read() as conn:
            behind = [version for version in mirrored.missing(conn) if self._there(version)]
        done = CaughtUp()
        pictured = len(behind) <= _PICTURED_TOGETHER
        for version in behind:
            try:
                self._register(version, pictured=pictured)
            except (Conflict, StateError) as error:
                what = f"version {version.version}: {error.message}"
                done.left.append(Difference(model=version.model, what=what))
            else:
                done.registered += 1
        return done

    def _there(self, version: ModelVersion) -> bool:
        """Whether a version's document was not cleaned up; one without cannot be shown any more."""
        return object_path(self.objects, version.object_hash).is_file()

    def _register(self, version: ModelVersion, *, pictured: bool = False) -> None:
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
        if pictured and self.pictures is not None:
            plots = self.pictures(version, document)
            if plots:
                self.registry.add_plots(made.run_ref, plots)

    def changed(self, models: Sequence[str]) -> list[str]:
        """Show in the registry what serves of models now; return what it cannot show, and why.

        Raises
        ------
        DependencyUnavailable
            The registry does not answer.
        """
        done = self.catch_up()
        kept = done.in_words()
        told = {one.model for one in done.left}
        for model in models:
            try:
                self.registry.set_aliases(model, self._wanted(model))
            except Conflict as error:
                if model not in told:
                    kept.append(f"{model}: {error.message}")
            else:
                self._tag_released(model)
        return kept

    def _tag_released(self, model: str) -> None:
        """Tell the status of what was released: no other status ever changes."""
        with self.database.read() as conn:
            released = mirrored.released(conn, model)
        for version, number in released:
            self.registry.tag_status(version, number)

    def _wanted(self, model: str) -> dict[str, int]:
        with self.database.read() as conn:
            numbers = {v: m.number for v, m in mirrored.of_model(conn, model).items()}
            serving = {
                environment: found
                for environment in self.environments
                if (found := deployments.serving(conn, model, environment)) is not None
            }
            beside = challengers.running(conn, model, self.champion)
        aliases = self._aliases(serving, numbers)
        for one in beside:  # there is at most one
            if one.version in numbers:
                aliases[CHALLENGER] = numbers[one.version]
        return aliases

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
            try:
                self._reconcile(model, done, repair=repair)
            except Conflict as error:
                done.left.append(Difference(model=model, what=error.message))
        return done

    def _reconcile(self, model: str, done: Reconciled, *, repair: bool) -> None:
        with self.database.read() as conn:
            ours = versions.listed(conn, model=model)
            noted = mirrored.of_model(conn, model)
        there = self.registry.shown(model)
        for version in reversed(ours):
            shown, held = there.get(version.version), noted.get(version.version)
            if shown is not None and held is not None and held.number == shown.number:
                if shown.status != version.status:
                    self._mend_status(version, shown.number, done, repair=repair)
            elif self._there(version):
                self._mend_missing(version, done, repair=repair)
        wanted = self._wanted(model)
        if self.registry.aliases(model) != wanted:
            done.mended.append(Difference(model=model, what="aliases differ"))
            if repair:
                self.registry.set_aliases(model, wanted)

    def _mend_status(
        self, version: ModelVersion, number: int, done: Reconciled, *, repair: bool
    ) -> None:
        if repair:
            self.registry.tag_status(version, number)
        what = f"the status of version {version.version} differs"
        done.mended.append(Difference(model=version.model, what=what))

    def _mend_missing(self, version: ModelVersion, done: Reconciled, *, repair: bool) -> None:
        what = f"version {version.version} missing"
        if repair:
            try:
                self._register(version)
            except StateError as error:
                what = f"{what}: {error.message}"
                done.left.append(Difference(model=version.model, what=what))
                return
            done.registered += 1
        done.mended.append(Difference(model=version.model, what=what))
