"""Files of tables: CSV, plain or gzipped, and Parquet, as columns of cells."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    pass

#: A column: numbers with NaN where one is missing, or texts with None.
Cells = "np.ndarray[Any, Any] | Sequence[str | None]"
PATTERNS = ("*.csv", "*.csv.gz", "*.parquet")


def read_table(path: Path) -> Mapping[str, Any]:
    """Return the columns of a file by name: arrays of numbers, or sequences of texts and None.

    Raises
    ------
    BadInput
        It is empty, damaged, not UTF-8, no table, or of another kind.
    MissingExtra
        It is Parquet, and pyarrow is not installed.
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        return _parquet(path)
    if name.endswith((".csv", ".csv.gz")):
        return _csv(path)
    raise pw.BadInput("unknown_format", f"{path.name} is neither CSV nor Parquet")


def _csv(path: Path) -> Mapping[str, Sequence[str | None]]:
    header, rows = read_rows(path)
    if not rows:
        raise pw.BadInput("no_rows", "the table has a header and no rows")
    return dict(zip(header, zip(*rows, strict=True), strict=True))


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a CSV file.

    Raises
    ------
    BadInput
        As `read_table`.
    """
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            header = next(reader, [])
            if not header:
                raise pw.BadInput("empty_file", "the file is empty")
            return header, _rows(header, reader)
    except UnicodeDecodeError as error:
        raise pw.BadInput("not_utf8", f"the file is not UTF-8: {error.reason}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise pw.BadInput("damaged_gzip", f"the gzip file is damaged: {error}") from error
    except csv.Error as error:
        raise pw.BadInput("no_table", f"the file is no table: {error}") from error


def _rows(header: list[str], reader: Any) -> list[list[str]]:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise pw.BadInput("repeated_column", f"two columns are named {', '.join(twice)}")
    width, rows = len(header), []
    for row in reader:
        if len(row) == width:
            rows.append(row)
        elif row:
            message = f"line {reader.line_num} has {len(row)} fields, the header {width}"
            raise pw.BadInput("ragged_row", message)
    return rows


def _parquet(path: Path) -> Mapping[str, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise pw.MissingExtra("Reading Parquet", "credit") from None
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise pw.BadInput("no_table", f"the file is no Parquet table: {error}") from error
    if not table.num_rows:
        raise pw.BadInput("no_rows", "the table has no rows")
    names = table.column_names
    if len(set(names)) != len(names):
        raise pw.BadInput("repeated_column", "two columns have the same name")
    return {name: _cells(table.column(name)) for name in names}


def _cells(column: Any) -> Any:
    import numpy as np
    import pyarrow.types as kinds

    if kinds.is_integer(column.type) or kinds.is_floating(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    return [None if value is None else _text(value) for value in column.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
