"""A deployment, from the promotion gate to a version that serves and was found good.

The gates judge outside of any transaction. The change itself is one transaction, which first looks
whether all is as it was judged: of two who deploy one model at once, one wins, and the other learns
it as a `Conflict`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipewarden.core.findings import Status, Verdict
from pipewarden.core.models.deployments import (
    Deployment,
    DeploymentKind,
    DeploymentState,
    ModelVersion,
)
from pipewarden.errors import BadInput, Conflict, StateDamaged, UsageError
from pipewarden.models import choosing, judging, verifying
from pipewarden.models.context import ModelContext
from pipewarden.models.judging import Judgement, Standing
from pipewarden.models.outcome import (
    Deployed,
    Outcome,
    of_restored,
    outcome_of,
    serving_after,
)
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.column_types import decode_json, encode_json
from pipewarden.store.state.models import approvals, deployments, versions
from pipewarden.store.windows import ModelWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection


def deploy(
    context: ModelContext, model: str, environment: str, asked: str, *, reason: str
) -> Deployed:
    """Ask for a version to serve in an environment.

    Parameters
    ----------
    asked
        A number, ``latest`` (the newest deployable version) or ``champion``.
    reason
        Why, for the ledger.

    Raises
    ------
    UnknownName
        There is no such model, version or environment.
    Conflict
        The version is quarantined, or another deployment of the model came between.
    """
    done = _untold(context, model, environment, asked, reason)
    notices = context.tell([model]) if _changed(done) else ()
    return replace(done, notices=(*done.notices, *notices))


def deploy_all(
    context: ModelContext, family: str, environment: str, asked: str, *, reason: str
) -> list[Deployed]:
    """Ask for every model of a family; one that cannot be deployed does not keep the others.

    What projections failed to learn is told with the last of them.

    Raises
    ------
    UsageError
        A family has no model, or a number was asked for, which means nothing to many models.
    """
    if asked not in (choosing.LATEST, choosing.CHAMPION):
        raise UsageError(
            f"--version {asked} is of one model, not of all",
            next_step="--version latest, or champion",
        )
    with context.database.read() as conn:
        models = versions.models(conn, family)
    if not models:
        raise UsageError(f"no model of {family!r} was trained", next_step="pipewarden models list")
    done: list[Deployed] = []
    try:
        for model in models:
            one = _of_many(context, model, environment, asked, reason)
            done.append(one)
    finally:  # what serves by then is told, whatever kept the others
        notices = context.tell([one.model for one in done if _changed(one)])
    done[-1] = replace(done[-1], notices=(*done[-1].notices, *notices))
    return done


def start(
    conn: Connection, context: ModelContext, waiting: Deployment, *, actor: str, at: datetime
) -> Deployment:
    """Let a deployment that was judged begin to serve: state, ledger and outbox.

    Raises
    ------
    Conflict
        Something else serves than what it was judged against, or its document is gone.
    """
    before = deployments.serving(conn, waiting.model, waiting.environment)
    if (None if before is None else before.id) != waiting.evidence.get("replaces"):
        raise Conflict(
            f"another deployment of {waiting.model} in {waiting.environment} came between",
            left_behind="nothing was changed",
            next_step=f"pipewarden models history {waiting.model}; then deploy again",
        )
    version = versions.get(conn, waiting.model, waiting.version)
    if not context.has_object(version):
        raise Conflict(
            f"the document of {versions.subject(version.model, version.version)} is gone",
            left_behind="nothing was changed",
            next_step=f"pipewarden models versions {version.model}",
        )
    deployments.begin(conn, waiting.id, at=at, ended=DeploymentState.SUPERSEDED)
    begun = deployments.get(conn, waiting.id)
    fates = ["deployed"]
    if before is not None and before.version != begun.version:
        fates.append("promoted")
    replaced = None if before is None else before.version
    acts = [
        deployments.act_of(
            begun, fate, actor=actor, reason=begun.reason, replaces=replaced,
            object=version.object_hash,
        )
        for fate in fates
    ]  # fmt: skip
    ledger.append(conn, acts, at)
    told = [deployments.event_of(begun, fate, at=at, replaces=replaced) for fate in fates]
    outbox.append(conn, told)
    passing(ModelWindow.DEPLOY_OPEN)
    return begun


def finished(context: ModelContext, begun: Deployment, verdict: Verdict | None) -> Deployed:
    """Try out what has begun to serve, and return what became of it."""
    passing(ModelWindow.DEPLOY_BEGUN)
    ended = verifying.verify(context, begun)
    return Deployed(
        model=begun.model,
        environment=begun.environment,
        version=begun.version,
        outcome=outcome_of(ended),
        serves=serving_after(ended),
        before=begun.evidence.get("champion"),
        deployment=begun.id,
        verdict=verdict,
        problems=ended.problems,
        notices=of_restored(ended),
    )


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _untold(
    context: ModelContext, model: str, environment: str, asked: str, reason: str
) -> Deployed:
    context.policy(environment)
    settled = verifying.settle(context, model, environment)
    return replace(_deploy(context, model, environment, asked, reason), settled=settled)


def _of_many(
    context: ModelContext, model: str, environment: str, asked: str, reason: str
) -> Deployed:
    try:
        return _untold(context, model, environment, asked, reason)
    except (Conflict, UsageError, StateDamaged, BadInput) as error:
        return Deployed(
            model=model,
            environment=environment,
            version=None,
            outcome=Outcome.IMPOSSIBLE,
            problems=(error.message,),
        )


def _changed(done: Deployed) -> bool:
    return done.settled is not None or done.deployment is not None


def _deploy(
    context: ModelContext, model: str, environment: str, asked: str, reason: str
) -> Deployed:
    with context.database.read() as conn:
        version = choosing.to_deploy(conn, model, asked, context.settings.champion)
        choosing.allowed(version)
        met = judging.standing(conn, model, environment)
    if met.champion is not None and met.champion.version == version.version:
        assert met.serving is not None
        verified = met.serving.state is DeploymentState.VERIFIED
        return Deployed(
            model=model,
            environment=environment,
            version=version.version,
            outcome=Outcome.UNCHANGED if verified else Outcome.UNVERIFIED,
            serves=version.version,
            before=version.version,
        )
    judged = judging.judge(context, version, met)
    passing(ModelWindow.DEPLOY_JUDGED)
    if judged.verdict.status is Status.FAIL:
        return _refused(context, version, met, judged, reason)
    return _begun_or_waiting(context, version, met, judged, reason)


def _refused(
    context: ModelContext, version: ModelVersion, met: Standing, judged: Judgement, reason: str
) -> Deployed:
    """Tell the ledger what was refused and why; nothing else changes."""
    at = context.clock()
    wanted = _wanted(context, version, met, judged, reason, at)
    act = deployments.act_of(
        wanted, "refused", actor=context.actor, reason=reason,
        findings=[_plain(finding.as_dict()) for finding in judged.verdict.misses],
        champion=wanted.evidence["champion"],
    )  # fmt: skip
    with context.database.write() as conn:
        ledger.append(conn, [act], at)
    serves = wanted.evidence["champion"]
    return Deployed(
        model=version.model,
        environment=met.environment,
        version=version.version,
        outcome=Outcome.REFUSED,
        serves=serves,
        before=serves,
        verdict=judged.verdict,
    )


def _begun_or_waiting(
    context: ModelContext, version: ModelVersion, met: Standing, judged: Judgement, reason: str
) -> Deployed:
    at = context.clock()
    wanted = _wanted(context, version, met, judged, reason, at)
    with context.database.write() as conn:
        again = "asked for anew"
        deployments.withdraw(conn, version.model, met.environment, at=at, reason=again)
        waiting = deployments.request(conn, wanted)
        signed = approvals.stands(conn, version.model, version.version, met.environment)
        if context.policy(met.environment).approval and not signed:
            act = deployments.act_of(
                waiting, "deployment_requested", actor=context.actor, reason=reason,
                object=version.object_hash,
            )  # fmt: skip
            ledger.append(conn, [act], at)
            return Deployed(
                model=version.model,
                environment=met.environment,
                version=version.version,
                outcome=Outcome.AWAITING,
                serves=wanted.evidence["champion"],
                before=wanted.evidence["champion"],
                deployment=waiting.id,
                verdict=judged.verdict,
            )
        begun = start(conn, context, waiting, actor=context.actor, at=at)
    return finished(context, begun, judged.verdict)


def _wanted(
    context: ModelContext,
    version: ModelVersion,
    met: Standing,
    judged: Judgement,
    reason: str,
    at: datetime,
) -> Deployment:
    evidence = {
        "verdict": judged.verdict.as_dict(),
        "comparison": dict(judged.evidence),
        "preset": context.policy(met.environment).preset,
        "champion": None if met.champion is None else met.champion.version,
        "replaces": None if met.serving is None else met.serving.id,
        "object": version.object_hash,
    }
    return Deployment(
        id=0,
        model=version.model,
        environment=met.environment,
        version=version.version,
        kind=DeploymentKind.DEPLOY,
        state=DeploymentState.AWAITING,
        actor=context.actor,
        reason=reason,
        created_at=at,
        evidence=_plain(evidence),
    )


def _plain(value: Any) -> Any:
    """Return a value as the database gives it back: NaN, which JSON has not, is None."""
    return decode_json(encode_json(value))
