"""Which version answers where nobody named one: the deployed one, else the latest deployable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import UnknownName, UsageError
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import choosing
from pipewarden.store.state.models import deployments, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A version that answers, and why that one.

    Parameters
    ----------
    deployment
        Of the environment; 0 where none serves there, and it is the latest deployable.
    """

    version: ModelVersion
    environment: str
    deployment: int

    @property
    def name(self) -> str:
        """``model@version``, as ledger and trace name it."""
        return versions.subject(self.version.model, self.version.version)

    @property
    def why(self) -> str:
        """Why it answers."""
        return f"deployed in {self.environment}" if self.deployment else "the latest deployable"


def choose(workspace: Workspace, model: str, environment: str) -> Chosen:
    """Return the version of a model that answers.

    Raises
    ------
    UnknownName
        There is no such model, or no version of it may be deployed.
    """
    with workspace.database.read() as conn:
        choosing.known(conn, model)
        serving = deployments.serving(conn, model, environment)
        if serving is not None:
            version = versions.get(conn, model, serving.version)
            return Chosen(version=version, environment=environment, deployment=serving.id)
        latest = versions.latest(conn, model)
    if latest is None:
        raise UnknownName(
            f"no version of the model {model!r} may be deployed",
            next_step=f"pipewarden models versions {model}",
        )
    return Chosen(version=latest, environment=environment, deployment=0)


def choose_all(workspace: Workspace, environment: str) -> Iterator[Chosen]:
    """Yield the version that answers of every model that has one, in order of their names."""
    with workspace.database.read() as conn:
        serving = {one.model: one for one in deployments.all_serving(conn, environment)}
        listed = versions.listed(conn)
    found: dict[str, Chosen] = {}
    for version in listed:  # the newest of each model first
        held = serving.get(version.model)
        mine = version.version == held.version if held is not None else version.status.allowed
        if mine and version.model not in found:
            found[version.model] = Chosen(
                version=version,
                environment=environment,
                deployment=0 if held is None else held.id,
            )
    yield from found.values()


def model_of_series(workspace: Workspace, unique_id: str) -> str:
    """Return the name of the model of a series, whose name may be written with hyphens.

    Raises
    ------
    UnknownName
        None has been trained.
    UsageError
        Several families have one.
    """
    wanted = {unique_id, unique_id.replace("-", "")}
    with workspace.database.read() as conn:
        found = [name for name in versions.models(conn) if name.partition("/")[2] in wanted]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownName(
            f"there is no model of the series {unique_id!r}", next_step="pipewarden models list"
        )
    raise UsageError(f"several models continue {unique_id!r}: name one of {', '.join(found)}")
