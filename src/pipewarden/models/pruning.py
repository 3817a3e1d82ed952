"""Clean-up: the documents of versions that nobody needs any more.

A version itself stays for good, with all that is known of it; only its document goes. None goes
that was ever deployed, waits for an approval, was signed for or has answered. The ledger is told
first; then, under the lock under which deployments begin, each is looked at once more and removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.core.chain import Act
from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import UsageError
from pipewarden.models.context import ModelContext
from pipewarden.store.files import durable
from pipewarden.store.files.objects import abandoned_in, objects_in
from pipewarden.store.state import ledger
from pipewarden.store.state.models import versions
from pipewarden.store.windows import ModelWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Seconds after which an object that no version names is no longer about to be registered.
_ABANDONED = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a clean-up removed.

    Parameters
    ----------
    versions
        Those whose documents went.
    orphans
        Documents of no version, which a crash had left.
    freed
        Bytes.
    """

    versions: tuple[tuple[str, int], ...]
    orphans: int
    freed: int


def prune(context: ModelContext, *, keep: int, reason: str, model: str | None = None) -> Pruned:
    """Remove the documents of old versions, and what crashes left.

    What dead runs committed must be registered by then, or it would pass for what a crash left.

    Parameters
    ----------
    keep
        How many of the newest deployable versions of each model stay, and how many of the newest
        quarantined ones.
    model
        Only of this model; otherwise of all.

    Raises
    ------
    UsageError
        ``keep`` is less than one, or there is no reason.
    """
    if keep < 1:
        raise UsageError("--keep must be at least 1", left_behind="nothing was changed")
    if not reason.strip():
        raise UsageError("a clean-up needs a reason: it is recorded in the ledger",
                         next_step='add --reason "…"')  # fmt: skip
    there = dict(objects_in(context.objects))
    with context.database.write() as conn:
        doomed = _doomed(conn, there, keep, model)
        acts = [_act(context, one, "pruned", reason) for one in doomed]
        ledger.append(conn, acts, context.clock())
    passing(ModelWindow.PRUNE_RECORDED)
    gone, freed = _remove(context, doomed, there)
    orphans, more = _remove_orphans(context, there) if model is None else (0, 0)
    return Pruned(versions=gone, orphans=orphans, freed=freed + more)


def _doomed(
    conn: Connection, there: Mapping[str, Path], keep: int, model: str | None
) -> list[ModelVersion]:
    """Return the versions whose documents lie there and may go."""
    used = versions.referenced(conn)
    seen: dict[tuple[str, bool], int] = defaultdict(int)
    kept: set[str] = set()
    doomed = []
    for one in versions.listed(conn):  # the newest of each model first
        kind = (one.model, one.status.allowed)
        seen[kind] += 1
        meant = model in (None, one.model)
        if not meant or seen[kind] <= keep or (one.model, one.version) in used:
            kept.add(one.object_hash)
        elif one.object_hash in there:
            doomed.append(one)
    return [one for one in doomed if one.object_hash not in kept]


def _remove(
    context: ModelContext, doomed: Iterable[ModelVersion], there: Mapping[str, Path]
) -> tuple[tuple[tuple[str, int], ...], int]:
    """Remove what nobody began to use meanwhile; no deployment can begin while this looks."""
    gone, rescued, freed = [], [], 0
    with context.database.write() as conn:
        used = versions.referenced(conn)
        needed = {held.object_hash for held in versions.listed(conn) if _key(held) in used}
        for one in doomed:
            if one.object_hash in needed:
                rescued.append(_act(context, one, "kept", "it came into use meanwhile"))
                continue
            freed += _unlink(there[one.object_hash])
            gone.append(_key(one))
            passing(ModelWindow.PRUNE_BEGUN)
        ledger.append(conn, rescued, context.clock())
    return tuple(gone), freed


def _remove_orphans(context: ModelContext, there: Mapping[str, Path]) -> tuple[int, int]:
    """Remove objects of no version that are a day old, and temporary files of dead processes."""
    removed = freed = 0
    before = context.clock().timestamp() - _ABANDONED
    with context.database.write() as conn:
        known = {version.object_hash for version in versions.listed(conn)}
        for object_hash, path in there.items():
            if object_hash not in known and path.is_file() and path.stat().st_mtime < before:
                freed += _unlink(path)
                removed += 1
        for path in abandoned_in(context.objects):
            freed += _unlink(path)
            removed += 1
        if removed:
            act = Act(
                actor=context.actor,
                action="model.orphans_removed",
                subject=str(context.objects),
                reason="no version names them",
                details={"files": removed, "bytes": freed},
            )
            ledger.append(conn, [act], context.clock())
    return removed, freed


def _unlink(path: Path) -> int:
    size = path.stat().st_size if path.is_file() else 0
    durable.remove_file(path)
    return size


def _key(version: ModelVersion) -> tuple[str, int]:
    return version.model, version.version


def _act(context: ModelContext, version: ModelVersion, what: str, reason: str) -> Act:
    return Act(
        actor=context.actor,
        action=f"model.{what}",
        subject=versions.subject(version.model, version.version),
        reason=reason,
        details={"object": version.object_hash},
    )
