"""SEC 10-K and 10-Q documents to risk factors: the built-in pipeline ``filings``.

Names are loaded on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipewarden.pipelines.filings.model import Filing as Filing
    from pipewarden.pipelines.filings.pipeline import (
        HealthCheckValidator as HealthCheckValidator,
        SECPreprocessingPipeline as SECPreprocessingPipeline,
        build as build,
    )
    from pipewarden.pipelines.filings.settings import FilingsSettings as FilingsSettings

_HOMES = {
    "Filing": "model",
    "FilingsSettings": "settings",
    "HealthCheckValidator": "pipeline",
    "SECPreprocessingPipeline": "pipeline",
    "build": "pipeline",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
