"""Stored predictions as columns: inputs by name, scores, decisions, labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: Under which names an answer may hold a score, and a decision, unless its signature says.
_SCORES, _DECISIONS = ("probability", "score"), ("prediction", "label", "class")


class Answered(Protocol):
    """An answer, whatever was asked."""

    @property
    def answer(self) -> Mapping[str, Any]:
        """What the model said."""


class Asked(Answered, Protocol):
    """A question and its answer."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The named features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a challenger answered to the same question."""

    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Where in an answer score and decision stand; None: it has none such."""

    score: str | None
    decision: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Named:
        """Return what the signature of a model document says."""
        signature = document.get("signature") or {}
        outputs = [one for one in signature.get("outputs", ()) if isinstance(one, Mapping)]
        names = {str(one.get("name")): one for one in outputs}
        return cls(score=_first(_SCORES, names), decision=_first(_DECISIONS, names))


def _first(wanted: Sequence[str], names: Mapping[str, Any]) -> str | None:
    return next((name for name in wanted if name in names), None)


def columns(rows: Sequence[Asked]) -> dict[str, list[Any]]:
    """Return the inputs of rows by name; a row that lacks what others have has None there."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row.inputs))
    return {name: [row.inputs.get(name) for row in rows] for name in names}


def numbers(rows: Sequence[Answered], name: str | None) -> Any:
    """Return one number of each answer as an array, NaN where it has none; None without a name."""
    if name is None:
        return None
    import numpy as np

    return np.array([as_number(row.answer.get(name)) for row in rows], dtype=np.float64)


def as_number(value: Any) -> float:
    """Return a value as a number; NaN where it is none."""
    return float(value) if isinstance(value, (int, float)) else math.nan
