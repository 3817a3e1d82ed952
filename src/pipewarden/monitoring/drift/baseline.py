"""The baseline: what was frozen with a model version, for windows to be compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pipewarden.errors import BadInput
from pipewarden.monitoring.columns.copies import equal_pairs
from pipewarden.monitoring.columns.frozen import Frozen, FrozenLevels, FrozenNumbers, frozen_from
from pipewarden.monitoring.columns.reading import (
    column_of,
    is_text,
    read_levels,
    read_numbers,
)
from pipewarden.monitoring.drift.reliability import Reliability, fitted, paired

FORMAT = "pipewarden.baseline/1"
#: Values that are kept of a column of numbers, unless told otherwise.
KEPT = 10_000
#: Labels with more different values than these are numbers, not classes.
_MOST_CLASSES = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """The reference of a version: of each column, of its scores, its labels and of both together.

    Parameters
    ----------
    rows
        That it was made from.
    scores, labels, reliability
        None where the baseline has none; ``reliability`` is how labels follow scores, or in words
        why that is not known.
    segments
        Column → bounds of its groups, ascending, each group from one bound up to the next; without
        bounds every level of a category is a group.
    duplicates
        Pairs of equal rows among all pairs of rows; None where that is not known.
    """

    rows: int
    columns: Mapping[str, Frozen]
    scores: FrozenNumbers | None = None
    labels: Frozen | None = None
    reliability: Reliability | str | None = None
    segments: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    duplicates: float | None = None

    @classmethod
    def freeze(
        cls,
        columns: Mapping[str, Any],
        *,
        scores: Any = None,
        labels: Any = None,
        kinds: Mapping[str, str] | None = None,
        missing: Mapping[str, Sequence[Any]] | None = None,
        segments: Mapping[str, Sequence[float]] | None = None,
        limit: int | None = KEPT,
    ) -> Self:
        """Freeze columns of rows; what is not told of a column is taken from its look.

        Parameters
        ----------
        columns
            Name → values of all rows.
        scores, labels
            Of the same rows; a label that is not known is None or NaN.
        kinds
            Name → ``number``, ``integer`` or ``category``.
        missing
            Name → what stands for a missing value: numbers, or texts of a category.
        segments
            As in `Baseline`.
        limit
            Values that are kept of a column of numbers; None for all.
        """
        arrays = {name: column_of(values) for name, values in columns.items()}
        known, codes = kinds or {}, missing or {}
        held = {
            name: _frozen(array, known.get(name), codes.get(name, ()), limit)
            for name, array in arrays.items()
        }
        answers = None if scores is None else column_of(scores)
        truth = None if labels is None else column_of(labels)
        return cls(
            rows=max((array.size for array in arrays.values()), default=0),
            columns=held,
            scores=None if answers is None else FrozenNumbers.of(read_numbers(answers), limit),
            labels=None if truth is None else _labels(_frozen(truth, "category", (), limit), truth),
            reliability=None
            if answers is None or truth is None
            else fitted(*paired(answers, truth)),
            segments={name: tuple(map(float, at)) for name, at in (segments or {}).items()},
            duplicates=equal_pairs(arrays),
        )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the baseline of a model document: of the rows that were frozen with it.

        Of ``baseline`` it reads ``columns``, ``rows``, ``labels``, ``scores``, ``missing_codes``
        and ``segments``; of ``signature`` the types of the inputs, and what stands for a missing
        text.

        Raises
        ------
        BadInput
            The document has no rows of columns, such as one of a forecaster.
        """
        held = document.get("baseline")
        if not isinstance(held, Mapping) or not held.get("columns") or not held.get("rows"):
            model = document.get("model", "the model")
            raise BadInput("no_baseline", f"the document of {model} has no baseline of columns")
        names = [str(name) for name in held["columns"]]
        columns = dict(zip(names, map(column_of, zip(*held["rows"], strict=True)), strict=True))
        signature = document.get("signature") or {}
        kinds = {str(i["name"]): str(i.get("type")) for i in signature.get("inputs", ())}
        codes = dict(held.get("missing_codes") or {})
        tokens = tuple(map(str, signature.get("missing", ())))
        missing = {
            name: tokens if kinds.get(name) == "category" else codes.get(name, ()) for name in names
        }
        return cls.freeze(
            columns,
            scores=held.get("scores"),
            labels=held.get("labels"),
            kinds=kinds,
            missing=missing,
            segments=held.get("segments"),
        )

    def as_document(self) -> dict[str, Any]:
        """Return it as plain values, which JSON can hold."""
        known = self.reliability
        return {
            "format": FORMAT,
            "rows": self.rows,
            "columns": {name: column.as_document() for name, column in self.columns.items()},
            "scores": None if self.scores is None else self.scores.as_document(),
            "labels": None if self.labels is None else self.labels.as_document(),
            "reliability": known.as_document() if isinstance(known, Reliability) else known,
            "segments": {name: list(bounds) for name, bounds in self.segments.items()},
            "duplicates": self.duplicates,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what `as_document` gave.

        Raises
        ------
        BadInput
            It is of another format.
        """
        if document.get("format") != FORMAT:
            raise BadInput("other_format", f"a baseline of format {document.get('format')!r}")
        scores, labels = document["scores"], document["labels"]
        known = document["reliability"]
        return cls(
            rows=int(document["rows"]),
            columns={str(n): frozen_from(column) for n, column in document["columns"].items()},
            scores=None if scores is None else FrozenNumbers.from_document(scores),
            labels=None if labels is None else frozen_from(labels),
            reliability=Reliability.from_document(known) if isinstance(known, Mapping) else known,
            segments={str(n): tuple(at) for n, at in document["segments"].items()},
            duplicates=document["duplicates"],
        )


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _frozen(array: Any, kind: str | None, codes: Sequence[Any], limit: int | None) -> Frozen:
    if kind == "category" or (kind is None and is_text(array)):
        tokens = tuple(map(str, codes))
        return FrozenLevels.of(read_levels(array, tokens), tokens)
    return FrozenNumbers.of(read_numbers(array, codes), limit, codes)


def _labels(levels: Frozen, truth: Any) -> Frozen:
    """Return labels as classes, or as numbers where they are too many to be classes."""
    if len(levels.counts) <= _MOST_CLASSES or is_text(truth):
        return levels
    return FrozenNumbers.of(read_numbers(truth), KEPT)
