"""What the registry has of our versions: its own numbers and run ids, by version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select

from pipewarden.core.models.deployments import ModelVersion, VersionStatus
from pipewarden.store.state.models.schema import mirrored_versions, model_versions
from pipewarden.store.state.schema import insert_or_replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """A version as the registry has it.

    Parameters
    ----------
    number
        The registry's own number of the version; the same as ours unless others register there.
    run_ref
        The registry's id of the run that made it.
    """

    model: str
    version: int
    number: int
    run_ref: str
    at: datetime


def note(conn: Connection, mirrored: Mirrored) -> None:
    """Write that the registry has a version."""
    values = {name: getattr(mirrored, name) for name in Mirrored.__slots__}
    conn.execute(insert_or_replace(conn, mirrored_versions).values(**values))


def get(conn: Connection, model: str, version: int) -> Mirrored | None:
    """Return what the registry has of a version, or None."""
    query = select(mirrored_versions).where(
        mirrored_versions.c.model == model, mirrored_versions.c.version == version
    )
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else Mirrored(**row)


def of_model(conn: Connection, model: str) -> dict[int, Mirrored]:
    """Return what the registry has of a model, by our version."""
    query = select(mirrored_versions).where(mirrored_versions.c.model == model)
    return {row["version"]: Mirrored(**row) for row in conn.execute(query).mappings()}


def missing(conn: Connection, limit: int | None = None) -> list[ModelVersion]:
    """Return the versions that the registry does not have, each model's in order."""
    query = (
        select(model_versions)
        .outerjoin(
            mirrored_versions,
            and_(
                mirrored_versions.c.model == model_versions.c.model,
                mirrored_versions.c.version == model_versions.c.version,
            ),
        )
        .where(mirrored_versions.c.number.is_(None))
        .order_by(model_versions.c.model, model_versions.c.version)
        .limit(limit)
    )
    return [_version(row) for row in conn.execute(query).mappings()]


def released(conn: Connection, model: str) -> list[tuple[ModelVersion, int]]:
    """Return the released versions of a model that the registry has, each with its number there."""
    query = (
        select(model_versions, mirrored_versions.c.number)
        .join(
            mirrored_versions,
            and_(
                mirrored_versions.c.model == model_versions.c.model,
                mirrored_versions.c.version == model_versions.c.version,
            ),
        )
        .where(model_versions.c.model == model, model_versions.c.status == VersionStatus.RELEASED)
        .order_by(model_versions.c.version)
    )
    return [
        (_version({name: row[name] for name in ModelVersion.__slots__}), int(row["number"]))
        for row in conn.execute(query).mappings()
    ]


def _version(row: Mapping[Any, Any]) -> ModelVersion:
    return ModelVersion(**{**row, "status": VersionStatus(row["status"])})


def forget(conn: Connection, model: str, version: int) -> None:
    """Write that the registry does not have a version after all."""
    conn.execute(
        mirrored_versions.delete().where(
            mirrored_versions.c.model == model, mirrored_versions.c.version == version
        )
    )
