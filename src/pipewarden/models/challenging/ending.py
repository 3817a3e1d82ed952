"""The end of a challenger: by its comparison, by harm, by a person, or because its champion went.

That a challenger ends is one transaction with the ledger and the outbox, and it touches no
deployment: the champion answers on. To promote one that won is a deployment like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.challengers import Challenger, ChallengerState
from pipewarden.errors import Conflict
from pipewarden.models import deploying
from pipewarden.models.context import ModelContext
from pipewarden.models.outcome import Deployed
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.models import challengers, deployments, versions
from pipewarden.store.windows import ChallengeWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Who acts when nobody asked.
AUTOMATON = "pipewarden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A challenger that began or ended, and what a projection could not be told of it."""

    challenger: Challenger
    notices: tuple[str, ...] = ()


def stop(context: ModelContext, challenger_id: int, *, reason: str) -> Changed:
    """End a challenger on somebody's word.

    Raises
    ------
    UnknownName
        There is no such challenger.
    IllegalTransition
        It ended before.
    """
    stopped = ChallengerState.STOPPED
    with context.database.write() as conn:
        at = context.clock()
        ended = end(conn, challenger_id, stopped, at=at, by=context.actor, reason=reason)
    passing(ChallengeWindow.ENDED)
    return Changed(challenger=ended, notices=context.tell([ended.model]))


def promote(context: ModelContext, challenger_id: int, *, reason: str = "") -> Deployed:
    """Ask for a challenger that won to be deployed: promotion gate, approval and trial as always.

    Parameters
    ----------
    reason
        Why, for the ledger; the comparison is named in any case.

    Raises
    ------
    UnknownName
        There is no such challenger.
    Conflict
        It did not win; or another version serves by now than the one that it won against.
    """
    with context.database.read() as conn:
        held = challengers.get(conn, challenger_id)
    name = versions.subject(held.model, held.version)
    if held.state is not ChallengerState.WON:
        raise Conflict(
            f"challenger {held.id}, {name}, is {held.state}, and only one that won is promoted",
            left_behind="nothing was changed",
            next_step=f"pipewarden challenge status {held.id}",
        )
    with context.database.read() as conn:
        _require_champion(conn, held)
    why = f"challenger {held.id}: {held.ended_reason}"
    said = f"{reason} ({why})" if reason else why
    return deploying.deploy(context, held.model, held.environment, str(held.version), reason=said)


def end(
    conn: Connection,
    challenger_id: int,
    state: ChallengerState,
    *,
    at: datetime,
    by: str,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
) -> Challenger:
    """End a challenger in an open transaction: state, ledger and outbox.

    Raises
    ------
    IllegalTransition
        It ended before.
    """
    ended = challengers.end(
        conn, challenger_id, state, at=at, by=by, reason=reason, evidence=evidence
    )
    ledger.append(conn, [challengers.act_of(ended, str(state), actor=by, reason=reason)], at)
    outbox.append(conn, [challengers.event_of(ended, "ended", at=at)])
    passing(ChallengeWindow.END_OPEN)
    return ended


def overtaken(
    conn: Connection, challenger: Challenger, serving: int | None, *, at: datetime
) -> Challenger:
    """End a challenger whose champion serves no more: there is nothing to compare it with."""
    now = "nothing serves" if serving is None else f"version {serving} serves"
    reason = f"{now} in the place of version {challenger.champion}, its champion"
    state = ChallengerState.OVERTAKEN
    return end(conn, challenger.id, state, at=at, by=AUTOMATON, reason=reason)


def _require_champion(conn: Connection, held: Challenger) -> None:
    serving = deployments.serving(conn, held.model, held.environment)
    if serving is None or serving.version not in (held.champion, held.version):
        now = "nothing" if serving is None else f"version {serving.version}"
        raise Conflict(
            f"{now} serves in {held.environment}, and challenger {held.id} won against version "
            f"{held.champion}",
            left_behind="nothing was changed",
            next_step=f"pipewarden challenge start --model {held.model} --version {held.version}",
        )
