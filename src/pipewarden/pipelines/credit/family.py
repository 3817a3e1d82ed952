"""What models of this family have in common: how they are opened, tried out and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    from pipewarden.pipelines.credit.data.truth import Truth
    from pipewarden.pipelines.credit.model import CreditModel


class CreditFamily:
    """The family ``credit``: classifiers of rows of named features."""

    def open(self, document: Mapping[str, Any]) -> CreditModel:
        """Return the model of a document, ready to answer.

        Raises
        ------
        BadInput
            The document is not of this family, or its artifact does not read.
        MissingExtra
            The extra ``credit`` is not installed.
        """
        from pipewarden.pipelines.credit.model import open_model

        return open_model(document)

    def charts(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Return a model drawn: calibration, ROC, precision and recall, and its groups."""
        from pipewarden.pipelines.credit.charts import charts

        return charts(document)

    def smoke(self, document: Mapping[str, Any], model: Any) -> Mapping[str, Any]:
        """Let a model answer the rows that were frozen with it.

        Returns
        -------
        Evidence: ``rows``, ``non_finite``, ``out_of_range``, ``mismatches`` with the stored scores,
        ``seconds`` and ``problems``, a list of sentences, empty when all is well.
        """
        from pipewarden.pipelines.credit.trial import tried

        return tried(document, model)

    def compare(
        self, challenger: Mapping[str, Any], champion: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Return the evidence for replacing ``champion``, on the challenger's labelled rows.

        Raises
        ------
        BadInput
            A document is not of this family.
        """
        from pipewarden.pipelines.credit.evaluation.comparing import compared

        return compared(challenger, champion)

    def promotion_gate(self, preset: str = "default") -> pw.Gate:
        """Return the gate that decides on a replacement.

        Raises
        ------
        InvalidSettings
            The preset does not exist.
        """
        from pipewarden.pipelines.credit.gates.promotion import promotion_gate

        return promotion_gate(preset)

    def label_reader(self, document: Mapping[str, Any]) -> Truth | None:
        """Return what reads labels as the table of a model means them; None: it does not say."""
        from pipewarden.pipelines.credit.data.truth import Truth

        return Truth.of(document)

    def training_table(
        self,
        champion: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        older: Path | None,
        *,
        least: int,
        everything: bool,
    ) -> Mapping[str, Any]:
        """Return labelled answers as a table to train on, with rows of the older one.

        Raises
        ------
        BadInput
            The older table does not read.
        """
        from pipewarden.pipelines.credit.relearning import training_table

        return training_table(champion, rows, older, least=least, everything=everything)

    def contest(
        self,
        challenger: Mapping[str, Any],
        champion: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        *,
        level: float,
    ) -> Mapping[str, Any]:
        """Return by how much the challenger ranks the same labelled rows better.

        Raises
        ------
        NotComputable
            The labels are all alike.
        """
        from pipewarden.pipelines.credit.relearning import contest

        return contest(challenger, champion, rows, level=level)
