"""Which rows train, which choose the threshold, and which are only looked at in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipewarden as pw
from pipewarden.pipelines.credit.data.table import Hashes, Numbers, Table, mixed

Rows = NDArray[np.intp]
#: So that the folds have nothing to do with the split.
_FOLDS = np.uint64(0xF01D5)
#: Fewer of a class than this in any part, and nothing can be said about it.
LEAST_OF_A_CLASS = 10


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of the three parts, and by what they were parted: ``time`` or ``hash``."""

    training: Rows
    validation: Rows
    test: Rows
    by: str


def split(table: Table, validation_share: float, test_share: float) -> Split:
    """Part a table: by time where it has one, else by the hash of each row within its class.

    Equal rows always stand in the same part, and rows of one time as well.

    Raises
    ------
    BadInput
        A part would have too few rows of a class.
    """
    if table.times is not None:
        place = _ranks(table.times)
        by = "time"
    else:
        place, by = _by_class(table.hashes, table.labels), "hash"
    test = place > 1 - test_share
    validation = (place > 1 - test_share - validation_share) & ~test
    parts = Split(
        training=np.flatnonzero(~test & ~validation),
        validation=np.flatnonzero(validation),
        test=np.flatnonzero(test),
        by=by,
    )
    for name, rows in (
        ("training", parts.training),
        ("validation", parts.validation),
        ("test", parts.test),
    ):
        positives = int(table.labels[rows].sum())
        least = min(positives, len(rows) - positives)
        if least < LEAST_OF_A_CLASS:
            raise pw.BadInput(
                "too_few_rows",
                f"the {name} part would have {least} rows of one class; "
                f"{LEAST_OF_A_CLASS} are needed",
            )
    return parts


def folds(table: Table, number: int) -> NDArray[np.int64]:
    """Return the fold of each row, stratified by class; equal rows share one."""
    place = _by_class(mixed(table.hashes ^ _FOLDS), table.labels)
    return np.minimum((place * number).astype(np.int64), number - 1)


def _by_class(hashes: Hashes, labels: Numbers) -> Numbers:
    """Return each row's place between 0 and 1 within its class, in the order of the hashes."""
    place = np.empty(len(hashes))
    for label in (0.0, 1.0):
        rows = labels == label
        place[rows] = _ranks(hashes[rows])
    return place


def _ranks(keys: NDArray[Any]) -> Numbers:
    """Return the share of keys below each key: equal keys have equal places."""
    return np.asarray(
        np.searchsorted(np.sort(keys), keys, side="left") / max(len(keys), 1), dtype=np.float64
    )
