"""From a version to a model in memory: its document, its family, and what the family opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import UnknownName
from pipewarden.jobs.loading import load_pipeline, registered
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving.answering import Served
from pipewarden.models.serving.signature import Signature
from pipewarden.store.files.objects import read_object
from pipewarden.store.state import jobs

if TYPE_CHECKING:
    from pipewarden.core.models.families import ModelDocument, ModelFamily


class Opener:
    """Opens versions; what it has learnt of a family it keeps.

    Parameters
    ----------
    workspace
        Where objects and runs are.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._families: dict[str, ModelFamily] = {}

    def document(self, version: ModelVersion) -> ModelDocument:
        """Return a version's document, proved to be the one that was registered.

        Raises
        ------
        StateDamaged
            It is not there, or is another one.
        """
        held: ModelDocument = orjson.loads(
            read_object(self._workspace.objects_dir, version.object_hash)
        )
        return held

    def family(self, version: ModelVersion) -> ModelFamily:
        """Return the family that a version is of.

        Raises
        ------
        UnknownName
            No pipeline that is registered, or that made the version, has one of this name.
        MissingExtra
            What the family needs is not installed.
        """
        if version.family not in self._families:
            self._families[version.family] = self._found(version)
        return self._families[version.family]

    def opened(self, version: ModelVersion, environment: str, deployment: int) -> Served:
        """Return a version, ready to answer.

        Raises
        ------
        StateDamaged, UnknownName, MissingExtra
            See `document` and `family`.
        BadInput
            The document does not open.
        """
        document = self.document(version)
        return Served(
            model=version.model,
            version=version.version,
            environment=environment,
            deployment=deployment,
            family=version.family,
            opened=self.family(version).open(document),
            signature=Signature.of(document),
        )

    def _found(self, version: ModelVersion) -> ModelFamily:
        settings = self._workspace.settings
        references = [*settings.service.pipelines, *registered()]
        named = [one for one in references if one.rpartition(":")[2] == version.family]
        for reference in [*named, self._reference_of_run(version.run_id)]:
            if not reference:
                continue
            pipeline = load_pipeline(reference, settings)
            if pipeline.name == version.family and pipeline.family is not None:
                return pipeline.family
        raise UnknownName(
            f"no pipeline {version.family!r} that trains models is known here",
            next_step="register it, or name it under service.pipelines as module:attribute",
        )

    def _reference_of_run(self, run_id: str) -> str:
        """Return where the pipeline of a run is defined, if the run says so."""
        with self._workspace.database.read() as conn:
            job = jobs.get(conn, run_id)
        return "" if job is None else str(job.options.get("pipeline", ""))
