"""Tables of weekly rows (CSV, gzipped CSV, Parquet) to one record a series.

Rows of a series may stand anywhere in the table. What is wrong with a row is told of its series.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pipewarden as pw
from pipewarden.pipelines.sales.series.isbn import isbn13
from pipewarden.pipelines.sales.settings import ColumnSettings

#: How the names of tables end.
TABLES = (".csv", ".csv.gz", ".parquet")
KEY = "unique_id"
_NAMES = {
    "id": ("unique_id", "isbn", "isbn13", "isbn-13"),
    "date": ("ds", "end date", "end_date", "date", "week"),
    "value": ("y", "volume", "units", "value"),
    "title": ("title", "description"),
}
_MISSING = frozenset({"", "na", "nan", "null", "none"})
_MOST_PROBLEMS = 5
#: Days that are read once: all series of a table have the same weeks.
_DAYS_HELD = 10_000


@dataclass(slots=True)
class _Rows:
    """The rows of one series as they come."""

    weeks: list[str | int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    title: str = ""
    problems: list[str] = field(default_factory=list)

    def record(self, name: str) -> dict[str, Any]:
        """Return the record, its rows in the order of time."""
        order = sorted(range(len(self.weeks)), key=self._place)
        record: dict[str, Any] = {
            KEY: name,
            "ds": [self.weeks[at] for at in order],
            "y": [self.values[at] for at in order],
        }
        if self.title:
            record["title"] = self.title
        if self.problems:
            record["problems"] = self.problems[:_MOST_PROBLEMS]
        return record

    def _place(self, at: int) -> tuple[bool, str | int, float]:
        week, value = self.weeks[at], self.values[at]
        return isinstance(week, str), week, -math.inf if value is None else value


def series_records(path: Path, columns: ColumnSettings | None = None) -> Iterator[dict[str, Any]]:
    """Yield one record a series, in the order in which series begin in the table.

    Raises
    ------
    BadInput
        The file is no such table, or a column is missing or named twice.
    MissingExtra
        It is a Parquet file, and the extra ``sales`` is not installed.
    """
    header, rows = _table(path)
    places = _places(header, columns or ColumnSettings.model_validate({}), path.name)
    is_isbn = "isbn" in header[places["id"]].lower()
    found: dict[str, _Rows] = {}
    for number, row in rows:
        _add(found, number, row, places, is_isbn)
    for name, held in found.items():
        yield held.record(name)


def _add(
    found: dict[str, _Rows], number: int, row: list[Any], places: dict[str, int], is_isbn: bool
) -> None:
    if not any(str(cell).strip() for cell in row if cell is not None):
        return
    cells = {what: row[at] if at < len(row) else None for what, at in places.items()}
    name = _name(cells["id"])
    problem = "" if name else f"row {number} has no name of a series"
    if name and is_isbn:
        try:
            name = isbn13(name)
        except pw.BadInput as error:
            problem = error.message
    held = found.setdefault(name or f"row {number}", _Rows())
    try:
        week, value = _week(cells["date"]), _value(cells["value"])
    except ValueError as error:
        problem = problem or f"row {number}: {error}"
    else:
        held.weeks.append(week)
        held.values.append(value)
    if problem and problem not in held.problems:
        held.problems.append(problem)
    title = cells.get("title")
    if title is not None and not held.title:
        held.title = str(title).strip()


def _table(path: Path) -> tuple[list[str], Iterable[tuple[int, list[Any]]]]:
    if path.name.lower().endswith(".parquet"):
        return _parquet(path)
    return _csv(path)


def _csv(path: Path) -> tuple[list[str], Iterator[tuple[int, list[Any]]]]:
    def lines() -> Iterator[tuple[int, list[Any]]]:
        opened = gzip.open if path.name.lower().endswith(".gz") else open
        try:
            with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file)
                for row in reader:
                    yield reader.line_num, row
        except (UnicodeDecodeError, EOFError, csv.Error, gzip.BadGzipFile) as error:
            raise pw.BadInput("not_a_table", f"{path.name} does not read: {error}") from error

    rows = lines()
    header = next((row for _, row in rows if row), None)
    if header is None:
        raise pw.BadInput("empty_file", f"{path.name} is empty")
    return [str(name).strip() for name in header], rows


def _parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, list[Any]]]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise pw.MissingExtra("reading Parquet", "sales") from None

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise pw.BadInput("not_a_table", f"{path.name} does not read: {error}") from error

    def rows() -> Iterator[tuple[int, list[Any]]]:
        number = 0
        for batch in file.iter_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, list(row)

    return list(file.schema_arrow.names), rows()


def _places(header: list[str], columns: ColumnSettings, file: str) -> dict[str, int]:
    """Return where each needed column is; the title may be missing."""
    given = columns.model_dump()
    low = [name.lower() for name in header]
    places = {}
    for what, usual in _NAMES.items():
        wanted = (given[what].lower(),) if given[what] else usual
        hits = [at for name in wanted for at, held in enumerate(low) if held == name]
        if hits:
            places[what] = hits[0]
        elif what != "title":
            raise pw.BadInput(
                "missing_column",
                f"{file} has no column for the {what} ({' or '.join(wanted)}); it has "
                f"{', '.join(header)}",
            )
    return places


def _name(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _week(cell: Any) -> str | int:
    """Return a date as ISO text, or a whole number.

    Raises
    ------
    ValueError
        It is neither.
    """
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int):
        return cell
    text = "" if cell is None else str(cell).strip()
    if text.lstrip("-").isdecimal() and len(text) < 8:
        return int(text)
    return _day(text).isoformat()


@lru_cache(maxsize=_DAYS_HELD)
def _day(text: str) -> date:
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d %b %Y", "%Y%m%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, without a time
        except ValueError:
            continue
    raise ValueError(f"{text!r} is no date (YYYY-MM-DD) and no whole number")


def _value(cell: Any) -> float | None:
    if cell is None or str(cell).strip().lower() in _MISSING:
        return None
    try:
        value = float(str(cell).strip().replace(",", ""))
    except ValueError:
        raise ValueError(f"{cell!r} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is no finite number")
    return value


def one_record(path: Path, columns: ColumnSettings | None = None) -> Mapping[str, Any]:
    """Return the record of a table that holds a single series.

    Raises
    ------
    BadInput
        It holds none, or several.
    """
    found = list(series_records(path, columns))
    if len(found) != 1:
        raise pw.BadInput("not_one_series", f"{path.name} holds {len(found)} series, not one")
    return found[0]
