"""The beginning of a challenger: what must hold before a second version sees live questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipewarden.core.models.challengers import Challenger, ChallengerMode, ChallengerState
from pipewarden.core.models.comparisons import ComparisonPlan
from pipewarden.core.models.deployments import Deployment, DeploymentState, ModelVersion
from pipewarden.core.models.families import Predictor
from pipewarden.errors import Conflict, UsageError
from pipewarden.models import choosing, verifying
from pipewarden.models.challenging import ending
from pipewarden.models.challenging.ending import Changed
from pipewarden.models.context import ModelContext
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.models import approvals, challengers, deployments, versions
from pipewarden.store.windows import ChallengeWindow, passing

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def start(
    context: ModelContext,
    model: str,
    environment: str,
    version: int,
    *,
    mode: ChallengerMode,
    share: float = 1.0,
    plan: ComparisonPlan,
    reason: str,
) -> Changed:
    """Let a version answer beside the champion, from the next look of the services on.

    Parameters
    ----------
    share
        Of the entities that a canary answers, above 0 and below 1; a shadow sees all.
    plan
        What decides; it cannot be changed afterwards.

    Raises
    ------
    UnknownName
        There is no such model, version or environment.
    UsageError
        The plan or the share does not hold, or the model answers no rows.
    Conflict
        The version may not be deployed, is the champion, does not hold what it promises or needs a
        signature; nothing that was found good serves; or another challenger runs.
    """
    policy = context.policy(environment)
    share = _checked(mode, share, plan)
    with context.database.read() as conn:
        choosing.known(conn, model)
        wanted = choosing.allowed(versions.get(conn, model, version))
        _champion(conn, model, environment, version)
        signed = approvals.stands(conn, model, version, environment)
    if mode is ChallengerMode.CANARY and policy.approval and not signed:
        raise Conflict(
            f"a canary answers customers of {environment}, and nobody signed for "
            f"{versions.subject(model, version)}",
            left_behind="nothing was changed",
            next_step=f"pipewarden approve --model {model} --version {version}, or --mode shadow",
        )
    _tried(context, wanted)
    at = context.clock()
    with context.database.write() as conn:
        champion = _champion(conn, model, environment, version)
        _clear(conn, model, environment, champion.version, at)
        challenger = Challenger(
            id=0, model=model, environment=environment, version=version,
            champion=champion.version, mode=mode, share=share, plan=plan,
            state=ChallengerState.RUNNING, actor=context.actor, reason=reason, started_at=at,
        )  # fmt: skip
        begun = challengers.start(conn, challenger)
        act = challengers.act_of(begun, "started", actor=context.actor, reason=reason)
        ledger.append(conn, [act], at)
        outbox.append(conn, [challengers.event_of(begun, "started", at=at)])
        passing(ChallengeWindow.START_OPEN)
    passing(ChallengeWindow.STARTED)
    return Changed(challenger=begun, notices=context.tell([model]))


def _checked(mode: ChallengerMode, share: float, plan: ComparisonPlan) -> float:
    """Return the share, if it and the plan hold."""
    faults = plan.faults()
    if mode is ChallengerMode.CANARY and not 0 < share < 1:
        faults.append("the share of a canary lies between 0 and 1")
    if faults:
        raise UsageError(
            f"the plan does not hold: {'; '.join(faults)}",
            left_behind="nothing was started",
            next_step="pipewarden challenge start --help",
        )
    return share if mode is ChallengerMode.CANARY else 1.0


def _champion(conn: Connection, model: str, environment: str, version: int) -> Deployment:
    """Return what serves, which was found good and is another version."""
    serving = deployments.serving(conn, model, environment)
    if serving is None or serving.state is not DeploymentState.VERIFIED:
        what = "nothing serves" if serving is None else f"version {serving.version} is on trial"
        raise Conflict(
            f"{what} in {environment}, so {model} has no champion to be compared with",
            left_behind="nothing was changed",
            next_step=f"pipewarden deploy --model {model} --environment {environment}",
        )
    if serving.version == version:
        raise Conflict(
            f"{versions.subject(model, version)} is the champion of {environment} already",
            left_behind="nothing was changed",
            next_step=f"pipewarden models versions {model}",
        )
    return serving


def _tried(context: ModelContext, version: ModelVersion) -> None:
    """Refuse a version that does not hold what it promises, or that answers no rows.

    A series is one entity: there is no share of it to give, and no second answer to the same
    question to compare. Its versions are compared on the weeks that arrived, by the healing.
    """
    name = versions.subject(version.model, version.version)
    family = context.families(version)
    if not isinstance(family.open(context.document(version)), Predictor):
        raise UsageError(
            f"{name} continues a series; only models that answer rows have challengers",
            left_behind="nothing was started",
            next_step=f"pipewarden models compare {version.model}@N {version.version}",
        )
    trial = verifying.try_version(context, version.model, version.version)
    if trial.problems:
        raise Conflict(
            f"{name} does not hold what it promises: {'; '.join(trial.problems)}",
            left_behind="nothing was changed",
            next_step=f"pipewarden models show {name}",
        )


def _clear(conn: Connection, model: str, environment: str, champion: int, at: datetime) -> None:
    """End a challenger that runs against a champion which serves no more."""
    for left in challengers.running(conn, model, environment):
        if left.champion != champion:
            ending.overtaken(conn, left, champion, at=at)
