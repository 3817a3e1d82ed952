"""What models of the family ``sales`` have in common; what is heavy is imported on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    from pipewarden.pipelines.sales.artifact import SeriesModel


class SalesFamily:
    """The family of weekly forecasters."""

    #: What a run's models are summed up by.
    yardstick = pw.Yardstick(
        fact="relative_mase",
        name="error relative to the better naive forecast (MASE)",
        against="the naive forecast",
    )

    def open(self, document: Mapping[str, Any]) -> SeriesModel:
        """Return the model of a document.

        Raises
        ------
        BadInput
            The document is of another family, or its artifact does not read.
        """
        from pipewarden.pipelines.sales.artifact import opened

        return opened(document)

    def smoke(self, document: Mapping[str, Any], model: Any) -> dict[str, Any]:
        """Forecast as far as was stored with the version, and tell what is wrong."""
        from pipewarden.pipelines.sales.comparison import smoke

        return smoke(document, model)

    def compare(
        self, challenger: Mapping[str, Any], champion: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return the evidence for replacing the champion, as the promotion gate judges it."""
        from pipewarden.pipelines.sales.comparison import compare

        return compare(challenger, champion)

    def charts(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Return a model drawn: ``forecast`` and, where there was a backtest, ``errors``."""
        from pipewarden.pipelines.sales.charts import charts

        return charts(document)

    def forecast_chart(
        self, document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], level: float
    ) -> str:
        """Return history, backtest and forecast with its interval, as an SVG element."""
        from pipewarden.pipelines.sales.charts import forecast_chart

        return forecast_chart(document, rows, level)

    def promotion_gate(self, preset: str = "default") -> pw.Gate:
        """Return the gate that decides on a replacement.

        Raises
        ------
        UnknownName
            There is no such preset.
        """
        from pipewarden.pipelines.sales.gates.promotion import sales_promotion_gate

        return sales_promotion_gate(preset)

    def training_table(
        self,
        champion: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        older: Path | None,
        *,
        least: int,
        everything: bool,
    ) -> Mapping[str, Any]:
        """Return the series with the weeks that became true of its forecasts.

        Its past is always in it: that of the older table, else what the champion kept of it.

        Raises
        ------
        BadInput
            The older table does not read.
        """
        from pipewarden.pipelines.sales.relearning import training_table

        return training_table(champion, rows, older, least=least, everything=everything)

    def contest(
        self,
        challenger: Mapping[str, Any],
        champion: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        *,
        level: float,
    ) -> Mapping[str, Any]:
        """Return by how much the challenger's error is lower on weeks that neither was fitted on.

        Raises
        ------
        NotComputable
            There are too few such weeks.
        """
        from pipewarden.pipelines.sales.relearning import contest

        return contest(challenger, champion, rows, level=level)
