"""What a model takes: named features, each of a type and in a range.

A row is put into the model's own order, whatever order it came in. What the model does not know,
what it needs and does not get, what is of another type, and what is infinite, is a fault of
the row: it is not answered. What lies outside of the range that the model was trained on is
answered, and flagged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipewarden.core.models.families import ModelDocument

#: Rows whose cells are looked at one by one: in one go is faster only for more.
_FEW = 8


class Fault(NamedTuple):
    """What is wrong with one feature of a row; with the row itself where ``at`` is empty."""

    at: str
    message: str


class Checked(NamedTuple):
    """A row in the model's order, what is odd about it, and why it cannot be answered."""

    row: Mapping[str, Any]
    flags: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One feature: its name, its type, whether every row must have it, and its range."""

    name: str
    type: str = ""
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None

    def fault(self, value: Any) -> str:
        """Return why a value is none of this feature, or nothing."""
        if value is None or value != value:  # noqa: PLR0124 - NaN, which means that there is none
            return "it is missing" if self.required else ""
        if isinstance(value, float) and not math.isfinite(value):
            return "it is not finite"
        fits, wanted = _FITS.get(self.type, _SCALAR)
        return "" if fits(value) else f"it is {_kind(value)}, not {wanted}"

    def all_plain(self, cells: Sequence[Any]) -> bool:
        """Whether all are numbers in the range, or absent where they may be; asked in one go."""
        if self.type not in _NUMERIC:
            return False
        kinds = set(map(type, cells))
        if not kinds <= (_NUMBERS if self.required else _NUMBERS_OR_NONE):
            return False
        if self.type in _WHOLE and float in kinds:
            return False
        numbers = [cell for cell in cells if cell is not None] if type(None) in kinds else cells
        if not numbers:
            return True
        try:
            known = math.isfinite(math.fsum(numbers))
        except (OverflowError, ValueError):
            return False
        return known and not self.flag(min(numbers)) and not self.flag(max(numbers))

    def flag(self, value: Any) -> str:
        """Return how a value leaves the range that the model knows, or nothing."""
        if not isinstance(value, (int, float)):
            return ""
        low = self.minimum is not None and value < self.minimum
        high = self.maximum is not None and value > self.maximum
        return f"out_of_range:{self.name}" if low or high else ""


_NUMBERS = frozenset({int, float})
_NUMBERS_OR_NONE = _NUMBERS | {type(None)}
_WHOLE = frozenset({"integer", "int", "long"})
_NUMERIC = _WHOLE | {"number", "float", "double"}


def _fits_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _fits_integer(value: Any) -> bool:
    return _fits_number(value) and value == int(value)


def _fits_text(value: Any) -> bool:
    return isinstance(value, str)


def _fits_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _fits_scalar(value: Any) -> bool:
    return not isinstance(value, (list, dict))


#: What fits a type, and how it is called; of a type that is not named here, any single value fits.
_Fits = tuple[Callable[[Any], bool], str]
_SCALAR: _Fits = (_fits_scalar, "a single value")
_FITS: Mapping[str, _Fits] = {
    **dict.fromkeys(("number", "float", "double"), (_fits_number, "a number")),
    **dict.fromkeys(_WHOLE, (_fits_integer, "a whole number")),
    **dict.fromkeys(("string", "str", "text", "category"), (_fits_text, "a text")),
    **dict.fromkeys(("boolean", "bool"), (_fits_truth, "true or false")),
}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


class Signature:
    """The features of a model.

    Parameters
    ----------
    inputs
        None where the document states none: then rows go to the model as they are, and it alone
        decides.
    outputs
        The names of what it answers; empty where the document states none.
    missing
        The texts that mean a missing value in a table; None where the document states none.
    """

    def __init__(
        self,
        inputs: Iterable[Input] | None,
        outputs: Iterable[str] = (),
        missing: Iterable[str] | None = None,
    ) -> None:
        self.inputs = None if inputs is None else tuple(inputs)
        self.outputs = tuple(outputs)
        self.missing = None if missing is None else frozenset(missing)
        self._names = tuple(one.name for one in self.inputs or ())
        self._known = frozenset(self._names)

    @classmethod
    def of(cls, document: ModelDocument) -> Signature:
        """Return the signature that a model document states."""
        stated = document.get("signature") or {}
        held = stated.get("inputs")
        outputs = tuple(str(one["name"]) for one in stated.get("outputs") or ())
        told = stated.get("missing")
        missing = None if told is None else tuple(map(str, told))
        if not held:
            return cls(None, outputs, missing)
        inputs = (
            Input(
                name=str(one["name"]),
                type=str(one.get("type", "")),
                required=bool(one.get("required", True)),
                minimum=one.get("minimum"),
                maximum=one.get("maximum"),
            )
            for one in held
        )
        return cls(inputs, outputs, missing)

    def checked(self, rows: Sequence[Mapping[str, Any]]) -> list[Checked]:
        """Return each row in the model's order, its flags, and its faults."""
        if self.inputs is None:
            return [Checked(dict(row)) for row in rows]
        flags: dict[int, tuple[str, ...]] = {}
        faults: dict[int, tuple[Fault, ...]] = {}
        for one in self.inputs:
            cells = [row.get(one.name) for row in rows]
            if len(rows) < _FEW or not one.all_plain(cells):
                _each(one, cells, flags, faults)
        for place, row in enumerate(rows):
            if not row.keys() <= self._known:
                unknown = [name for name in row if name not in self._known]
                told = (Fault(name, "the model knows no such feature") for name in unknown)
                faults[place] = (*faults.get(place, ()), *told)
        return [
            Checked(self._ordered(row), flags.get(place, ()), faults.get(place, ()))
            for place, row in enumerate(rows)
        ]

    def _ordered(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        return row if tuple(row) == self._names else {name: row.get(name) for name in self._names}


def _each(
    one: Input,
    cells: Sequence[Any],
    flags: dict[int, tuple[str, ...]],
    faults: dict[int, tuple[Fault, ...]],
) -> None:
    """Look at the cells of one feature, one by one."""
    for place, value in enumerate(cells):
        if wrong := one.fault(value):
            faults[place] = (*faults.get(place, ()), Fault(one.name, wrong))
        elif odd := one.flag(value):
            flags[place] = (*flags.get(place, ()), odd)
