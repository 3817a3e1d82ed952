"""The desk of a workspace: its deployments, its database, its folder for what cannot be logged."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from random import Random

from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving.desk import Desk
from pipewarden.models.serving.ids import PredictionIds
from pipewarden.models.serving.live import LiveModels
from pipewarden.models.serving.log import PredictionLog
from pipewarden.models.serving.spill import Spill
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction

#: Below the home folder.
_SPILL = Path(".pipewarden/predictions")


def desk_of(workspace: Workspace, environment: str) -> Desk:
    """Return the desk that answers with what is deployed in an environment; it is not started."""

    def write(rows: Sequence[Prediction]) -> None:
        with workspace.database.write() as conn:
            predictions.append(conn, rows, workspace.clock())

    opener = Opener(workspace)
    return Desk(
        LiveModels(lambda: workspace.database, environment, opener.opened, workspace.clock),
        PredictionLog(write, Spill(workspace.settings.in_home(_SPILL))),
        prediction_ids(workspace),
        workspace.clock,
    )


def prediction_ids(workspace: Workspace) -> PredictionIds:
    """Return what names predictions by the workspace's clock."""

    def milliseconds() -> int:
        return int(workspace.clock().timestamp() * 1000)

    random = Random(secrets.randbits(128))  # noqa: S311 - an id is unique, and no secret
    return PredictionIds(milliseconds, random.getrandbits)
