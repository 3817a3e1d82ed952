"""What became of asking for a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipewarden.core.findings import Verdict
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
