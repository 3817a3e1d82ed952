"""The life of a model version, and of its deployments: what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class VersionStatus(StrEnum):
    """Whether a version may be deployed."""

    #: It passed its training gate.
    DEPLOYABLE = "deployable"
    #: It did not; it is kept, and cannot be deployed.
    QUARANTINED = "quarantined"
    #: It did not, and somebody answers for it all the same.
    RELEASED = "released"

    @property
    def allowed(self) -> bool:
        """Whether it may be deployed."""
        return self is not VersionStatus.QUARANTINED


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One trained model, for good.

    Parameters
    ----------
    object_hash
        ``sha256:<hex>`` of the model document, which is kept under this name and never changes.
    metrics
        Name → value, as the document states them.
    dataset
        Fingerprint of the data that it was trained on.
    run_id, item_key
        The run and the item that made it.
    parent
        The version of the same model that was the newest deployable one before.
    """

    model: str
    version: int
    family: str
    status: VersionStatus
    object_hash: str
    dataset: str
    verdict: str
    reason: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    run_id: str
    item_key: str
    parent: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a commit tells of a model that was trained; its number is given when it is registered.

    Parameters
    ----------
    deployable
        Whether its training gate let it pass.
    object_hash
        Of the model document, which lies in the object store by then.
    """

    model: str
    family: str
    deployable: bool
    object_hash: str
    dataset: str
    verdict: str
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


class DeploymentState(StrEnum):
    """Where a deployment is in its life."""

    #: Its gates passed; the policy wants somebody's approval first.
    AWAITING = "awaiting"
    #: It answers, and is being tried.
    CURRENT = "current"
    #: It answers, and was found good.
    VERIFIED = "verified"
    #: Another took its place.
    SUPERSEDED = "superseded"
    #: It was taken back.
    ROLLED_BACK = "rolled_back"
    #: It never began: refused, or asked for anew.
    WITHDRAWN = "withdrawn"

    @property
    def serving(self) -> bool:
        """Whether its version is the one in use; there is at most one such a model and place."""
        return self in (DeploymentState.CURRENT, DeploymentState.VERIFIED)


_ENDS = frozenset({DeploymentState.SUPERSEDED, DeploymentState.ROLLED_BACK})

#: Which state may follow which.
DEPLOYMENT_TRANSITIONS: Mapping[DeploymentState, frozenset[DeploymentState]] = {
    DeploymentState.AWAITING: frozenset({DeploymentState.CURRENT, DeploymentState.WITHDRAWN}),
    DeploymentState.CURRENT: _ENDS | {DeploymentState.VERIFIED},
    DeploymentState.VERIFIED: _ENDS,
    DeploymentState.SUPERSEDED: frozenset(),
    DeploymentState.ROLLED_BACK: frozenset(),
    DeploymentState.WITHDRAWN: frozenset(),
}


class DeploymentKind(StrEnum):
    """How a deployment came about."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    #: A rollback that nobody asked for: the one before did not hold what it promised.
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One version in one environment, from when to when, by whom, and why; all times are UTC.

    Parameters
    ----------
    id
        Grows with every deployment of any model.
    evidence
        What the gates and the verification found.
    replaced
        The deployment whose place it took.
    """

    id: int
    model: str
    environment: str
    version: int
    kind: DeploymentKind
    state: DeploymentState
    actor: str
    reason: str
    created_at: datetime
    started_at: datetime | None = None
    verified_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str = ""
    replaced: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An electronic signature: who signed which version, when, and what the signature means.

    Parameters
    ----------
    meaning
        Such as ``approved for production`` (21 CFR 11.50(a)(3)).
    key_id
        The API key that the signer proved to hold (21 CFR 11.200(a)(1)).
    """

    model: str
    version: int
    environment: str
    signer: str
    meaning: str
    key_id: str
    at: datetime
