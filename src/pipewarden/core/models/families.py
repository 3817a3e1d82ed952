"""What pipewarden asks of a kind of model: to be opened, compared with another, and tried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
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


class LabelReader(Protocol):
    """Says of a label what it means to a model."""

    @property
    def words(self) -> str:
        """Which labels it reads, as the end of a sentence."""

    def __call__(self, label: Any) -> bool | None:
        """Whether a label says yes; None: it says neither yes nor no."""


@runtime_checkable
class Labelling(Protocol):
    """What a family offers beside whose models say how likely something is to come true.

    Without it, any label is taken, and only numbers are judged by.
    """

    def label_reader(self, document: ModelDocument) -> LabelReader | None:
        """Return what reads the labels of a model; None where its document does not say."""


#: An answer whose truth is known: ``at``, ``entity``, ``inputs``, ``answer``, ``label`` and
#: ``label_at``, the time at which that became true.
LabelledRow = Mapping[str, Any]


@runtime_checkable
class Relearning(Protocol):
    """What a family offers beside whose models learn from what became true of their answers.

    The closed loop needs it: without it, a model is watched and rolled back, and never retrained.
    """

    def training_table(
        self,
        champion: ModelDocument,
        rows: Sequence[LabelledRow],
        older: Path | None,
        *,
        least: int,
        everything: bool,
    ) -> Mapping[str, Any]:
        """Return a table to train on, as the family's pipeline reads it.

        Parameters
        ----------
        rows
            The oldest first.
        older
            The table that the champion was trained on; None where it must not be used.
        least
            Rows of the older one are added until there are so many.
        everything
            All of its rows are added.

        Returns
        -------
        ``name`` of the file and its ``data`` as bytes; ``rows``, and ``added`` of the older table;
        ``rare``, the rows of the rarer class, or None.

        Raises
        ------
        BadInput
            The older table does not read.
        """

    def contest(
        self,
        challenger: ModelDocument,
        champion: ModelDocument,
        rows: Sequence[LabelledRow],
        *,
        level: float,
    ) -> Mapping[str, Any]:
        """Let two versions answer the same rows, and compare what they say with what came true.

        Parameters
        ----------
        rows
            None of them may have been trained on.
        level
            Of the intervals, 0 to 1.

        Returns
        -------
        ``metric``, ``higher_is_better``, ``rows``, and what each has of it: ``challenger`` and
        ``champion``; ``challenger_best`` is the better end of the interval. ``gain`` with
        ``gain_low`` and ``gain_high`` is what the challenger is better by, above 0 whichever way
        the metric runs. ``words`` says it all.

        Raises
        ------
        NotComputable
            The rows say nothing, such as where all labels are alike.
        """
