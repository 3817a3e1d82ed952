"""Tables to models of a yes or no: the built-in pipeline ``credit``.

Names are loaded on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipewarden.pipelines.credit.family import CreditFamily as CreditFamily
    from pipewarden.pipelines.credit.model import CreditModel as CreditModel
    from pipewarden.pipelines.credit.settings import CreditSettings as CreditSettings

_HOMES = {
    "CreditFamily": "family",
    "CreditModel": "model",
    "CreditSettings": "settings",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
