"""What a baseline keeps of one column: enough to compare a window with, and no more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pipewarden.monitoring.columns.reading import Counts, Floats, LevelsRead, NumbersRead

#: Cells of numbers for shares: tenths of the baseline, or one for each value where there are fewer.
CELLS = 10
#: Values that are added up at once: they stay in the processor's cache.
_AT_ONCE = 16_384
#: More levels than these are names, not a category.
MOST_LEVELS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrozenNumbers:
    """A column of numbers.

    Parameters
    ----------
    rows, missing
        Of the whole column, whatever is kept of it.
    values
        Distinct values, ascending: all there were or, beyond the limit, the middles of as many
        equal parts of them.
    counts
        How many each stands for.
    mean, deviation, minimum, maximum
        Of all values; ``deviation`` is the standard deviation (n in the denominator).
    edges
        Upper bounds, inclusive, of all cells but the last.
    cells
        Values in each.
    codes
        Numbers that stand for a missing value.
    """

    rows: int
    missing: int
    values: Floats
    counts: Counts
    mean: float
    deviation: float
    minimum: float
    maximum: float
    edges: Floats
    cells: Counts
    codes: tuple[float, ...] = ()

    @classmethod
    def of(cls, read: NumbersRead, limit: int | None, codes: Sequence[float] = ()) -> Self:
        """Freeze a column that was read; at most ``limit`` values of it, or all."""
        values = read.values
        size = values.size
        kept = values
        if limit is not None and size > limit:
            kept = values[((np.arange(limit) + 0.5) * (size / limit)).astype(np.int64)]
        distinct, counts = _runs(kept)
        mean = float(values.mean()) if size else 0.0
        edges = _edges(values, distinct)
        return cls(
            rows=read.rows,
            missing=read.missing,
            values=distinct,
            counts=counts,
            mean=mean,
            deviation=_deviation(values, mean),
            minimum=float(values[0]) if size else 0.0,
            maximum=float(values[-1]) if size else 0.0,
            edges=edges,
            cells=cells_of(values, edges),
            codes=tuple(float(code) for code in codes),
        )

    @property
    def sample(self) -> int:
        """The values that it was made from."""
        return self.rows - self.missing

    @property
    def constant(self) -> bool:
        """Whether there was one value only, as far as a deviation can tell."""
        return self.minimum == self.maximum or self.deviation == 0.0

    @property
    def discrete(self) -> bool:
        """Whether there were so few different values that each is a cell."""
        return self.values.size <= CELLS

    def as_document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "kind": "numbers",
            "rows": self.rows,
            "missing": self.missing,
            "values": self.values.tolist(),
            "counts": None if (self.counts == 1).all() else self.counts.tolist(),
            "mean": self.mean,
            "deviation": self.deviation,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "edges": self.edges.tolist(),
            "cells": self.cells.tolist(),
            "codes": list(self.codes),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what `as_document` gave."""
        values = np.array(document["values"], dtype=np.float64)
        counts = document["counts"]
        return cls(
            rows=int(document["rows"]),
            missing=int(document["missing"]),
            values=values,
            counts=_ones(values.size) if counts is None else np.array(counts, np.int64),
            mean=float(document["mean"]),
            deviation=float(document["deviation"]),
            minimum=float(document["minimum"]),
            maximum=float(document["maximum"]),
            edges=np.array(document["edges"], dtype=np.float64),
            cells=np.array(document["cells"], dtype=np.int64),
            codes=tuple(document["codes"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenLevels:
    """A column of categories.

    Parameters
    ----------
    counts
        Level → rows.
    tokens
        Texts that stand for a missing value.
    """

    rows: int
    missing: int
    counts: Mapping[str, int]
    tokens: tuple[str, ...] = ()

    @classmethod
    def of(cls, read: LevelsRead, tokens: Sequence[str] = ()) -> Self:
        """Freeze a column that was read; of names, which differ in most rows, nothing but that."""
        ordered = sorted(read.counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(
            rows=read.rows,
            missing=read.missing,
            counts=dict(ordered[: MOST_LEVELS + 1]),
            tokens=tuple(tokens),
        )

    @property
    def sample(self) -> int:
        """The values that it was made from."""
        return self.rows - self.missing

    @property
    def constant(self) -> bool:
        """Whether there was one level only."""
        return len(self.counts) == 1

    @property
    def names(self) -> bool:
        """Whether there are so many levels that shares of them say nothing."""
        return len(self.counts) > MOST_LEVELS

    def as_document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "kind": "levels",
            "rows": self.rows,
            "missing": self.missing,
            "counts": dict(self.counts),
            "tokens": list(self.tokens),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what `as_document` gave."""
        return cls(
            rows=int(document["rows"]),
            missing=int(document["missing"]),
            counts={str(name): int(count) for name, count in document["counts"].items()},
            tokens=tuple(document["tokens"]),
        )


Frozen = FrozenNumbers | FrozenLevels


def frozen_from(document: Mapping[str, Any]) -> Frozen:
    """Return a column of either kind from its document."""
    kind = FrozenNumbers if document["kind"] == "numbers" else FrozenLevels
    return kind.from_document(document)


def cells_of(values: Floats, edges: Floats) -> Counts:
    """Return how many of ascending values fall into each cell."""
    ends = np.searchsorted(values, edges, side="right")
    return np.diff(ends, prepend=0, append=values.size).astype(np.int64)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _deviation(values: Floats, mean: float) -> float:
    parts = (values[at : at + _AT_ONCE] - mean for at in range(0, values.size, _AT_ONCE))
    return math.sqrt(sum(float(np.square(part).sum()) for part in parts) / max(1, values.size))


def _ones(size: int) -> Counts:
    """Return as many ones, in the memory of one."""
    return np.broadcast_to(np.int64(1), (size,))


def _runs(values: Floats) -> tuple[Floats, Counts]:
    """Return the distinct ones of ascending values, and how often each is there."""
    first = np.empty(values.size, dtype=np.bool_)
    first[:1] = True
    np.not_equal(values[1:], values[:-1], out=first[1:])
    if first.all():
        return values, _ones(values.size)
    starts = np.flatnonzero(first)
    return values[starts], np.diff(starts, append=values.size).astype(np.int64)


def _edges(values: Floats, distinct: Floats) -> Floats:
    if distinct.size <= CELLS:
        return distinct[:-1].copy()
    at = (np.arange(1, CELLS) * values.size) // CELLS - 1
    edges: Floats = np.unique(values[at])
    return edges[: np.searchsorted(edges, values[-1])]
