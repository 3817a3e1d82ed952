"""The description of a table: its columns, target, segments and time, as YAML states them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

import pipewarden as pw

#: The table of "Give Me Some Credit".
SHIPPED = Path(__file__).parent.parent / "schema.yaml"
#: What tables write where a value is missing, beside an empty cell.
_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Column(_Part):
    """What is asked of a column's values.

    Parameters
    ----------
    required
        Whether a row that is to be scored must have a value.
    minimum, maximum
        The range; what lies outside is taken as missing: counted in training, flagged in answers.
    missing_codes
        Numbers that stand for a missing value, such as 96 and 98.
    sign
        Which way the risk is expected to go with the value: 1 up, -1 down, 0 nothing is expected.
    """

    type: Literal["number", "integer", "category"] = "number"
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    missing_codes: tuple[float, ...] = ()
    sign: Literal[-1, 0, 1] = 0
    meaning: str = ""


class Product(_Part):
    """One column times another; a missing or small second factor counts as given here."""

    column: str
    by: str
    missing: float
    minimum: float


class Derived(_Part):
    """A feature that is computed from columns: a weighted sum, or a product."""

    sum: dict[str, float] | None = None
    product: Product | None = None
    sign: Literal[-1, 0, 1] = 0

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.sum is None) == (self.product is None):
            raise ValueError("give either 'sum' or 'product'")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it is computed from."""
        if self.product is not None:
            return (self.product.column, self.product.by)
        return tuple(self.sum or {})


class Segment(_Part):
    """Groups of rows that are reported apart: bands between bounds, or the levels of a category."""

    column: str
    bounds: tuple[float, ...] = ()


class TableDescription(_Part):
    """A table whose rows have a target of two classes.

    Parameters
    ----------
    name
        The name of the model that is trained on it.
    target, positive
        The column to predict, and the value in it that means yes.
    time
        A column of dates or numbers; the last rows by it are the hold-out.
    ignore
        Columns that are neither features nor unknown.
    missing
        The texts that mean a missing value.
    """

    name: str = Field("credit", pattern=r"^[a-z][a-z0-9_/-]{0,62}$")
    target: str
    positive: str = "1"
    time: str | None = None
    ignore: tuple[str, ...] = ()
    missing: tuple[str, ...] = _MISSING
    columns: dict[str, Column] = Field(min_length=1)
    derived: dict[str, Derived] = {}
    segments: tuple[Segment, ...] = ()

    @model_validator(mode="after")
    def _names_hold(self) -> Self:
        numbers = {name for name, column in self.columns.items() if column.type != "category"}
        for name, derived in self.derived.items():
            if name in self.columns:
                raise ValueError(f"derived {name!r} is a column as well")
            for source in derived.sources:
                if source not in numbers:
                    raise ValueError(f"derived {name!r}: {source!r} is no column of numbers")
        for segment in self.segments:
            if segment.column not in self.columns:
                raise ValueError(f"segment: {segment.column!r} is no column")
            if (segment.column in numbers) != bool(segment.bounds):
                raise ValueError(f"segment {segment.column!r}: bounds are for numbers, and needed")
            if list(segment.bounds) != sorted(set(segment.bounds)):
                raise ValueError(f"segment {segment.column!r}: bounds must grow")
        if {self.target, self.time} & {*self.columns, *self.derived}:
            raise ValueError("the target and the time are no features")
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """The names of what the model is given, in its order."""
        return (*self.columns, *self.derived)


def load_description(path: Path | None = None) -> TableDescription:
    """Return the description of a YAML file, or the shipped one.

    Raises
    ------
    InvalidSettings
        The file does not read, or does not describe a table.
    """
    import yaml

    file = path or SHIPPED
    try:
        plain = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise pw.InvalidSettings(f"the description {file} does not read: {error}") from error
    return described(plain, str(file))


def described(plain: Any, where: str) -> TableDescription:
    """Return the description that plain values state.

    Raises
    ------
    InvalidSettings
        They do not describe a table.
    """
    if not isinstance(plain, Mapping):
        raise pw.InvalidSettings(f"the description {where} is no mapping")
    try:
        return TableDescription.model_validate(plain)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, row['loc'])) or 'table'}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise pw.InvalidSettings(
            f"the description {where} does not hold: {problems}",
            next_step="see docs/how-to/train-a-credit-model.md",
        ) from None
