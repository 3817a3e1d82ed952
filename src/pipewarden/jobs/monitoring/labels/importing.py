"""Files of labels or predictions, taken in a portion at a time; a bad row costs that row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipewarden.core.chain import Act
from pipewarden.jobs.monitoring.labels.reading import Line, lines_of
from pipewarden.jobs.monitoring.labels.rows import (
    BadRow,
    Defaults,
    faults_of_label_columns,
    faults_of_prediction_columns,
    label_of,
    prediction_of,
)
from pipewarden.jobs.monitoring.labels.taking import Refused, take_labels, take_predictions
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import ledger

#: Rows in one transaction, and refusals that are told one by one.
_PORTION, _TOLD = 5_000, 100

_Taken = TypeVar("_Taken")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the row that ends at a line was not taken."""

    line: int
    message: str


@dataclass(slots=True)
class Imported:
    """What came of the rows of a file: each was either taken or refused.

    Parameters
    ----------
    counts
        What the taken ones turned out to be.
    refused
        How many were not taken.
    problems
        Why, of the first of them.
    """

    rows: int = 0
    taken: int = 0
    refused: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, line: int, message: str) -> None:
        """Count a row that is not taken."""
        self.refused += 1
        if len(self.problems) < _TOLD:
            self.problems.append(Problem(line, message))

    def count(self, **more: int) -> None:
        """Add to the counts."""
        for name, number in more.items():
            self.counts[name] = self.counts.get(name, 0) + number


def import_labels(workspace: Workspace, path: Path) -> Imported:
    """Take in the labels of a file; a label without a time became true when it is read.

    A portion is in the database, or none of it: a file of which an import broke off may be
    imported again, and what was in already is counted as repeated.

    Raises
    ------
    SourceNotFound, UsageError, BadInput, MissingExtra
        See `lines_of`.
    """
    defaults = Defaults(at=workspace.clock())
    source = f"file:{path.name}"
    done = Imported()
    for lines, reports in _portions(
        lines_of(path, faults_of_label_columns), done, lambda line: label_of(line.cells, defaults)
    ):
        taken = take_labels(workspace, reports, source=source)
        told = taken.reported
        names = ("new", "repeated", "conflicting", "labelled", "unknown")
        done.count(**{name: getattr(told, name) for name in names}, replaced=len(told.replaced))
        _settle(done, lines, taken.refused)
    _witness(workspace, "labels.imported", path, done)
    return done


def import_predictions(
    workspace: Workspace,
    path: Path,
    *,
    model: str = "",
    version: int | None = None,
    environment: str = "production",
) -> Imported:
    """Log the predictions of a file that were made elsewhere; see `import_labels`.

    Parameters
    ----------
    model, version, environment
        Of rows that do not name their own.
    """
    defaults = Defaults(at=workspace.clock(), model=model, version=version, environment=environment)
    done = Imported()
    held = lines_of(path, lambda names: faults_of_prediction_columns(names, defaults))
    for lines, rows in _portions(held, done, lambda line: prediction_of(line.cells, defaults)):
        taken = take_predictions(workspace, rows)
        done.count(stored=taken.stored, repeated=taken.repeated)
        _settle(done, lines, taken.refused)
    _witness(workspace, "predictions.imported", path, done)
    return done


def _portions(
    held: Iterable[Line], done: Imported, read: Callable[[Line], _Taken]
) -> Iterator[tuple[list[int], list[_Taken]]]:
    """Yield rows that read, with their lines; those that do not are refused at once."""
    lines: list[int] = []
    rows: list[_Taken] = []
    for line in held:
        done.rows += 1
        try:
            if line.fault:
                raise BadRow(line.fault)
            row = read(line)
        except BadRow as error:
            done.refuse(line.number, str(error))
            continue
        lines.append(line.number)
        rows.append(row)
        if len(rows) == _PORTION:
            yield lines, rows
            lines, rows = [], []
    if rows:
        yield lines, rows


def _settle(done: Imported, lines: Sequence[int], refused: Sequence[Refused]) -> None:
    done.taken += len(lines) - len(refused)
    for one in refused:
        done.refuse(lines[one.place], one.message)


def _witness(workspace: Workspace, action: str, path: Path, done: Imported) -> None:
    """Write into the ledger what was imported, once the whole file was read."""
    done.problems.sort(key=lambda problem: problem.line)
    details = {"rows": done.rows, "refused": done.refused, **done.counts}
    act = Act(actor=workspace.actor, action=action, subject=path.name, details=details)
    with workspace.database.write() as conn:
        ledger.append(conn, [act], workspace.clock())
