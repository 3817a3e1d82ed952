"""What pipewarden asks of a kind of model: to be opened, compared with another, and tried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from pipewarden.core.gate import Gate

#: A trained model as its pipeline published it; see the reference of model documents.
ModelDocument = Mapping[str, Any]


@runtime_checkable
class Predictor(Protocol):
    """A model in memory that answers rows of named features."""

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return one answer a row, in order.

        Raises
        ------
        BadInput
            A row lacks a feature, or holds what the model cannot take.
        """


@runtime_checkable
class Forecaster(Protocol):
    """A model in memory that continues a series."""

    def forecast(self, horizon: int, level: float) -> list[Mapping[str, Any]]:
        """Return one row a step: ``step``, ``ds``, ``y_hat`` and the bounds of the interval.

        Parameters
        ----------
        horizon
            Steps after the end of the series.
        level
            Of the interval, in percent.
        """


class ModelFamily(Protocol):
    """What models of one pipeline have in common; all of it pure, and seeded where it draws."""

    def open(self, document: ModelDocument) -> Predictor | Forecaster:
        """Return the model of a document, ready to answer.

        Raises
        ------
        BadInput
            The document is not of this family, or its artifact does not read.
        """

    def smoke(self, document: ModelDocument, model: Predictor | Forecaster) -> Mapping[str, Any]:
        """Try a model on the sample that was frozen with it.

        Returns
        -------
        Evidence, with ``rows`` answered. Any sentence under ``problems``, and any of the counts
        ``non_finite``, ``out_of_range`` and ``mismatch`` that is not 0, speaks against the version.
        """

    def compare(
        self, challenger: ModelDocument, champion: ModelDocument | None
    ) -> Mapping[str, Any]:
        """Return the evidence for replacing ``champion``, by name, as the promotion gate judges it.

        Parameters
        ----------
        champion
            None when nothing is deployed yet.
        """

    def promotion_gate(self, preset: str) -> Gate:
        """Return the gate that decides on a replacement.

        Parameters
        ----------
        preset
            ``conservative``, ``default`` or ``aggressive``.
        """
