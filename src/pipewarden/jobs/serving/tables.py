"""Files of rows: read as a model takes them, and written again with its answers added."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import orjson

from pipewarden.errors import BadInput, MissingExtra, SourceNotFound, UsageError
from pipewarden.models.serving.signature import Signature
from pipewarden.store.files import durable

#: What a cell of a text file holds where there is no value, unless the signature says so.
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"})
_TRUTHS = {"true": True, "false": False}
#: Types whose cells are texts, whatever they look like.
_TEXTS = frozenset({"category", "string", "str", "text"})
_KINDS = ".csv, .csv.gz, .jsonl, .jsonl.gz or .parquet"


class Row(NamedTuple):
    """A row of a file.

    Parameters
    ----------
    values
        What the model is asked: the features that it knows, as it takes them.
    cells
        All that stands in the row, as it stands there.
    line
        Where the row ends; in Parquet its number.
    """

    values: dict[str, Any]
    cells: dict[str, Any]
    line: int


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


def rows_of(path: Path, signature: Signature) -> Iterator[Row]:
    """Yield the rows of a file; values of text files become what the signature says.

    One that is not what it should be stays a text, which no model takes for a number. Without a
    signature the model takes all, and every text that is a number becomes one.

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


def _csv(path: Path, signature: Signature) -> Iterator[Row]:
    types = _types(signature)
    missing = MISSING if signature.missing is None else signature.missing | {""}
    with _text(path, "rt") as file:
        reader = csv.DictReader(file, strict=True)
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise BadInput("repeated_column", f"{path} has two columns of one name")
        known = dict.fromkeys(names, "") if types is None else types
        asked = [(name, kind) for name, kind in known.items() if name in names]
        for row in reader:
            if None in row or None in row.values():
                raise BadInput(
                    "uneven_row", f"{path}, line {reader.line_num}: other than {len(names)} cells"
                )
            values = {name: _cell(row[name], kind, missing) for name, kind in asked}
            yield Row(values, row, reader.line_num)


def _types(signature: Signature) -> dict[str, str] | None:
    """Return the type of every feature, or None where any column may be one."""
    return None if signature.inputs is None else {one.name: one.type for one in signature.inputs}


def _cell(text: str, kind: str, missing: frozenset[str]) -> Any:
    if text.strip() in missing:
        return None
    if kind in _TEXTS:
        return text
    if kind in ("boolean", "bool"):
        return _TRUTHS.get(text.strip().lower(), text)
    if "_" in text:  # Python reads 1_000 as a number, tables do not
        return text
    try:
        return int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        return text


def _lines(path: Path, signature: Signature) -> Iterator[Row]:
    types = _types(signature)
    with _text(path, "rt") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = orjson.loads(line)
                if not isinstance(row, dict):
                    raise BadInput("no_row", f"{path}, line {number} is no JSON object")
                asked = row if types is None else {k: v for k, v in row.items() if k in types}
                yield Row(asked, row, number)


def _parquet(path: Path, signature: Signature) -> Iterator[Row]:
    types = _types(signature)
    with _pyarrow().ParquetFile(path) as file:
        rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
        for number, held in enumerate(rows, 1):
            row = {name: _finite(value) for name, value in held.items()}
            asked = row if types is None else _asked(row, types)
            yield Row(asked, row, number)


def _asked(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """Return what the model knows of a row; a category by its text."""
    return {
        name: _level(value) if types[name] in _TEXTS else value
        for name, value in row.items()
        if name in types
    }


def _level(value: Any) -> Any:
    """Return the text that a number or truth is as a category, as training reads it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value) if isinstance(value, int) else value


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
