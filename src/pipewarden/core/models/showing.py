"""What a family may offer beside, so that people see its models: charts, and a yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pipewarden.core.models.families import ModelDocument


@runtime_checkable
class Pictured(Protocol):
    """A family that draws its models from their documents."""

    def charts(self, document: ModelDocument) -> Mapping[str, str]:
        """Return charts by name, such as ``calibration``, each an SVG element."""


@runtime_checkable
class PicturedForecast(Protocol):
    """A family that draws what its models forecast."""

    def forecast_chart(
        self, document: ModelDocument, rows: Sequence[Mapping[str, Any]], level: float
    ) -> str:
        """Return history, backtest and forecast with its interval, as an SVG element.

        Parameters
        ----------
        rows
            What the model of the document forecast, one a step.
        level
            Of the interval, in percent.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What all models of a run are measured by, beside the simplest that would do.

    Parameters
    ----------
    fact
        The short fact of an item that holds it, below 1 where the model beats the yardstick.
    name
        What it is, for an axis: ``error relative to the naive forecast``.
    against
        What has the value 1: ``the naive forecast``.
    """

    fact: str
    name: str
    against: str


@runtime_checkable
class Measured(Protocol):
    """A family of many models whose runs are summed up by one figure of each."""

    @property
    def yardstick(self) -> Yardstick:
        """What the figure is."""
