"""What became of asking for a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipewarden.core.findings import Verdict
from pipewarden.core.models.deployments import DeploymentState
from pipewarden.models.verifying import Verified


class Outcome(StrEnum):
    """How asking for a deployment ended."""

    #: The version serves, and was found good.
    VERIFIED = "verified"
    #: It served before, and goes on.
    UNCHANGED = "unchanged"
    #: Somebody must sign for it first.
    AWAITING = "awaiting approval"
    #: The promotion gate said no; nothing was changed.
    REFUSED = "refused"
    #: It did not hold what it promised, and was taken back.
    ROLLED_BACK = "rolled back"
    #: It serves, and was not found good.
    UNVERIFIED = "not verified"
    #: Of many, one that could not be asked for.
    IMPOSSIBLE = "impossible"

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self not in (Outcome.VERIFIED, Outcome.UNCHANGED, Outcome.AWAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What became of asking for a deployment.

    Parameters
    ----------
    serves
        The version that serves now; None where nothing does.
    before
        The version that served before.
    problems
        What the trial found, or why nothing could be done.
    settled
        The trial of an earlier deployment, half done, that was finished first.
    notices
        What else the person should know.
    """

    model: str
    environment: str
    version: int | None
    outcome: Outcome
    serves: int | None = None
    before: int | None = None
    deployment: int | None = None
    verdict: Verdict | None = None
    problems: tuple[str, ...] = ()
    settled: Verified | None = None
    notices: tuple[str, ...] = ()


def outcome_of(ended: Verified) -> Outcome:
    """Return how a deployment ended, from the end of its trial."""
    return {
        DeploymentState.VERIFIED: Outcome.VERIFIED,
        DeploymentState.CURRENT: Outcome.UNVERIFIED,
        DeploymentState.ROLLED_BACK: Outcome.ROLLED_BACK,
    }[ended.deployment.state]


def serving_after(ended: Verified) -> int | None:
    """Return the version that serves after a trial; None where nothing does."""
    if ended.deployment.state.serving:
        return ended.deployment.version
    return None if ended.restored is None else ended.restored.deployment.version


def of_restored(ended: Verified) -> tuple[str, ...]:
    """Return what a person should know of what serves in the place of what was taken back."""
    restored = ended.restored
    if ended.deployment.state.serving:
        return ()
    if restored is None:
        return ("nothing served before, so nothing serves now",)
    if restored.good:
        return ()
    one = restored.deployment
    problems = "; ".join(restored.problems)
    return (f"{one.model}@{one.version} serves again, and was not found good: {problems}",)
