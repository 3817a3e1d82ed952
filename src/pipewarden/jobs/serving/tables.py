"""Files of rows: read as a model takes them, and written again with its answers added."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import orjson

from pipewarden.errors import BadInput, MissingExtra, SourceNotFound, UsageError
from pipewarden.models.serving.signature import Signature
from pipewarden.store.files import durable

#: What a cell of a text file holds where there is no value.
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"})
_TRUTHS = {"true": True, "false": False}
_KINDS = ".csv, .csv.gz, .jsonl, .jsonl.gz or .parquet"


class Writer(Protocol):
    """Takes rows that all have the same columns."""

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some more rows."""


def kind_of(path: Path) -> str:
    """Return ``csv``, ``jsonl`` or ``parquet``.

    Raises
    ------
    UsageError
        The name is of another kind.
    """
    name = path.name.lower().removesuffix(".gz")
    for kind in ("csv", "jsonl", "parquet"):
        if name.endswith(f".{kind}"):
            return kind
    raise UsageError(f"{path} is no table: its name must end in {_KINDS}")


def rows_of(path: Path, signature: Signature) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; cells of text files become what the signature says.

    A cell that is not what it should be stays a text, which no model takes for a number.

    Raises
    ------
    SourceNotFound
        There is no such file.
    BadInput
        It does not read.
    MissingExtra
        Parquet, without the extra ``credit``.
    """
    if not path.is_file():
        raise SourceNotFound(f"there is no file {path}")
    try:
        yield from {"csv": _csv, "jsonl": _lines, "parquet": _parquet}[kind_of(path)](
            path, signature
        )
    except (UnicodeDecodeError, csv.Error, ValueError, OSError) as error:
        raise BadInput("unreadable", f"{path} does not read: {error}") from error


def _csv(path: Path, signature: Signature) -> Iterator[dict[str, Any]]:
    types = {one.name: one.type for one in signature.inputs or ()}
    with _text(path, "rt") as file:
        reader = csv.DictReader(file, strict=True)
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise BadInput("repeated_column", f"{path} has two columns of one name")
        for row in reader:
            if None in row or None in row.values():
                raise BadInput(
                    "uneven_row", f"{path}, line {reader.line_num}: other than {len(names)} cells"
                )
            yield {name: _cell(text, types.get(name, "")) for name, text in row.items()}


def _cell(text: str, kind: str) -> Any:
    if text.strip() in MISSING:
        return None
    if kind in ("category", "string", "str", "text"):
        return text
    if kind in ("boolean", "bool"):
        return _TRUTHS.get(text.strip().lower(), text)
    try:
        return int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        return text


def _lines(path: Path, _: Signature) -> Iterator[dict[str, Any]]:
    with _text(path, "rt") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = orjson.loads(line)
                if not isinstance(row, dict):
                    raise BadInput("no_row", f"{path}, line {number} is no JSON object")
                yield row


def _parquet(path: Path, _: Signature) -> Iterator[dict[str, Any]]:
    with _pyarrow().ParquetFile(path) as file:
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                yield {name: _finite(value) for name, value in row.items()}


def _pyarrow() -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Parquet", "credit") from error
    return parquet


def _text(path: Path, mode: str) -> IO[str]:
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    file: IO[str] = opened(path, mode, encoding="utf-8-sig" if "r" in mode else "utf-8", newline="")
    return file


@contextmanager
def written(path: Path, columns: Iterable[str]) -> Iterator[Writer]:
    """Give what takes rows for a file; the file has its name only when it is whole.

    Raises
    ------
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    durable.make_folder(path.parent)
    kind = kind_of(path)
    staged = durable.stage(path.parent, b"")
    ending = ".gz" if path.name.lower().endswith(".gz") else ""
    temporary = staged.with_name(staged.name + ending) if ending else staged
    try:
        with durable.storage_errors(path), _writer(kind, temporary, list(columns)) as writer:
            yield writer
        durable.replace(temporary, path)
    finally:
        staged.unlink(missing_ok=True)
        temporary.unlink(missing_ok=True)
    durable.sync_folder(path.parent)


@contextmanager
def _writer(kind: str, path: Path, columns: list[str]) -> Iterator[Writer]:
    if kind == "parquet":
        made = _ParquetWriter(path, columns)
        try:
            yield made
        finally:
            made.close()
        return
    with _text(path, "wt") as file:
        yield _CsvWriter(file, columns) if kind == "csv" else _LinesWriter(file)


class _CsvWriter:
    def __init__(self, file: IO[str], columns: list[str]) -> None:
        self._writer = csv.DictWriter(file, columns, lineterminator="\n")
        self._writer.writeheader()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._writer.writerows(rows)


class _LinesWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._file.writelines(orjson.dumps(dict(row)).decode() + "\n" for row in rows)


class _ParquetWriter:
    """Writes all rows at the end: only then the types of columns with holes are known."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._parquet, self._path = _pyarrow(), path
        self._held: dict[str, list[Any]] = {name: [] for name in columns}

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for name, cells in self._held.items():
            cells.extend(_finite(row.get(name)) for row in rows)

    def close(self) -> None:
        import pyarrow

        arrays = {name: _array(pyarrow, cells) for name, cells in self._held.items()}
        self._parquet.write_table(pyarrow.table(arrays), self._path)


def _array(pyarrow: Any, cells: list[Any]) -> Any:
    try:
        return pyarrow.array(cells)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):  # of several types: as text, all of them
        return pyarrow.array([None if cell is None else str(cell) for cell in cells])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
