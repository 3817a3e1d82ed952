"""Files of rows, read so that one bad row costs that row and says where it is."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from pipewarden.errors import BadInput, MissingExtra, SourceNotFound
from pipewarden.jobs.serving.tables import MISSING, kind_of

_Faults = Callable[[Sequence[str]], str]
_TRUTHS = {"true": True, "false": False}


class Line(NamedTuple):
    """A row of a file: what it holds, or why it does not read.

    Parameters
    ----------
    number
        Where it ends; in Parquet its number.
    """

    number: int
    cells: Mapping[str, Any]
    fault: str = ""


def lines_of(path: Path, faults: _Faults) -> Iterator[Line]:
    """Yield the rows of a CSV, JSON lines or Parquet file, without holding them all.

    What is not there is left out of a row: an empty cell, null, NaN. A cell of a text file that is
    a number is one.

    Parameters
    ----------
    faults
        Says of the columns of a table why no row of it can be taken; empty where some can.

    Raises
    ------
    SourceNotFound
        There is no such file.
    UsageError
        Its name is of another kind.
    BadInput
        It does not read at all, or has other columns.
    MissingExtra
        Parquet, without the extra ``monitoring``.
    """
    read = {"csv": _csv, "jsonl": _json, "parquet": _parquet}[kind_of(path)]
    if not path.is_file():
        raise SourceNotFound(f"there is no file {path}")
    try:
        yield from read(path, faults)
    except (OSError, EOFError, ValueError) as error:
        raise BadInput("unreadable", f"{path} does not read: {error}") from error


def _refuse(path: Path, fault: str) -> None:
    if fault:
        raise BadInput("wrong_columns", f"{path} is no such table: {fault}")


def _text(path: Path) -> IO[str]:
    """Open a text; a byte that is not UTF-8 becomes a lone surrogate, which no row may have."""
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    file: IO[str] = opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return file


def _csv(path: Path, faults: _Faults) -> Iterator[Line]:
    with _text(path) as file:
        reader = csv.reader(file, strict=True)
        names = next(reader, [])
        if not names:  # an export that failed must not pass for a day without rows
            raise BadInput("no_header", f"{path} has no header: the file is empty")
        if len(set(names)) < len(names):
            raise BadInput("repeated_column", f"{path} has two columns of one name")
        _refuse(path, faults(names))
        while True:
            first = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                where = "" if first == reader.line_num else f", in the row from line {first} on"
                yield Line(reader.line_num, {}, f"{error}{where}")
                continue
            if row:
                yield _of_cells(reader.line_num, names, row)


def _of_cells(number: int, names: list[str], row: list[str]) -> Line:
    if len(row) != len(names):
        return Line(number, {}, f"{len(row)} cells, and the header has {len(names)}")
    if not all(map(_encodable, row)):
        return Line(number, {}, "a byte is not UTF-8")
    cells = {name: _value(text) for name, text in zip(names, row, strict=True)}
    return Line(number, {name: value for name, value in cells.items() if value is not None})


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text)


def _value(text: str) -> Any:
    """Return what a cell means; Python reads 1_000 as a number, tables do not."""
    held = text.strip()
    if held in MISSING:
        return None
    if "_" in held:
        return text
    try:
        number = float(held)
    except ValueError:
        return _TRUTHS.get(held.lower(), text)
    if not math.isfinite(number):
        return text
    return int(held) if held.lstrip("+-").isdigit() else number


def _json(path: Path, _: _Faults) -> Iterator[Line]:
    with _text(path) as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield _of_object(number, text)


def _of_object(number: int, text: str) -> Line:
    try:
        held = orjson.loads(text.encode("utf-8", "surrogateescape"))
    except orjson.JSONDecodeError as error:
        return Line(number, {}, f"it is not JSON: {error}")
    if not isinstance(held, dict):
        return Line(number, {}, "it is no JSON object")
    return Line(number, {name: value for name, value in held.items() if value is not None})


def _parquet(path: Path, faults: _Faults) -> Iterator[Line]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Parquet", "monitoring") from error
    with parquet.ParquetFile(path) as file:
        _refuse(path, faults(file.schema_arrow.names))
        rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
        for number, row in enumerate(rows, 1):
            yield Line(number, {name: value for name, value in row.items() if _there(value)})


def _there(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
