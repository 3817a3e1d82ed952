"""The forecasts of many models as one table, CSV or Parquet."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pipewarden as pw
from pipewarden.pipelines.sales.artifact import opened

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Written:
    """What a table of forecasts holds.

    Parameters
    ----------
    series, rows
        How many were written.
    problems
        Model → why it has no forecast in the table.
    """

    series: int
    rows: int
    problems: Mapping[str, str]


class _Table(Protocol):
    def add(self, rows: list[Mapping[str, Any]]) -> None: ...


def columns_of(level: float) -> tuple[str, ...]:
    """Return the columns of the table."""
    return "unique_id", "ds", "step", "y_hat", f"lo_{level:g}", f"hi_{level:g}"


def forecast_all(
    documents: Iterable[Mapping[str, Any]], horizon: int, level: float, output_path: Path
) -> Written:
    """Write the forecasts of every model; a model that does not open is told, and costs itself.

    The table appears under its name only when it is whole.

    Parameters
    ----------
    documents
        Model documents, read one at a time.
    horizon
        Weeks ahead.
    level
        Of the intervals, in percent.
    output_path
        Ends in ``.csv`` or ``.parquet``.

    Raises
    ------
    UsageError
        The name ends otherwise.
    StorageUnavailable
        The table cannot be written.
    MissingExtra
        Parquet is asked for, and the extra ``sales`` is not installed.
    """
    problems: dict[str, str] = {}
    series = total = 0
    with _table(output_path, columns_of(level)) as table:
        waiting: list[Mapping[str, Any]] = []
        for document in documents:
            try:
                waiting += opened(document).forecast(horizon, level)
            except pw.BadInput as error:
                problems[str(document.get("model"))] = error.message
                continue
            series += 1
            if len(waiting) >= _ROWS_AT_ONCE:
                table.add(waiting)
                total += len(waiting)
                waiting = []
        table.add(waiting)
        total += len(waiting)
    return Written(series, total, problems)


@contextmanager
def _table(path: Path, columns: tuple[str, ...]) -> Iterator[_Table]:
    """Give a table under a temporary name, and its own name when all went well."""
    kinds = {".csv": _csv, ".parquet": _parquet}
    if path.suffix.lower() not in kinds:
        raise pw.UsageError(
            f"a table of forecasts cannot be named {path.name!r}",
            next_step="give a name that ends in .csv or .parquet",
        )
    waiting = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with kinds[path.suffix.lower()](waiting, columns) as table:
            yield table
        waiting.replace(path)
    except OSError as error:
        raise pw.StorageUnavailable(
            f"the forecasts cannot be written to {path}: {error.strerror}"
        ) from error
    finally:
        waiting.unlink(missing_ok=True)


class _CsvTable:
    def __init__(self, writer: csv.DictWriter[str]) -> None:
        self._writer = writer

    def add(self, rows: list[Mapping[str, Any]]) -> None:
        self._writer.writerows(rows)


@contextmanager
def _csv(path: Path, columns: tuple[str, ...]) -> Iterator[_Table]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        yield _CsvTable(writer)


class _ParquetTable:
    def __init__(self, library: Any, writer: Any) -> None:
        self._library, self._writer = library, writer

    def add(self, rows: list[Mapping[str, Any]]) -> None:
        if rows:
            schema = self._writer.schema
            texts = [{**row, "ds": str(row["ds"])} for row in rows]
            self._writer.write_table(self._library.Table.from_pylist(texts, schema))


@contextmanager
def _parquet(path: Path, columns: tuple[str, ...]) -> Iterator[_Table]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise pw.MissingExtra("writing Parquet", "sales") from None

    kinds = {"unique_id": pa.string(), "ds": pa.string(), "step": pa.int32()}
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in columns])
    with pq.ParquetWriter(path, schema) as writer:
        yield _ParquetTable(pa, writer)
