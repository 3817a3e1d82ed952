"""The face of the ``credit`` pipeline: from a table to a model of whether its target comes true.

Everything heavy is imported on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    from pipewarden.pipelines.credit.settings import CreditSettings

#: The declared version of the logic.
VERSION = "1"
PATTERNS = ("*.csv", "*.csv.gz", "*.parquet")
_TIMEOUT_SECONDS = 3_600.0
_MEMORY_BYTES = 8 << 30


def build(settings: Mapping[str, Any] | None = None) -> pw.Pipeline:
    """Return the pipeline under its own settings (``pipelines.credit``).

    Each file is a table that one model is trained on.

    Raises
    ------
    InvalidSettings
        A setting or the description of the table does not hold.
    """
    from pipewarden.pipelines.credit.data.description import load_description
    from pipewarden.pipelines.credit.family import CreditFamily
    from pipewarden.pipelines.credit.gates.checks import credit_gate
    from pipewarden.pipelines.credit.settings import credit_settings

    held = credit_settings(settings)
    load_description(held.description)
    return pw.Pipeline(
        name="credit",
        process=functools.partial(process, settings=held),
        pattern=PATTERNS,
        gate=credit_gate(held.preset),
        family=CreditFamily(),
        version=VERSION,
        settings=held.output_settings(),
        facts=facts,
        timeout=_TIMEOUT_SECONDS,
        memory_limit=_MEMORY_BYTES,
    )


def process(path: Path, settings: CreditSettings) -> dict[str, Any]:
    """Return the model document of a table.

    Raises
    ------
    BadInput
        The file is no table of the description, or has too few rows.
    MissingExtra
        The extra ``credit`` is not installed.
    """
    from pipewarden.pipelines.credit.training import train

    return train(path, settings)


def facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the short facts about a model that manifests and reports show."""
    metrics = document["metrics"]
    return {
        "model": document["model"],
        "rows": document["dataset"]["rows"],
        "auc": metrics["auc"]["value"],
        "brier": metrics["brier"]["value"],
        "f1": metrics["f1"]["value"],
    }
