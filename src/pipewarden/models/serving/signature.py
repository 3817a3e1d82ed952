"""What a model takes: named features, each of a type and in a range.

A row is put into the model's own order, whatever order it came in. What the model does not know,
what it needs and does not get, what is of another type, and what is infinite, is a fault of
the row: it is not answered. What lies outside of the range that the model was trained on is
answered, and flagged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipewarden.core.models.families import ModelDocument


class Fault(NamedTuple):
    """What is wrong with one feature of a row; with the row itself where ``at`` is empty."""

    at: str
    message: str


class Checked(NamedTuple):
    """A row in the model's order, what is odd about it, and why it cannot be answered."""

    row: dict[str, Any]
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
        if value is None:
            return "it is missing" if self.required else ""
        if isinstance(value, float) and not math.isfinite(value):
            return "it is not finite"
        fits, wanted = _FITS.get(self.type, _SCALAR)
        return "" if fits(value) else f"it is {_kind(value)}, not {wanted}"

    def flag(self, value: Any) -> str:
        """Return how a value leaves the range that the model knows, or nothing."""
        if isinstance(value, (int, float)) and not (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
        ):
            return f"out_of_range:{self.name}"
        return ""


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
    **dict.fromkeys(("integer", "int", "long"), (_fits_integer, "a whole number")),
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
    """

    def __init__(self, inputs: Iterable[Input] | None) -> None:
        self.inputs = None if inputs is None else tuple(inputs)
        self._names = frozenset(one.name for one in self.inputs or ())

    @classmethod
    def of(cls, document: ModelDocument) -> Signature:
        """Return the signature that a model document states."""
        held = (document.get("signature") or {}).get("inputs")
        if not held:
            return cls(None)
        return cls(
            Input(
                name=str(one["name"]),
                type=str(one.get("type", "")),
                required=bool(one.get("required", True)),
                minimum=one.get("minimum"),
                maximum=one.get("maximum"),
            )
            for one in held
        )

    def checked(self, row: Mapping[str, Any]) -> Checked:
        """Return a row in the model's order, its flags, and its faults."""
        if self.inputs is None:
            return Checked(dict(row))
        ordered: dict[str, Any] = {}
        flags: list[str] = []
        faults: list[Fault] = []
        for one in self.inputs:
            value = row.get(one.name)
            if value != value:  # noqa: PLR0124 - NaN, which means that there is none
                value = None
            ordered[one.name] = value
            if wrong := one.fault(value):
                faults.append(Fault(one.name, wrong))
            elif odd := one.flag(value):
                flags.append(odd)
        if not row.keys() <= self._names:
            unknown = [name for name in row if name not in self._names]
            faults += [Fault(name, "the model knows no such feature") for name in unknown]
        return Checked(ordered, tuple(flags), tuple(faults))
