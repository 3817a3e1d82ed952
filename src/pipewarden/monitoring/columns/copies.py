"""Rows that are there twice, found by a number for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.columns.reading import level_of

Hashes = NDArray[np.uint64]
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
#: Rows that are mixed at once: they stay in the processor's cache.
_AT_ONCE = 16_384
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def row_hashes(columns: Mapping[str, NDArray[Any]]) -> Hashes | None:
    """Return a number for each row, equal for equal rows; None where columns differ in length."""
    sizes = {column.size for column in columns.values()}
    if len(sizes) != 1 or any(column.ndim != 1 for column in columns.values()):
        return None
    mixed = np.zeros(next(iter(columns.values())).size, dtype=np.uint64)
    for name in sorted(columns):
        column = columns[name]
        for start in range(0, mixed.size, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            mixed[part] = _mixed(mixed[part] * _ODD + _plain(column[part]))
    return mixed


def copies(hashes: Hashes) -> int:
    """Return how many rows are equal to one before them."""
    ordered = np.sort(hashes)
    return int((ordered[1:] == ordered[:-1]).sum())


def equal_pairs(columns: Mapping[str, NDArray[Any]]) -> float | None:
    """Return the share of equal ones among all pairs of rows, which no number of rows changes."""
    hashes = row_hashes(columns)
    if hashes is None or hashes.size < 2:
        return None
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return 0.0
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    groups = np.diff(starts, append=ordered.size).astype(np.float64)
    rows = float(hashes.size)
    return float((groups * (groups - 1)).sum() / (rows * (rows - 1)))


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _plain(column: NDArray[Any]) -> Hashes:
    if column.dtype.kind in "iufb":
        numbers = column.ravel().astype(np.float64) + 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan  # one of the many NaNs
        return _mixed(numbers.view(np.uint64))
    listed = column.ravel().tolist()
    return np.array([_hash(value) for value in listed], dtype=np.uint64)


def _hash(value: Any) -> int:
    """Return the same for 1, 1.0 and "1", as `level_of` does, and for every missing value."""
    return hash(level_of(value)) & 0xFFFFFFFFFFFFFFFF


def _mixed(numbers: Hashes) -> Hashes:
    """Scatter 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood 2014)."""
    mixed = numbers ^ (numbers >> _SHIFTS[0])
    mixed *= _MIX[0]
    mixed ^= mixed >> _SHIFTS[1]
    mixed *= _MIX[1]
    mixed ^= mixed >> _SHIFTS[2]
    return mixed
