"""The face of the ``sales`` pipeline: from a table of weekly sales to one forecaster a series.

Everything heavy is imported on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    from pipewarden.pipelines.sales.settings import SalesSettings

#: The declared version of the logic.
VERSION = "1"
KEY = "unique_id"
_PATTERNS = ("*.csv", "*.csv.gz", "*.parquet")
_TIMEOUT_SECONDS = 120.0
_MEMORY_BYTES = 1 << 30


def build(settings: Mapping[str, Any] | None = None) -> pw.Pipeline:
    """Return the pipeline under its own settings (``pipelines.sales``).

    Its sources are tables of weekly rows, of which each series is a record; or a folder of tables
    with one series each.

    Raises
    ------
    InvalidSettings
        A setting does not hold.
    """
    from pipewarden.pipelines.sales.family import SalesFamily
    from pipewarden.pipelines.sales.gates.checks import sales_gate
    from pipewarden.pipelines.sales.series.reading import series_records
    from pipewarden.pipelines.sales.settings import max_age_days, sales_settings

    held = sales_settings(settings)
    return pw.Pipeline(
        name="sales",
        process=functools.partial(process, settings=held),
        pattern=_PATTERNS,
        records=KEY,
        reader=functools.partial(series_records, columns=held.columns),
        gate=sales_gate(),
        version=VERSION,
        settings=held.output_settings(),
        setup=_setup,
        facts=facts,
        engine_facts=_engine_facts,
        max_age_days=max_age_days(held),
        family=SalesFamily(),
        timeout=_TIMEOUT_SECONDS,
        memory_limit=_MEMORY_BYTES,
    )


def process(item: Path | Mapping[str, Any], settings: SalesSettings) -> dict[str, Any]:
    """Return the model document of a series: a record, or the one series that a table holds.

    Raises
    ------
    BadInput
        It is no weekly series.
    MissingExtra
        The extra ``sales`` is not installed.
    """
    from pipewarden.pipelines.sales.series.reading import one_record

    train = _training()
    record = one_record(item, settings.columns) if isinstance(item, Path) else item
    return train(record, settings)


def facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the short facts about a model that manifests and reports show."""
    metrics = document["metrics"]
    return {
        "model": document["model"],
        "chosen": document["parameters"]["chosen"],
        "weeks": document["dataset"]["weeks"],
        "mase": metrics["mase"]["value"],
        "relative_mase": metrics["relative_mase"],
    }


def _setup() -> None:
    """Load the libraries once a worker, before its first series is timed."""
    _training()
    try:
        from statsforecast import arima  # noqa: F401
    except ImportError:
        raise pw.MissingExtra("the sales pipeline", "sales") from None


def _training() -> Callable[[Mapping[str, Any], SalesSettings], dict[str, Any]]:
    try:
        import numpy  # noqa: F401 - what everything below needs
    except ImportError:
        raise pw.MissingExtra("the sales pipeline", "sales") from None
    from pipewarden.pipelines.sales.training import train

    return train


def _engine_facts() -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    names = ("statsforecast", "numpy", "pandas", "pyarrow")
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    facts_: dict[str, Any] = {"configured": list(names), "available": found, "in_use": found}
    if missing := [name for name in names if name not in found]:
        facts_["problem"] = f'{", ".join(missing)}: pip install "pipewarden[sales]"'
    return facts_
