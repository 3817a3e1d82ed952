"""Versions and predictions by what they came from."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select

from pipewarden.core.models.deployments import ModelVersion, VersionStatus
from pipewarden.store.state.models.schema import model_versions


def of_dataset(conn: Connection, fingerprint: str, limit: int | None = None) -> list[ModelVersion]:
    """Return the versions that were trained on a dataset, in the order of their making."""
    return _versions(conn, model_versions.c.dataset == fingerprint, limit=limit)


def count(conn: Connection, **wanted: str) -> int:
    """Return how many versions there are whose columns hold this: ``dataset="…"``."""
    where = [model_versions.c[name] == value for name, value in wanted.items()]
    query = select(func.count()).select_from(model_versions).where(*where)
    return conn.execute(query).scalar_one()


def of_item(conn: Connection, family: str, item_key: str) -> list[ModelVersion]:
    """Return the versions that were made of an item of a family's sources, likewise."""
    return _versions(conn, model_versions.c.family == family, model_versions.c.item_key == item_key)


def _versions(
    conn: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[ModelVersion]:
    query = (
        select(model_versions)
        .where(*where)
        .order_by(model_versions.c.created_at, model_versions.c.model, model_versions.c.version)
        .limit(limit)
    )
    return [
        ModelVersion(**{**row, "status": VersionStatus(row["status"])})
        for row in conn.execute(query).mappings()
    ]
