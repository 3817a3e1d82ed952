"""A trained model in memory: it answers rows of named features, and refuses what it cannot know.

What a row holds, and what becomes of it:

====================================  ==========================================================
features in another order             answered; only names count
an unknown name                       refused: ``unknown_feature``
a required feature absent, null, NaN  refused: ``missing_feature``
an optional one absent, null, NaN     answered, flag ``missing:NAME``
a code for a missing value (age 0)    answered as missing, flag ``code:NAME``
a number out of its range             answered as missing, flag ``out_of_range:NAME``
a category never seen in training     answered as missing, flag ``unknown_level:NAME``
an infinity                           refused: ``not_finite``
a text, a boolean, a list, a fraction
where a whole number is asked for     refused: ``wrong_type``
====================================  ==========================================================

A refusal is a `BadInput` that names the row, counted from 0, and everything wrong about it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.credit.data.description import Column, TableDescription
from pipewarden.pipelines.credit.data.table import Numbers
from pipewarden.pipelines.credit.fitting.boosting import lightgbm
from pipewarden.pipelines.credit.fitting.features import matrix
from pipewarden.pipelines.credit.fitting.logistic import Calibration

FAMILY, FORMAT = "credit", "lightgbm-text"
_PLAIN = frozenset({int, float, type(None)})
#: Fewer rows are read faster cell by cell.
_FEW = 16
#: From so many rows on, in so many threads.
_SIDE_BY_SIDE, _THREADS = 2_000, 2


class _Refused(Exception):
    """A cell that cannot be taken."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CreditModel:
    """The model of a document.

    Parameters
    ----------
    artifact
        The document's ``artifact``.

    Raises
    ------
    BadInput
        The artifact is not of this format, or does not read.
    MissingExtra
        The extra ``credit`` is not installed.
    """

    def __init__(self, artifact: Mapping[str, Any]) -> None:
        library = lightgbm()
        if artifact.get("format") != FORMAT:
            raise pw.BadInput("unknown_artifact", f"the artifact is not {FORMAT}")
        try:
            self.description = TableDescription.model_validate(artifact["description"])
            self.levels: dict[str, list[str]] = {
                name: [str(level) for level in levels]
                for name, levels in artifact["levels"].items()
            }
            self.threshold = float(artifact["threshold"])
            self._members = int(artifact["members"])
            held = artifact["calibration"]
            self._calibration = Calibration(float(held["slope"]), float(held["intercept"]))
            self._booster = library.Booster(model_str=str(artifact["booster"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise pw.BadInput("damaged_artifact", f"the artifact does not read: {error}") from error
        except library.basic.LightGBMError as error:
            raise pw.BadInput("damaged_artifact", f"the trees do not read: {error}") from error
        if self._booster.num_feature() != len(self.description.features):
            raise pw.BadInput("damaged_artifact", "the trees are of other features")
        self._columns = tuple(self.description.columns.items())
        self._known = frozenset(self.description.columns)
        self._codes = {
            name: {level: float(at) for at, level in enumerate(levels)}
            for name, levels in self.levels.items()
        }

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return ``probability``, ``prediction`` (0 or 1) and ``flags`` of each row, in order.

        Raises
        ------
        BadInput
            A row cannot be answered; none is.
        """
        values, flags = self.read(rows)
        probabilities = self.probabilities(values)
        return [
            {"probability": chance, "prediction": int(chance >= self.threshold), "flags": flagged}
            for chance, flagged in zip(probabilities.tolist(), flags, strict=True)
        ]

    def explain(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, float]]:
        """Return each feature's contribution to the log-odds of each row, the greatest first.

        Raises
        ------
        BadInput
            A row cannot be answered.
        """
        values, _ = self.read(rows)
        if not len(values):
            return []
        held = np.asarray(
            self._booster.predict(
                matrix(values, self.description), pred_contrib=True, num_threads=1
            )
        )[:, :-1]
        held *= self._calibration.slope / self._members
        names = self.description.features
        return [
            {names[at]: float(row[at]) for at in np.argsort(-np.abs(row), kind="stable")}
            for row in held
        ]

    def probabilities(self, values: Numbers) -> Numbers:
        """Return the probability of rows that were read."""
        if not len(values):
            return np.empty(0)
        features = matrix(values, self.description)
        if len(features) < _SIDE_BY_SIDE:
            scores = self._scores(features)
        else:
            with ThreadPoolExecutor(_THREADS) as pool:
                parts = np.array_split(features, _THREADS)
                scores = np.concatenate(list(pool.map(self._scores, parts)))
        return self._calibration.probabilities(scores / self._members)

    def _scores(self, features: Numbers) -> Numbers:
        # A thread of Python each instead of OpenMP's, which do not survive a fork.
        return np.asarray(self._booster.predict(features, raw_score=True, num_threads=1))

    # ── reading rows ─────────────────────────────────────────────────────────────────────────────

    def read(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Numbers, list[list[str]]]:
        """Return rows as numbers, and the flags of each.

        Raises
        ------
        BadInput
            A row cannot be answered.
        """
        values = np.empty((len(rows), len(self._columns)))
        flags: list[list[str]] = [[] for _ in rows]
        problems: dict[int, list[tuple[str, str]]] = {}
        for index, row in enumerate(rows):
            if type(row) is not dict and not isinstance(row, Mapping):
                raise pw.BadInput("not_a_row", f"row {index} is no mapping of features")
            if not row.keys() <= self._known:
                unknown = ", ".join(sorted(map(str, row.keys() - self._known)))
                problems.setdefault(index, []).append(("unknown_feature", f"unknown: {unknown}"))
        for at, (name, column) in enumerate(self._columns):
            cells = [row.get(name) for row in rows]
            if not self._at_once(name, column, cells, values[:, at], flags):
                self._each(name, column, cells, values[:, at], flags, problems)
        if problems:
            index, found = min(problems.items())
            told = "; ".join(message for _, message in found)
            raise pw.BadInput(found[0][0], f"row {index}: {told}")
        return values, flags

    @staticmethod
    def _at_once(
        name: str, column: Column, cells: list[Any], out: Numbers, flags: list[list[str]]
    ) -> bool:
        """Fill a column of plain numbers in one go; say whether that could be done."""
        if len(cells) < _FEW or column.type == "category":
            return False
        if not _PLAIN.issuperset(map(type, cells)):
            return False
        try:
            out[:] = cells
        except OverflowError:
            return False
        missing, codes = np.isnan(out), np.isin(out, column.missing_codes)
        fraction = (np.floor(out) != out) & ~missing & ~codes & (column.type == "integer")
        if np.isinf(out).any() or fraction.any() or (column.required and missing.any()):
            return False
        low = -math.inf if column.minimum is None else column.minimum
        high = math.inf if column.maximum is None else column.maximum
        outside = ((out < low) | (out > high)) & ~codes
        for flag, where in (("missing", missing), ("code", codes), ("out_of_range", outside)):
            for index in np.flatnonzero(where):
                flags[index].append(f"{flag}:{name}")
        out[codes | outside] = np.nan
        return True

    def _each(
        self,
        name: str,
        column: Column,
        cells: list[Any],
        out: Numbers,
        flags: list[list[str]],
        problems: dict[int, list[tuple[str, str]]],
    ) -> None:
        for index, cell in enumerate(cells):
            try:
                out[index], flag = self._cell(name, column, cell)
            except _Refused as refused:
                problems.setdefault(index, []).append((refused.reason, f"{name} {refused}"))
            else:
                if flag:
                    flags[index].append(f"{flag}:{name}")

    def _cell(self, name: str, column: Column, cell: Any) -> tuple[float, str]:
        """Return the number that a cell counts as, and its flag."""
        if cell is None or cell != cell:  # noqa: PLR0124 - NaN is what differs from itself
            if column.required:
                raise _Refused("missing_feature", "is missing")
            return math.nan, "missing"
        if column.type == "category":
            if not isinstance(cell, str):
                raise _Refused("wrong_type", "is no text")
            code = self._codes[name].get(cell)
            return (math.nan, "unknown_level") if code is None else (code, "")
        return _number(column, cell)


def _number(column: Column, cell: Any) -> tuple[float, str]:
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (float, int, Real)):
        raise _Refused("wrong_type", "is no number")
    try:
        value = float(cell)
    except OverflowError:
        raise _Refused("not_finite", "is too large") from None
    if math.isinf(value):
        raise _Refused("not_finite", "is infinite")
    if value in column.missing_codes:
        return math.nan, "code"
    if column.type == "integer" and value % 1:
        raise _Refused("wrong_type", "is no whole number")
    if column.minimum is not None and value < column.minimum:
        return math.nan, "out_of_range"
    if column.maximum is not None and value > column.maximum:
        return math.nan, "out_of_range"
    return value, ""


def open_model(document: Mapping[str, Any]) -> CreditModel:
    """Return the model of a document, ready to answer.

    Raises
    ------
    BadInput
        The document is not of this family, or its artifact does not read.
    """
    artifact = document.get("artifact")
    if document.get("family") != FAMILY or not isinstance(artifact, Mapping):
        raise pw.BadInput("not_a_credit_model", "the document is no model of the family credit")
    return CreditModel(artifact)


def baseline_rows(baseline: Mapping[str, Any], model: CreditModel) -> list[dict[str, Any]]:
    """Return the rows that were frozen with a model, as rows to answer.

    Raises
    ------
    BadInput
        They are not of the model's features.
    """
    columns = [str(name) for name in baseline.get("columns", ())]
    if set(columns) != set(model.description.columns):
        absent = sorted(set(model.description.columns) ^ set(columns))
        raise pw.BadInput("other_features", f"the rows differ in: {', '.join(absent)}")
    return [dict(zip(columns, row, strict=True)) for row in baseline["rows"]]
