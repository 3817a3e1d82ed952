"""A table in memory: numbers in the order of its content, with what was found wrong about it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipewarden as pw
from pipewarden.pipelines.credit.data.description import Column, TableDescription

Numbers = NDArray[np.float64]
Hashes = NDArray[np.uint64]
_MOST_EVIDENCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Labelled rows, sorted by what they hold, so that the order in the file means nothing.

    Parameters
    ----------
    values
        One row each, one column for each column of the description; NaN where a value is missing,
        the index of its level where it is a category.
    labels
        1.0 and 0.0.
    hashes
        Of each row's features: equal rows have equal hashes, whatever else the table holds.
    times
        Seconds or numbers to order by, None without a time column.
    levels
        Of each category, sorted.
    quality
        What was found: see `pipewarden.pipelines.credit.data.table.table_of`.
    """

    values: Numbers
    labels: Numbers
    hashes: Hashes
    times: Numbers | None
    levels: Mapping[str, tuple[str, ...]]
    quality: Mapping[str, Any]

    def take(self, rows: NDArray[Any]) -> Table:
        """Return the table of these rows only."""
        times = None if self.times is None else self.times[rows]
        return replace(
            self,
            values=self.values[rows],
            labels=self.labels[rows],
            hashes=self.hashes[rows],
            times=times,
        )

    def __len__(self) -> int:
        return len(self.labels)


def table_of(columns: Mapping[str, Any], description: TableDescription) -> Table:
    """Return the rows that have a label, checked and sorted.

    What cannot be read as its type, lies out of range or is a code for a missing value is taken as
    missing, and counted by column in ``quality``, with ``rows``, ``unlabelled``, ``duplicates`` and
    ``unknown_columns``.

    Raises
    ------
    BadInput
        A column is missing, or a time does not read.
    """
    wanted = [description.target, *description.columns]
    absent = [
        name
        for name in wanted + ([description.time] if description.time else [])
        if name not in columns
    ]
    if absent:
        raise pw.BadInput("missing_columns", f"the table has no column {', '.join(absent)}")
    labels = _labels(columns[description.target], description)
    kept = ~np.isnan(labels)
    found: dict[str, Any] = {}
    levels: dict[str, tuple[str, ...]] = {}
    values = np.empty((len(labels), len(description.columns)))
    for at, (name, column) in enumerate(description.columns.items()):
        if column.type == "category":
            levels[name] = levels_of(columns[name], description.missing)
            values[:, at] = coded(columns[name], levels[name])
            found[name] = {"missing": int(np.isnan(values[kept, at]).sum())}
        else:
            raw, wrong = numbers(columns[name], description.missing)
            values[:, at], found[name] = checked(raw, column, wrong, kept)
    times = None if description.time is None else _times(columns[description.time])
    known = {*wanted, *description.ignore, description.time}
    quality = {
        "rows": len(labels),
        "unlabelled": int((~kept).sum()),
        "unknown_columns": sorted(set(columns) - known),
        "columns": found,
    }
    return _sorted(values, labels, times, kept, levels, quality, description)


def _sorted(
    values: Numbers,
    labels: Numbers,
    times: Numbers | None,
    kept: NDArray[np.bool_],
    levels: Mapping[str, tuple[str, ...]],
    quality: dict[str, Any],
    description: TableDescription,
) -> Table:
    values, labels = values[kept], labels[kept]
    hashes = row_hashes(values, list(description.columns), levels)
    order = np.lexsort((labels, hashes))
    table = Table(
        values=values[order],
        labels=labels[order],
        hashes=hashes[order],
        times=None if times is None else times[kept][order],
        levels=levels,
        quality=quality,
    )
    if table.times is not None:
        table = table.take(np.lexsort((table.labels, table.hashes, table.times)))
    with_label = np.stack([hashes, labels.view(np.uint64)], axis=1)
    quality["duplicates"] = int(len(labels) - len(np.unique(with_label, axis=0)))
    return table


def _labels(cells: Any, description: TableDescription) -> Numbers:
    if isinstance(cells, np.ndarray):
        cells = [None if math.isnan(v) else _level(v) for v in cells.tolist()]
    missing, positive = set(description.missing), description.positive
    return np.array([np.nan if c is None or c in missing else float(c == positive) for c in cells])


def _times(cells: Any) -> Numbers:
    if isinstance(cells, np.ndarray):
        times = np.asarray(cells, dtype=np.float64)
    else:
        times = np.array([_time(cell) for cell in cells])
    if np.isnan(times).any():
        row = int(np.flatnonzero(np.isnan(times))[0]) + 1
        raise pw.BadInput("unreadable_time", f"row {row} has no time that reads")
    return times


def _time(cell: str | None) -> float:
    try:
        return float(cell or "nan")
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(cell or "")
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def numbers(cells: Any, missing: Sequence[str]) -> tuple[Numbers, NDArray[np.intp]]:
    """Return cells as numbers, NaN where there is none, and the rows that are no finite number."""
    if isinstance(cells, np.ndarray):
        return np.where(np.isinf(cells), np.nan, cells), np.flatnonzero(np.isinf(cells))
    empty = set(missing)
    texts = ["nan" if c is None or c in empty else c for c in cells]
    try:
        if any("_" in text for text in texts):  # Python reads 1_000 as a number, tables do not
            raise ValueError
        found = np.array(texts).astype(np.float64)
        absent = np.array([text == "nan" for text in texts])
        wrong = ~absent & ~np.isfinite(found)
    except ValueError:
        found, absent = np.full(len(texts), np.nan), np.zeros(len(texts), dtype=bool)
        for at, text in enumerate(texts):
            absent[at] = text == "nan"
            try:
                found[at] = math.nan if "_" in text else float(text)
            except ValueError:
                continue
        wrong = ~absent & ~np.isfinite(found)
    found[wrong] = np.nan
    return found, np.flatnonzero(wrong)


def checked(
    raw: Numbers, column: Column, wrong: NDArray[np.intp], kept: NDArray[np.bool_]
) -> tuple[Numbers, dict[str, Any]]:
    """Return numbers with NaN for what does not hold, and the counts of what was found."""
    values = raw.copy()
    codes = np.isin(raw, column.missing_codes) if column.missing_codes else np.zeros(len(raw), bool)
    fraction = (raw % 1 != 0) & ~np.isnan(raw) if column.type == "integer" else codes & False
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    outside = ((raw < low) | (raw > high)) & ~codes
    values[codes | fraction | outside] = np.nan
    unread = np.zeros(len(raw), dtype=bool)
    unread[wrong] = True
    held = values[kept]
    told = held[~np.isnan(held)]
    counts = {
        "missing": int((np.isnan(raw) & ~unread & kept).sum()),
        "codes": int((codes & kept).sum()),
        "out_of_range": int((outside & kept).sum()),
        "wrong_type": int(((unread | fraction) & kept).sum()),
        "wrong_rows": [int(at) + 1 for at in np.flatnonzero(unread | fraction)[:_MOST_EVIDENCE]],
        "minimum": float(told.min()) if len(told) else None,
        "maximum": float(told.max()) if len(told) else None,
    }
    return values, counts


def levels_of(cells: Any, missing: Sequence[str]) -> tuple[str, ...]:
    """Return the levels of a category, sorted."""
    return tuple(sorted({_level(cell) for cell in cells} - {*missing, ""}))


def coded(cells: Any, levels: Sequence[str]) -> Numbers:
    """Return the index of each cell's level, NaN where it is missing or unknown."""
    index = {level: float(at) for at, level in enumerate(levels)}
    return np.array([index.get(_level(cell), math.nan) for cell in cells])


def with_levels_of(table: Table, rows: NDArray[np.intp], description: TableDescription) -> Table:
    """Return the table with the levels that these rows have; any other level is missing."""
    values, levels = table.values.copy(), dict(table.levels)
    for at, name in enumerate(description.columns):
        if name not in levels:
            continue
        column = table.values[:, at]
        held = np.unique(column[rows][~np.isnan(column[rows])])
        place = np.full(len(levels[name]) + 1, np.nan)  # the last is that of a missing value
        place[held.astype(np.int64)] = np.arange(len(held))
        values[:, at] = place[
            np.where(np.isnan(column), len(levels[name]), column).astype(np.int64)
        ]
        levels[name] = tuple(levels[name][int(code)] for code in held)
    return replace(table, values=values, levels=levels)


def _level(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float):  # every digit counts: 1234567 and 1234568 are two levels
        return str(int(cell)) if cell.is_integer() else repr(float(cell))
    return str(cell)


# ── identity ─────────────────────────────────────────────────────────────────────────────────────


def row_hashes(
    values: Numbers, names: Sequence[str], levels: Mapping[str, tuple[str, ...]]
) -> Hashes:
    """Return a 64-bit hash of each row by the names and values of its columns, in any order.

    Each cell is mixed with its column's name by the finaliser of SplitMix64 (Steele, Lea, Flood
    2014), and the cells are added up. A category counts by its text, not by its index.
    """
    total = np.zeros(len(values), dtype=np.uint64)
    for at, name in enumerate(names):
        if name in levels:
            codes = np.array([_seed(level) for level in levels[name]] + [0], dtype=np.uint64)
            column = values[:, at]
            bits = codes[np.where(np.isnan(column), len(levels[name]), column).astype(np.int64)]
        else:
            column = values[:, at] + 0.0  # -0.0 and 0.0 are one number
            bits = np.where(np.isnan(column), np.nan, column).view(np.uint64)
        total += mixed(bits ^ np.uint64(_seed(name)))
    return mixed(total)


def mixed(bits: Hashes) -> Hashes:
    """Return well mixed bits."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def fingerprint(table: Table, description: TableDescription) -> str:
    """Return ``sha256:<hex>`` of the content: names and cells, whatever the order of rows.

    Every cell of every row is in it, and the number of times that a row occurs.
    """
    names = sorted(description.columns)
    order = [list(description.columns).index(name) for name in names]
    cells = (
        np.column_stack(
            [table.values[:, order], table.labels] + ([] if table.times is None else [table.times])
        )
        + 0.0
    )
    cells[np.isnan(cells)] = np.nan
    rows = np.ascontiguousarray(cells).view(f"V{cells.shape[1] * 8}").ravel()
    held = hashlib.sha256(repr((names, sorted(table.levels.items()), description.target)).encode())
    for row in sorted(rows.tolist()):
        held.update(row)
    return "sha256:" + held.hexdigest()
