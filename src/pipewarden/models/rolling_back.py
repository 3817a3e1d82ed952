"""Going back: one model or all of them, in one transaction, backed up before and tried out after.

No gate is asked: every version that can be gone back to has served there. What serves is written to
a file first, under the lock under which it is then changed, so the file holds exactly what was.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState
from pipewarden.errors import Conflict, UsageError
from pipewarden.models import choosing, verifying
from pipewarden.models.context import ModelContext
from pipewarden.store.files import durable
from pipewarden.store.files.objects import object_path
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.models import deployments, past, versions
from pipewarden.store.state.models.past import Stint
from pipewarden.store.windows import ModelWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One model that was rolled back.

    Parameters
    ----------
    before
        The version that served; None where nothing did.
    problems
        What the trial of the version that serves now found.
    """

    model: str
    before: int | None
    version: int
    deployment: int
    verified: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a rollback did.

    Parameters
    ----------
    left
        Model → why it was left as it is.
    backup
        The file that holds what served before; None where nothing was changed.
    changed_seconds, verified_seconds
        Until the truth was changed, and until every model was tried out.
    """

    environment: str
    moves: tuple[Move, ...]
    left: Mapping[str, str] = field(default_factory=dict)
    backup: Path | None = None
    changed_seconds: float = 0.0
    verified_seconds: float = 0.0
    notices: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every model that was asked for went back, and was found good."""
        return not self.left and all(move.verified for move in self.moves)


def rollback(
    context: ModelContext,
    models: Sequence[str] | None,
    environment: str,
    asked: str = choosing.PREVIOUS,
    *,
    reason: str,
) -> RolledBack:
    """Bring models back to a version that served before.

    Parameters
    ----------
    models
        Their names; None for every model that serves in the environment.
    asked
        A version's number, ``previous`` or ``last-known-good``.

    Raises
    ------
    UnknownName
        There is no such model or environment.
    UsageError
        There is no reason, or ``asked`` names no version.
    Conflict
        A single model has nothing to go back to, or serves that version already.
    """
    context.policy(environment)
    if not reason.strip():
        raise UsageError("a rollback needs a reason: it is recorded in the ledger",
                         next_step='add --reason "…"')  # fmt: skip
    began = time.perf_counter()
    at = context.clock()
    with context.database.write() as conn:
        serving, wanted, left = _planned(conn, context, models, environment, asked)
        if models is not None and len(models) == 1 and left:
            raise Conflict(
                f"{models[0]} in {environment}: {left[models[0]]}",
                left_behind="nothing was changed",
                next_step=f"pipewarden models history {models[0]}",
            )
        backup = _back_up(context, serving, environment, at) if wanted else None
        begun = _change(conn, context, serving, wanted, environment, reason, at, backup)
        passing(ModelWindow.ROLLBACK_OPEN)
    passing(ModelWindow.ROLLBACK_DONE)
    changed = time.perf_counter() - began
    tried = verifying.verify_all(context, begun)
    verified = time.perf_counter() - began
    ends = {one.deployment.id: one for one in tried}
    moves = (_move(one, serving, ends[one.id]) for one in begun)
    return RolledBack(
        environment=environment,
        moves=tuple(moves),
        left=left,
        backup=backup,
        changed_seconds=changed,
        verified_seconds=verified,
        notices=context.tell([one.model for one in begun]),
    )


def _planned(
    conn: Connection,
    context: ModelContext,
    models: Sequence[str] | None,
    environment: str,
    asked: str,
) -> tuple[dict[str, Deployment], dict[str, int], dict[str, str]]:
    """Return what serves, which version each model goes back to, and which cannot, and why."""
    serving = {one.model: one for one in deployments.all_serving(conn, environment)}
    if models is None:
        names = list(serving)
        served = _by_model(past.stints(conn, environment))
    else:
        names = list(dict.fromkeys(models))
        for name in names:
            choosing.known(conn, name)
        served = {name: past.stints(conn, environment, name) for name in names}
    objects = versions.objects_of(conn, names)
    wanted, left = {}, {}
    for name in names:
        try:
            version = choosing.to_go_back_to(served.get(name, []), asked)
            _allowed(context, version, serving.get(name), objects[name, version])
        except Conflict as error:
            left[name] = error.message
        else:
            wanted[name] = version
    return serving, wanted, left


def _allowed(context: ModelContext, version: int, now: Deployment | None, object_hash: str) -> None:
    if now is not None and now.version == version:
        raise Conflict(f"version {version} serves already")
    if not object_path(context.objects, object_hash).is_file():
        raise Conflict(f"the document of version {version} is gone")


def _by_model(stints: Sequence[Stint]) -> dict[str, list[Stint]]:
    found: dict[str, list[Stint]] = {}
    for stint in stints:
        found.setdefault(stint.model, []).append(stint)
    return found


def _back_up(
    context: ModelContext, serving: Mapping[str, Deployment], environment: str, at: datetime
) -> Path:
    """Write what serves to a file of its own, durably."""
    rows = [
        {
            "model": one.model,
            "version": one.version,
            "deployment": one.id,
            "state": str(one.state),
            "since": one.started_at,
        }
        for one in serving.values()
    ]
    held = {"environment": environment, "at": at, "by": context.actor, "serving": rows}
    data = orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    name = f"{at:%Y%m%d_%H%M%S_%f}_{environment}.json"
    path = context.backups / name
    durable.write_file(path, data)
    passing(ModelWindow.ROLLBACK_BACKED_UP)
    return path


def _change(
    conn: Connection,
    context: ModelContext,
    serving: Mapping[str, Deployment],
    wanted: Mapping[str, int],
    environment: str,
    reason: str,
    at: datetime,
    backup: Path | None,
) -> list[Deployment]:
    """Let the wanted versions serve: state, ledger and outbox of all models at once."""
    new = [
        Deployment(
            id=0,
            model=model,
            environment=environment,
            version=version,
            kind=DeploymentKind.ROLLBACK,
            state=DeploymentState.CURRENT,
            actor=context.actor,
            reason=reason,
            created_at=at,
            replaced=serving[model].id if model in serving else None,
        )
        for model, version in wanted.items()
    ]
    begun = deployments.take_over(conn, new, at=at, reason=reason)
    if backup is None:
        return begun
    kept = {"backup": backup.name, "backup_sha256": hashlib.sha256(backup.read_bytes()).hexdigest()}
    acts, events = [], []
    for one in begun:
        facts = {"serves": one.version, "by_deployment": one.id}
        ended = serving.get(one.model, one)
        acts.append(
            deployments.act_of(
                ended, "rolled_back", actor=context.actor, reason=reason, **facts, **kept
            )
        )
        events.append(
            deployments.event_of(ended, "rolled_back", at=at, **facts, why=reason, automatic=False)
        )
    ledger.append(conn, acts, at)
    outbox.append(conn, events)
    return begun


def _move(begun: Deployment, serving: Mapping[str, Deployment], ended: verifying.Verified) -> Move:
    was = serving.get(begun.model)
    return Move(
        model=begun.model,
        before=None if was is None else was.version,
        version=begun.version,
        deployment=begun.id,
        verified=ended.good,
        problems=ended.problems,
    )
