"""Signatures: who approves a version, or answers for one that its training gate refused.

A signature is electronic in the sense of 21 CFR 11: the signer proves anew who it is, with an
identification and a secret (11.200(a)(1)); it says who signed, when, and what the signature means
(11.50(a)); and it is linked to the very document, by its hash, in a ledger that cannot be changed
(11.70).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.core.canonical import digest
from pipewarden.core.chain import Act
from pipewarden.core.findings import Finding, Status, Verdict
from pipewarden.core.models.deployments import Approval, Deployment, ModelVersion, VersionStatus
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
    _meant(meaning)
    at = context.clock()
    begun = None
    with context.database.write() as conn:
        choosing.known(conn, model)
        wanted = choosing.allowed(versions.get(conn, model, version))
        approval = _sign(conn, wanted, environment, meaning, key, at)
        waiting = _waiting(conn, model, version, environment)
        if waiting is not None:
            begun = deploying.start(conn, context, waiting, actor=key.name, at=at)
    if begun is None:
        return Approved(approval=approval, deployed=None)
    deployed = deploying.finished(context, begun, _verdict(begun))
    notices = (*deployed.notices, *context.tell([model]))
    return Approved(approval=approval, deployed=replace(deployed, notices=notices))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedTogether:
    """One signature for many versions: each has a record of its own, and all name its hash.

    Parameters
    ----------
    hash
        Of what was put before the signer: every version with the hash of its document.
    approved
        In order of the models.
    left
        What was not signed, and why.
    notices
        What projections do not show of it.
    """

    hash: str
    approved: tuple[Approved, ...]
    left: tuple[str, ...]
    notices: tuple[str, ...] = ()


def approve_waiting(
    context: ModelContext,
    environment: str,
    *,
    family: str | None = None,
    run_id: str | None = None,
    meaning: str,
    key: ApiKey,
) -> ApprovedTogether:
    """Sign once for every version of a family, or of a run, that waits in an environment.

    All signatures and all beginnings are one transaction; then each version is tried out. One that
    cannot begin is neither signed nor begun, and keeps no other back.

    Parameters
    ----------
    family, run_id
        Only these; None means all.

    Raises
    ------
    UsageError
        The key does not allow it, there is no meaning, or nothing waits.
    UnknownName
        There is no such environment.
    """
    context.policy(environment)
    may_decide(key)
    _meant(meaning)
    at, left = context.clock(), []
    signed: list[tuple[Approval, Deployment]] = []
    with context.database.write() as conn:
        waiting = [
            (one, versions.get(conn, one.model, one.version))
            for one in deployments.awaiting(conn)
            if one.environment == environment
        ]
        wanted = sorted(
            ((one, version) for one, version in waiting
             if family in (None, version.family) and run_id in (None, version.run_id)),
            key=lambda pair: pair[0].model,
        )  # fmt: skip
        if not wanted:
            raise UsageError(
                f"nothing of that waits for an approval in {environment}",
                left_behind="nothing was changed",
                next_step="pipewarden models list",
            )
        together = _together(version for _, version in wanted)
        for one, version in wanted:
            try:
                with conn.begin_nested():
                    allowed = choosing.allowed(version)
                    held = _sign(conn, allowed, environment, meaning, key, at, together)
                    begun = deploying.start(conn, context, one, actor=key.name, at=at)
            except Conflict as error:
                left.append(f"{versions.subject(one.model, one.version)}: {error.message}")
            else:
                signed.append((held, begun))
    done = tuple(
        Approved(approval=held, deployed=deploying.finished(context, begun, _verdict(begun)))
        for held, begun in signed
    )
    notices = context.tell([held.model for held, _ in signed])
    return ApprovedTogether(hash=together, approved=done, left=tuple(left), notices=notices)


def _together(signed: Iterable[ModelVersion]) -> str:
    """Return the hash of what is put before the signer, which links the records to each other."""
    lines = (f"{versions.subject(v.model, v.version)} {v.object_hash}\n" for v in signed)
    return digest("".join(lines).encode())


def _sign(
    conn: Connection,
    wanted: ModelVersion,
    environment: str,
    meaning: str,
    key: ApiKey,
    at: datetime,
    together: str = "",
) -> Approval:
    approval = Approval(
        model=wanted.model,
        version=wanted.version,
        environment=environment,
        signer=key.name,
        meaning=meaning.strip(),
        key_id=key.id,
        at=at,
    )
    approvals.sign(conn, approval)
    act = approvals.act_of(approval, wanted.object_hash)
    if together:
        act = replace(act, details={**act.details, "signed_together": together})
    ledger.append(conn, [act], at)
    return approval


def _meant(meaning: str) -> None:
    if not meaning.strip():
        raise UsageError("a signature needs a meaning", next_step='--meaning "approved for …"')


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
