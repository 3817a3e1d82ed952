"""A file of rows in, the same rows with a model's answers out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pipewarden.errors import BadInput, UsageError
from pipewarden.jobs.serving import tables
from pipewarden.jobs.serving.choosing import Chosen, choose
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.serving.tables import Row
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import FLAGS, Answer, Served

#: Rows that are answered together.
_PORTION = 10_000
_VERSION = "model_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What came of the rows of a file.

    Parameters
    ----------
    flagged
        How many were answered and are odd.
    copied
        Columns that the model does not know: they were copied, and not looked at.
    """

    chosen: Chosen
    rows: int
    answered: int
    refused: int
    flagged: int
    copied: tuple[str, ...]


def score(workspace: Workspace, model: str, environment: str, source: Path, target: Path) -> Scored:
    """Write a table with the model's answers, ``model_version`` and ``flags`` added to each row.

    A row that cannot be answered keeps its place without an answer; its flag says why.

    Raises
    ------
    UnknownName
        There is no such model, or none that may be deployed.
    UsageError
        It continues a series, or a file's name is of no known kind.
    SourceNotFound, BadInput
        The table does not read, lacks a column, or has one that is to be added.
    """
    for path in (source, target):
        tables.kind_of(path)
    chosen = choose(workspace, model, environment)
    opener = Opener(workspace)
    served = opener.opened(chosen.version, environment, chosen.deployment)
    if not served.predicts:
        raise UsageError(
            f"the model {model!r} continues a series",
            next_step=f"pipewarden forecast --model {model} --horizon 12",
        )
    return _Scoring(served, chosen).carry_out(source, target)


class _Scoring:
    def __init__(self, served: Served, chosen: Chosen) -> None:
        self._served, self._chosen = served, chosen
        inputs = served.signature.inputs
        self._known = None if inputs is None else {one.name for one in inputs}
        self._outputs = [name for name in served.signature.outputs if name != FLAGS]
        self._required = [one.name for one in inputs or () if one.required]
        self._answered = self._refused = self._flagged = 0

    def carry_out(self, source: Path, target: Path) -> Scored:
        rows = tables.rows_of(source, self._served.signature)
        first = list(islice(rows, _PORTION))
        if not first:
            raise BadInput("empty_table", f"{source} holds no row")
        given = list(dict.fromkeys(name for row in first for name in row.cells))
        answers = self._answers(first)
        added = self._added(given, answers)
        columns = dict.fromkeys([*given, *added])
        # A file that knows types gets the values of a text; a text stays as it was.
        typed = tables.kind_of(source) == "csv" != tables.kind_of(target)
        with tables.written(target, columns) as writer:
            for portion, told in chain([(first, answers)], self._rest(rows)):
                done = []
                for row, one in zip(portion, told, strict=True):
                    _check_columns(source, row, one, columns)
                    cells = {**row.cells, **row.values} if typed else row.cells
                    done.append(self._joined(cells, one, added))
                writer.write(done)
        known = self._known if self._known is not None else set(given)
        return Scored(
            chosen=self._chosen,
            rows=self._answered + self._refused,
            answered=self._answered,
            refused=self._refused,
            flagged=self._flagged,
            copied=tuple(name for name in given if name not in known),
        )

    def _rest(self, rows: Iterator[Row]) -> Iterator[tuple[list[Row], list[Answer]]]:
        while portion := list(islice(rows, _PORTION)):
            yield portion, self._answers(portion)

    def _answers(self, rows: Sequence[Row]) -> list[Answer]:
        return answering.predict(self._served, [row.values for row in rows])

    def _added(self, given: list[str], answers: list[Answer]) -> list[str]:
        """Return the columns to add, which the table must not have, as it must have others."""
        absent = [name for name in self._required if name not in given]
        if absent:
            raise BadInput("missing_columns", f"the table has no column {', '.join(absent)}")
        answered = (name for one in answers for name in one.answer)
        names = dict.fromkeys([*self._outputs, *answered])
        added = [*names, _VERSION, FLAGS]
        taken = [name for name in added if name in given]
        if taken:
            raise BadInput("repeated_column", f"the table already has {', '.join(taken)}")
        return added

    def _joined(self, row: Mapping[str, Any], one: Answer, added: Sequence[str]) -> dict[str, Any]:
        held = {**row, **dict.fromkeys(added), **one.answer, _VERSION: self._chosen.name}
        if one.refusal is None:
            self._answered += 1
            self._flagged += bool(one.flags)
            return held | {FLAGS: " ".join(one.flags)}
        self._refused += 1
        return held | {FLAGS: f"refused:{one.refusal.reason} {one.refusal}"}


def _check_columns(source: Path, row: Row, one: Answer, columns: Mapping[str, None]) -> None:
    """Refuse what the written table has no column for: those of its first rows stand."""
    for held, what in ((row.cells, "the row has"), (one.answer, "the model answers")):
        if not held.keys() <= columns.keys():
            name = next(name for name in held if name not in columns)
            raise BadInput(
                "unknown_column",
                f"{source}, line {row.line}: {what} {name}, which none of the first "
                f"{_PORTION:,} rows has",
            )
