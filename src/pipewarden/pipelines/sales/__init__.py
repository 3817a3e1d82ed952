"""One forecaster a weekly series, chosen by backtest: the built-in pipeline ``sales``.

Names are loaded on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipewarden.pipelines.sales.artifact import SeriesModel as SeriesModel, opened as opened
    from pipewarden.pipelines.sales.settings import (
        SalesSettings as SalesSettings,
        sales_settings as sales_settings,
    )
    from pipewarden.pipelines.sales.training import train as train

_HOMES = {
    "SalesSettings": "settings",
    "SeriesModel": "artifact",
    "opened": "artifact",
    "sales_settings": "settings",
    "train": "training",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
