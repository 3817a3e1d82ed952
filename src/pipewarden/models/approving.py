"""Signatures: who approves a version, or answers for one that its training gate refused.

A signature is electronic in the sense of 21 CFR 11: the signer proves anew who it is, with an
identification and a secret (11.200(a)(1)); it says who signed, when, and what the signature means
(11.50(a)); and it is linked to the very document, by its hash, in a ledger that cannot be changed
(11.70).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipewarden.core.chain import Act
from pipewarden.core.findings import Finding, Status, Verdict
from pipewarden.core.models.deployments import Approval, Deployment, VersionStatus
from pipewarden.errors import Conflict, UsageError
from pipewarden.models import choosing, deploying
from pipewarden.models.context import ModelContext
from pipewarden.models.outcome import Deployed
from pipewarden.store.state import ledger
from pipewarden.store.state.models import approvals, deployments, versions
from pipewarden.store.state.service import keys
from pipewarden.store.state.service.keys import ApiKey, Scope

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A signature, and the deployment that had waited for it, if one had."""

    approval: Approval
    deployed: Deployed | None


def approve(
    context: ModelContext,
    model: str,
    version: int,
    environment: str,
    *,
    meaning: str,
    key: ApiKey,
) -> Approved:
    """Sign for a version in an environment; a deployment that waits for it begins.

    Parameters
    ----------
    meaning
        What the signature means, such as ``approved for production``.
    key
        Which the signer has just proved to hold.

    Raises
    ------
    UsageError
        The key does not allow it, or there is no meaning.
    UnknownName
        There is no such model, version or environment.
    Conflict
        The version is quarantined, or something else serves than what it was judged against.
    """
    context.policy(environment)
    may_decide(key)
    if not meaning.strip():
        raise UsageError("a signature needs a meaning", next_step='--meaning "approved for …"')
    at = context.clock()
    begun = None
    with context.database.write() as conn:
        choosing.known(conn, model)
        wanted = choosing.allowed(versions.get(conn, model, version))
        approval = Approval(
            model=model,
            version=version,
            environment=environment,
            signer=key.name,
            meaning=meaning.strip(),
            key_id=key.id,
            at=at,
        )
        approvals.sign(conn, approval)
        ledger.append(conn, [approvals.act_of(approval, wanted.object_hash)], at)
        waiting = _waiting(conn, model, version, environment)
        if waiting is not None:
            begun = deploying.start(conn, context, waiting, actor=key.name, at=at)
    if begun is None:
        return Approved(approval=approval, deployed=None)
    deployed = deploying.finished(context, begun, _verdict(begun))
    notices = (*deployed.notices, *context.tell([model]))
    return Approved(approval=approval, deployed=replace(deployed, notices=notices))


def may_decide(key: ApiKey) -> None:
    """Refuse a key that may not decide for others.

    Raises
    ------
    UsageError
        It was revoked, or its scope is another.
    """
    if key.revoked_at is not None or not key.scope.allows(Scope.APPROVER):
        state = "was revoked" if key.revoked_at is not None else f"has the scope {key.scope}"
        raise UsageError(
            f"the key {key.id} of {key.name} {state}, and may not sign",
            left_behind="nothing was changed",
            next_step="pipewarden keys create NAME --scope approver",
        )


def _waiting(conn: Connection, model: str, version: int, environment: str) -> Deployment | None:
    held = deployments.awaiting(conn, model)
    of_it = (one for one in held if (one.version, one.environment) == (version, environment))
    return next(of_it, None)


def _verdict(deployment: Deployment) -> Verdict | None:
    """Return the verdict that a deployment waited with; its thresholds stay in the evidence."""
    held = deployment.evidence.get("verdict")
    if not held:
        return None
    findings = (
        Finding(
            check=row["check"],
            category=row.get("category", ""),
            status=Status(row["status"]),
            value=row.get("value"),
            message=row.get("message", ""),
        )
        for row in held["findings"]
    )
    return Verdict(Status(held["status"]), tuple(findings))


def release(
    context: ModelContext, model: str, version: int, *, reason: str, key: ApiKey | None
) -> tuple[str, ...]:
    """Let a quarantined version be deployed, though its training gate refused it.

    Returns what projections such as the registry do not show of it, and why.

    Parameters
    ----------
    key
        Which the person has just proved to hold; may be None only where there are no keys at all.

    Raises
    ------
    UsageError
        There is no reason, or the key is missing or does not allow it.
    UnknownName
        There is no such version.
    Conflict
        It is not quarantined.
    """
    if not reason.strip():
        raise UsageError("a release needs a reason: it is recorded in the ledger",
                         next_step='add --reason "…"')  # fmt: skip
    if key is not None:
        may_decide(key)
    at = context.clock()
    with context.database.write() as conn:
        if key is None and keys.any_valid(conn):
            raise UsageError(
                "a release needs a key of the scope approver, since there are keys",
                left_behind="nothing was changed",
                next_step="give one as PIPEWARDEN_KEY, or at the prompt",
            )
        choosing.known(conn, model)
        held = versions.get(conn, model, version)
        if held.status is not VersionStatus.QUARANTINED:
            raise Conflict(
                f"{versions.subject(model, version)} is not quarantined: it is {held.status}",
                left_behind="nothing was changed",
                next_step=f"pipewarden deploy --model {model} --version {version}",
            )
        versions.release(conn, model, version)
        act = Act(
            actor=context.actor if key is None else key.name,
            action="model.released",
            subject=versions.subject(model, version),
            reason=reason.strip(),
            details={
                "object": held.object_hash,
                "refused_for": held.reason,
                **({} if key is None else {"key": key.id}),
            },
        )
        ledger.append(conn, [act], at)
    return context.tell([model])
