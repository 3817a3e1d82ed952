"""What healing needs: a workspace, policies, the life of models, and who acts when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.healing.states import Healing
from pipewarden.core.models.deployments import Deployment, ModelVersion
from pipewarden.core.models.families import LabelledRow, Relearning
from pipewarden.errors import PipewardenError
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.runners import liveness
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.context import ModelContext
from pipewarden.settings import ModelSettings
from pipewarden.settings.healing_policy import HealingPolicies, Policy, load_policies
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.monitoring import labels

#: Who acts when nobody asked.
AUTOMATON = "pipewarden"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingContext:
    """Everything that deciding and healing need to know.

    Parameters
    ----------
    models
        The life of models, with the cooldown that each environment grants to healing.
    owner
        This healer, for leases.
    """

    workspace: Workspace
    policies: HealingPolicies
    models: ModelContext
    owner: str

    @property
    def database(self) -> Database:
        """The state database."""
        return self.workspace.database

    @property
    def actor(self) -> str:
        """Who acts, for the ledger."""
        return self.models.actor

    def now(self) -> datetime:
        """Return the present time of the workspace; UTC."""
        return self.workspace.clock()

    def policy(self, model: str) -> Policy:
        """Return what may be done about a model."""
        return self.policies.of(model)

    def folder(self, healing: Healing) -> Path:
        """Return where what a healing makes is kept."""
        parts = healing.model.split("/")
        return self.workspace.data_dir.joinpath("healing", *parts, str(healing.id))

    def version(self, model: str, number: int) -> ModelVersion:
        """Return a version.

        Raises
        ------
        UnknownName
            There is no such version.
        """
        with self.database.read() as conn:
            return versions.get(conn, model, number)

    def serving(self, model: str, environment: str) -> Deployment | None:
        """Return what serves."""
        with self.database.read() as conn:
            return deployments.serving(conn, model, environment)

    def learner(self, version: ModelVersion) -> Relearning | None:
        """Return the family of a version if it learns from labelled predictions."""
        try:
            family = self.models.families(version)
        except PipewardenError:  # a family that is not known here teaches nobody
            return None
        return family if isinstance(family, Relearning) else None

    def labelled(
        self,
        model: str,
        environment: str,
        *,
        since: datetime,
        version: int | None = None,
        limit: int | None = None,
    ) -> list[LabelledRow]:
        """Return predictions with labels that callers got, from a time until now, the oldest first.

        Parameters
        ----------
        version
            None: of whichever served.
        limit
            At most so many, the newest.
        """
        with self.database.read() as conn:
            found = labels.labelled(
                conn,
                model,
                environment,
                since=since,
                until=self.now(),
                version=version,
                role="champion",
                limit=limit,
            )
            return [_row(one) for one in found]


def _row(one: labels.Labelled) -> dict[str, Any]:
    names = ("prediction_id", "at", "entity", "inputs", "answer", "label", "label_at", "version")
    return {name: getattr(one, name) for name in names}


def healing_context(workspace: Workspace, actor: str = AUTOMATON) -> HealingContext:
    """Return what healing needs, from a workspace.

    Parameters
    ----------
    actor
        Who acts, for the ledger.
    """
    models = model_context(workspace, actor)
    path = workspace.settings.in_home(workspace.settings.healing.policies)
    return HealingContext(
        workspace=workspace,
        policies=load_policies(path),
        models=replace(models, settings=_granted(models.settings)),
        owner=liveness.this_owner(),
    )


def _granted(settings: ModelSettings) -> ModelSettings:
    """Return the settings in which an environment's cooldown is the one it grants to healing."""
    environments = {
        name: policy
        if policy.healing_cooldown_days is None
        else policy.model_copy(update={"cooldown_days": policy.healing_cooldown_days})
        for name, policy in settings.environments.items()
    }
    return settings.model_copy(update={"environments": environments})


def environments(context: HealingContext) -> Sequence[str]:
    """Return the environments whose models are healed: that of the champions."""
    return (context.models.settings.champion,)
