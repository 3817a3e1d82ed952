"""A healing: from the decision that something must be done to the proof that it helped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Trigger(StrEnum):
    """Why a healing is thought of, the strongest first."""

    #: Somebody asked for it.
    MANUAL = "manual"
    #: The answers got worse, as their labels show or as can be estimated without.
    PERFORMANCE = "performance"
    #: What is asked is not what it was trained on.
    DRIFT = "drift"
    #: There are many new rows with labels.
    DATA = "data"
    #: The version is old.
    AGE = "age"
    #: It is time again.
    SCHEDULE = "schedule"


class Action(StrEnum):
    """What is done about it, or may be."""

    #: Nothing but to write it down.
    OBSERVE = "observe"
    #: What served before serves again.
    ROLL_BACK = "roll_back"
    #: A new version is trained, and serves if it proves better.
    RETRAIN = "retrain"


class HealingState(StrEnum):
    """Where a healing is in its life."""

    #: It was decided to act; nothing is done yet.
    DECIDED = "decided"
    #: The rows to train on are put together.
    COLLECTING = "collecting"
    #: A job trains the candidate.
    RETRAINING = "retraining"
    #: Candidate and champion answer the same labelled rows, which neither was trained on.
    EVALUATING = "evaluating"
    #: The promotion gate judges the candidate.
    GATING = "gating"
    #: The candidate is asked beside the champion, or answers a share of the requests.
    TRYING = "trying"
    #: Somebody must sign for the candidate.
    AWAITING = "awaiting"
    #: The candidate is deployed.
    PROMOTING = "promoting"
    #: It serves; what it answers is compared with what came true.
    VERIFYING = "verifying"
    #: What served before is brought back.
    ROLLING_BACK = "rolling_back"

    #: It helped: the new version stays.
    KEPT = "kept"
    #: What served before serves again, and the bad version is quarantined.
    ROLLED_BACK = "rolled_back"
    #: The candidate was not good enough; the champion stays.
    REJECTED = "rejected"
    #: It was decided not to act.
    DECLINED = "declined"
    #: Somebody stopped it.
    VETOED = "vetoed"
    #: Somebody else deployed another version meanwhile.
    OVERTAKEN = "overtaken"
    #: A step failed, and went on failing.
    FAILED = "failed"
    #: A state lasted longer than it may.
    TIMED_OUT = "timed_out"

    @property
    def ended(self) -> bool:
        """Whether nothing will be done any more."""
        return self in ENDS

    @property
    def lost(self) -> bool:
        """Whether it ended without having helped: so many in a row open the breaker."""
        return self in _LOST

    @property
    def promoted(self) -> bool:
        """Whether the candidate may serve by now."""
        return self in (HealingState.VERIFYING, HealingState.ROLLING_BACK)


_S = HealingState
_LOST = frozenset({_S.ROLLED_BACK, _S.REJECTED, _S.FAILED, _S.TIMED_OUT})
ENDS = _LOST | {_S.KEPT, _S.DECLINED, _S.VETOED, _S.OVERTAKEN}
#: What can end a healing in any state.
_ALWAYS = frozenset({_S.FAILED, _S.OVERTAKEN})
_STOPPED = _ALWAYS | {_S.VETOED, _S.TIMED_OUT}

#: Which state may follow which. A version that serves is never left unproved: stopped or out of
#: time, it is rolled back.
HEALING_TRANSITIONS: Mapping[HealingState, frozenset[HealingState]] = {
    _S.DECIDED: _STOPPED | {_S.COLLECTING, _S.ROLLING_BACK},
    _S.COLLECTING: _STOPPED | {_S.RETRAINING, _S.REJECTED},
    _S.RETRAINING: _STOPPED | {_S.EVALUATING, _S.REJECTED},
    _S.EVALUATING: _STOPPED | {_S.GATING, _S.REJECTED},
    _S.GATING: _STOPPED | {_S.TRYING, _S.AWAITING, _S.PROMOTING, _S.REJECTED},
    _S.TRYING: _STOPPED | {_S.AWAITING, _S.PROMOTING, _S.REJECTED},
    _S.AWAITING: _STOPPED | {_S.PROMOTING, _S.VERIFYING, _S.ROLLING_BACK},
    _S.PROMOTING: _STOPPED
    | {_S.AWAITING, _S.VERIFYING, _S.ROLLING_BACK, _S.REJECTED, _S.ROLLED_BACK},
    _S.VERIFYING: frozenset({_S.OVERTAKEN, _S.KEPT, _S.ROLLING_BACK}),
    _S.ROLLING_BACK: _ALWAYS | {_S.ROLLED_BACK, _S.TIMED_OUT},
    **dict.fromkeys(ENDS, frozenset()),
}


def given_up(state: HealingState, end: HealingState, *, serves: bool) -> HealingState | None:
    """Return what a state becomes that is not gone on with; None where it is being undone already.

    Parameters
    ----------
    end
        As what it is to end: VETOED, TIMED_OUT or FAILED.
    serves
        Whether the candidate serves by now: then it is taken back first.
    """
    wanted = _S.ROLLING_BACK if serves and state is not _S.ROLLING_BACK else end
    return wanted if wanted in HEALING_TRANSITIONS[state] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """One decision about a model, and all that came of it; all times are UTC.

    Parameters
    ----------
    champion
        The version that served when it was decided.
    candidate
        The version that was trained, or that is to be rolled back; None before it is known.
    decision
        What the decision rests on: reasons, signals, figures, the rules that applied.
    facts
        What the steps found and made, each under its own name.
    reason
        Why it is in its state, in words.
    times
        How often it was decided so in a row: of decisions not to act, which are not repeated.
    last_at
        When it was last decided so.
    entered_at
        When it came into its state; a pause moves it on.
    attempts
        How often the step of this state failed so far.
    paused_at, paused_by
        Since when, and by whom, nothing is done; None and empty where it goes on.
    """

    id: int
    model: str
    environment: str
    state: HealingState
    trigger: Trigger
    action: Action
    champion: int
    candidate: int | None = None
    decision: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    actor: str
    times: int = 1
    opened_at: datetime
    last_at: datetime
    entered_at: datetime
    ended_at: datetime | None = None
    attempts: int = 0
    error: str = ""
    paused_at: datetime | None = None
    paused_by: str = ""
    lease_owner: str = ""
    lease_token: int = 0
    lease_expires_at: datetime | None = None

    @property
    def name(self) -> str:
        """How ledger and events name it."""
        return f"healing/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a person said about the healing of a model.

    Parameters
    ----------
    model
        Empty: of every model.
    paused_at
        Since when nothing is healed; None: it may be.
    reset_at
        What was lost before then does not count for the breaker any more.
    """

    model: str
    paused_at: datetime | None = None
    paused_by: str = ""
    reason: str = ""
    reset_at: datetime | None = None
