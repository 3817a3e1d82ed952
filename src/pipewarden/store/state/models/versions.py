"""Model versions: numbered as they come, never changed but by a release or a quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, union, update

from pipewarden.core.chain import Act
from pipewarden.core.models.deployments import ModelVersion, Trained, VersionStatus
from pipewarden.errors import UnknownName
from pipewarden.store.state.models.schema import (
    approvals,
    challengers,
    deployments,
    model_versions,
    predictions,
)
from pipewarden.store.state.outbox import OutboxEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A trained model, and the run, item and time (UTC) of it."""

    trained: Trained
    run_id: str
    item_key: str
    at: datetime


def register(conn: Connection, registrations: Sequence[Registration]) -> list[ModelVersion]:
    """Register trained models in order; return those that are new.

    A document that a model has as a version already is that version: to train the same again makes
    no new one.
    """
    made = (None if _known(conn, one.trained) else _register(conn, one) for one in registrations)
    return [version for version in made if version is not None]


def _known(conn: Connection, trained: Trained) -> int | None:
    query = select(model_versions.c.version).where(
        model_versions.c.object_hash == trained.object_hash,
        model_versions.c.model == trained.model,
    )
    return conn.execute(query).scalar()


def _register(conn: Connection, one: Registration) -> ModelVersion:
    trained = one.trained
    newest = select(func.max(model_versions.c.version)).where(
        model_versions.c.model == trained.model
    )
    allowed = newest.where(model_versions.c.status != VersionStatus.QUARANTINED)
    version = ModelVersion(
        model=trained.model,
        version=(conn.execute(newest).scalar() or 0) + 1,
        family=trained.family,
        status=VersionStatus.DEPLOYABLE if trained.deployable else VersionStatus.QUARANTINED,
        object_hash=trained.object_hash,
        dataset=trained.dataset,
        verdict=trained.verdict,
        reason=trained.reason,
        metrics=trained.metrics,
        run_id=one.run_id,
        item_key=one.item_key,
        parent=conn.execute(allowed).scalar(),
        created_at=one.at,
    )
    values = {name: getattr(version, name) for name in ModelVersion.__slots__}
    conn.execute(insert(model_versions).values(**values))
    return version


def act_of(version: ModelVersion) -> Act:
    """Return what the ledger learns of a new version."""
    return Act(
        actor="pipewarden",
        action=f"model.{_fate(version)}",
        subject=subject(version.model, version.version),
        reason=version.reason,
        details={
            "object": version.object_hash,
            "dataset": version.dataset,
            "run_id": version.run_id,
            "item": version.item_key,
            "verdict": version.verdict,
            "parent": version.parent,
        },
    )


def event_of(version: ModelVersion) -> OutboxEvent:
    """Return what the world learns of a new version."""
    return OutboxEvent(
        type=f"io.pipewarden.model.{_fate(version)}",
        subject=subject(version.model, version.version),
        data={
            "model": version.model,
            "version": version.version,
            "run_id": version.run_id,
            "verdict": version.verdict,
            "metrics": dict(version.metrics),
        },
        at=version.created_at,
        id=f"{version.model}/{version.version}/{_fate(version)}",
    )


def _fate(version: ModelVersion) -> str:
    return "registered" if version.status.allowed else "quarantined"


def subject(model: str, version: int) -> str:
    """Return how ledger and events name a version."""
    return f"{model}@{version}"


def registered(conn: Connection, named: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which of these versions there are, each by its model and number."""
    held = model_versions.c
    query = select(held.model, held.version)
    found = (
        conn.execute(query.where(held.model == model, held.version == version)).one_or_none()
        for model, version in set(named)
    )
    return {(row.model, row.version) for row in found if row is not None}


def get(conn: Connection, model: str, version: int) -> ModelVersion:
    """Return one version.

    Raises
    ------
    UnknownName
        The model has no such version, or there is no such model.
    """
    query = select(model_versions).where(
        model_versions.c.model == model, model_versions.c.version == version
    )
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownName(
            f"there is no version {version} of the model {model!r}",
            next_step=f"pipewarden models versions {model}",
        )
    return _version(row)


def latest(conn: Connection, model: str) -> ModelVersion | None:
    """Return the newest version that may be deployed, or None."""
    query = (
        select(model_versions)
        .where(
            model_versions.c.model == model,
            model_versions.c.status != VersionStatus.QUARANTINED,
        )
        .order_by(model_versions.c.version.desc())
        .limit(1)
    )
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _version(row)


def listed(
    conn: Connection,
    *,
    model: str | None = None,
    family: str | None = None,
    run_id: str | None = None,
    limit: int | None = None,
) -> list[ModelVersion]:
    """Return versions, the newest of each model first, models in order of their names."""
    query = select(model_versions).order_by(model_versions.c.model, model_versions.c.version.desc())
    for column, wanted in (("model", model), ("family", family), ("run_id", run_id)):
        if wanted is not None:
            query = query.where(model_versions.c[column] == wanted)
    return [_version(row) for row in conn.execute(query.limit(limit)).mappings()]


def objects_of(conn: Connection, models: Sequence[str]) -> dict[tuple[str, int], str]:
    """Return the hash of each version's document, of these models."""
    t = model_versions.c
    query = select(t.model, t.version, t.object_hash).where(t.model.in_(models))
    return {(row[0], row[1]): row[2] for row in conn.execute(query)}


def of_object(conn: Connection, object_hash: str) -> list[ModelVersion]:
    """Return the versions that a model document is."""
    query = select(model_versions).where(model_versions.c.object_hash == object_hash)
    return [_version(row) for row in conn.execute(query).mappings()]


def models(conn: Connection, family: str | None = None) -> list[str]:
    """Return the names of all models, of one family or of all, in order."""
    query = select(model_versions.c.model).distinct().order_by(model_versions.c.model)
    if family is not None:
        query = query.where(model_versions.c.family == family)
    return list(conn.execute(query).scalars())


def families(conn: Connection) -> list[str]:
    """Return the names of all families that have a version, in order."""
    query = select(model_versions.c.family).distinct().order_by(model_versions.c.family)
    return list(conn.execute(query).scalars())


def referenced(conn: Connection) -> set[tuple[str, int]]:
    """Return the versions that are not to be lost: deployed, tried, signed or asked, ever."""
    tables = (deployments, challengers, approvals, predictions)
    named = union(*(select(table.c.model, table.c.version) for table in tables))
    return {(row[0], row[1]) for row in conn.execute(named)}


def release(conn: Connection, model: str, version: int) -> bool:
    """Let a quarantined version be deployed; whether it was quarantined."""
    change = update(model_versions).where(
        model_versions.c.model == model,
        model_versions.c.version == version,
        model_versions.c.status == VersionStatus.QUARANTINED,
    )
    return conn.execute(change.values(status=VersionStatus.RELEASED)).rowcount == 1


def quarantine(conn: Connection, model: str, version: int, *, reason: str) -> bool:
    """Let a version be deployed no more; whether it could be until now."""
    change = update(model_versions).where(
        model_versions.c.model == model,
        model_versions.c.version == version,
        model_versions.c.status != VersionStatus.QUARANTINED,
    )
    values = {"status": VersionStatus.QUARANTINED, "reason": reason}
    return conn.execute(change.values(**values)).rowcount == 1


def _version(row: Mapping[Any, Any]) -> ModelVersion:
    return ModelVersion(**{**row, "status": VersionStatus(row["status"])})


def with_parents(
    conn: Connection, run_id: str
) -> list[tuple[str, Mapping[str, float], Mapping[str, float]]]:
    """Return of each version that a run made the model, its metrics, and those of its parent.

    In order of the models; a version without a parent has none of its metrics.
    """
    own, parent = model_versions, model_versions.alias("parent")
    of_parent = and_(parent.c.model == own.c.model, parent.c.version == own.c.parent)
    query = (
        select(own.c.model, own.c.metrics, parent.c.metrics)
        .outerjoin(parent, of_parent)
        .where(own.c.run_id == run_id)
        .order_by(own.c.model, own.c.version)
    )
    return [(model, dict(held), dict(before or {})) for model, held, before in conn.execute(query)]
