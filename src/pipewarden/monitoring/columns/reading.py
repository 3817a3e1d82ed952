"""Columns as they come: numbers in order, levels counted, and what could not be read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
#: Columns of any type, by name.
Columns = Mapping[str, NDArray[Any]]

#: Numbers beyond it have no square: no deviation could be computed.
_LARGEST = 1e150
_NUMBERS = "iufb"
_TEXT = "US"
_OBJECTS = "O"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumbersRead:
    """A column read as numbers.

    Parameters
    ----------
    values
        The finite ones, ascending.
    missing
        Rows without a value: none, not finite, a code for none, or ``unreadable``. A number beyond
        1e150, whose square is none, counts as not finite.
    unreadable
        Rows with something that is no number.
    """

    values: Floats
    rows: int
    missing: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsRead:
    """A column read as levels of a category; fields as in `NumbersRead`."""

    counts: Mapping[str, int]
    rows: int
    missing: int
    unreadable: int


def column_of(values: Any) -> NDArray[Any]:
    """Return values as an array of one dimension, each as it is: texts stay texts."""
    if isinstance(values, np.ndarray):
        return values
    listed = list(values)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out


def is_text(column: NDArray[Any]) -> bool:
    """Say whether a column is a category by its look: it holds text, or truth values."""
    if column.dtype.kind != _OBJECTS:
        return column.dtype.kind in _TEXT or column.dtype.kind == "b"
    kinds = set(map(type, column.ravel().tolist()))
    return any(issubclass(kind, str | bool | np.bool_) for kind in kinds)


def read_numbers(column: NDArray[Any], codes: Sequence[float] = ()) -> NumbersRead:
    """Read a column as numbers; sorts once, and makes a copy.

    Parameters
    ----------
    codes
        Numbers that stand for a missing value.
    """
    rows = column.size
    plain, unreadable = as_floats(column)
    plain = np.sort(plain)  # NaN comes last, so the finite ones are one slice
    low, high = np.searchsorted(plain, (-_LARGEST, _LARGEST)).tolist()
    values = plain[low:high]
    if len(codes) and values.size:
        values = values[~np.isin(values, np.asarray(codes, dtype=np.float64))]
    return NumbersRead(values=values, rows=rows, missing=rows - values.size, unreadable=unreadable)


def read_levels(column: NDArray[Any], tokens: Collection[str] = ()) -> LevelsRead:
    """Read a column as levels of a category.

    Parameters
    ----------
    tokens
        Texts that stand for a missing value.
    """
    rows = column.size
    if column.dtype.kind in _NUMBERS:
        found, counted = np.unique(column, return_counts=True)
        raw = Counter(dict(zip(found.tolist(), counted.tolist(), strict=True)))
    elif column.dtype.kind in _TEXT + _OBJECTS:
        raw, unhashable = _counted(column.ravel().tolist())
        raw[_Unreadable] += unhashable
    else:
        raw = Counter({_Unreadable: rows})
    counts: Counter[str] = Counter()
    unreadable = 0
    for value, count in raw.items():
        name = level_of(value)
        if name is None:
            unreadable += count if not _is_missing(value) else 0
        elif name not in tokens:
            counts[name] += count
    known = sum(counts.values())
    return LevelsRead(counts=dict(counts), rows=rows, missing=rows - known, unreadable=unreadable)


def level_of(value: object) -> str | None:
    """Return the name of a value as a level: 1, 1.0 and "1" are one; None where it is no level."""
    match value:
        case str():
            name = value
        case bool() | np.bool_():
            name = str(bool(value)).lower()
        case bytes():
            name = value.decode("utf-8", "replace")
        case int() | np.integer():
            name = str(int(value))
        case float() | np.floating() if math.isfinite(value):
            plain = float(value)
            name = str(int(plain)) if plain.is_integer() else repr(plain)
        case _:
            return None
    return name


def as_floats(column: NDArray[Any]) -> tuple[Floats, int]:
    """Return a column as numbers, NaN elsewhere, and how many are neither a number nor none."""
    kind = column.dtype.kind
    if kind in _NUMBERS:
        return column.ravel().astype(np.float64, copy=False), 0
    if kind != _OBJECTS:
        return np.full(column.size, np.nan), column.size
    listed = column.ravel().tolist()
    if all(issubclass(type_, _ARITHMETIC) for type_ in set(map(type, listed))):
        try:
            return np.array(listed, dtype=np.float64), 0
        except OverflowError:  # an integer beyond every float
            pass
    read = [_float(value) for value in listed]
    unreadable = sum(value is None for value in read)
    return np.array(read, dtype=np.float64), unreadable


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


class _Unreadable:
    """Stands for a value that is neither a number nor a text."""


def _is_missing(value: object) -> bool:
    return value is None or isinstance(value, float | np.floating)


def _counted(values: list[Any]) -> tuple[Counter[Any], int]:
    try:
        return _by_type(values), 0
    except TypeError:  # a list or a mapping among them
        hashable = [value for value in values if value.__hash__ is not None]
        return _by_type(hashable), len(values) - len(hashable)


def _by_type(values: list[Any]) -> Counter[Any]:
    """Count values; truth values by their names, since True equals 1."""
    if {bool, np.bool_}.isdisjoint(map(type, values)):
        return Counter(values)
    return Counter(level_of(v) if isinstance(v, bool | np.bool_) else v for v in values)


_ARITHMETIC = (int, float, np.integer, np.floating, np.bool_, type(None))


def _float(value: object) -> float | None:
    """Return a number, NaN for none, or None where the value is something else."""
    if value is None:
        return math.nan
    if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
