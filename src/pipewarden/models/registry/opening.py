"""Which registry the settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from pipewarden.core.models.deployments import ModelVersion
from pipewarden.models.registry.mirror import Mirror
from pipewarden.models.registry.mlflow_registry import MlflowRegistry
from pipewarden.settings import Settings
from pipewarden.store.state.database import Database

OFF = "off"
#: Draws a version: name → the text of an SVG file.
Pictures: TypeAlias = Callable[[ModelVersion, Mapping[str, Any]], Mapping[str, str]]


def mirror_of(
    settings: Settings,
    database: Database,
    objects: Path,
    clock: Callable[[], datetime],
    pictures: Pictures | None = None,
) -> Mirror | None:
    """Return what shows our state in the registry of the settings; None where there is none.

    Parameters
    ----------
    objects
        The folder of the object store.
    pictures
        Draws versions that are registered; see `Mirror`.

    Raises
    ------
    MissingExtra
        A registry is named, and MLflow is not installed.
    DependencyUnavailable
        It does not answer.
    """
    uri = settings.models.tracking_uri
    if uri == OFF or (not uri and find_spec("mlflow") is None):
        return None
    folder = settings.in_home(Path(".pipewarden"))
    if not uri:
        uri = f"sqlite:///{(folder / 'mlflow.db').absolute().as_posix()}"
    return Mirror(
        database=database,
        registry=MlflowRegistry(uri, folder / "mlartifacts"),
        objects=objects,
        environments=tuple(settings.models.environments),
        champion=settings.models.champion,
        clock=clock,
        pictures=pictures,
    )
