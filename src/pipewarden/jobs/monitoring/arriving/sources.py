"""Where the weeks of a series come from: the table of the run that trained it, as it is by now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pipewarden.core.jobs import Job
from pipewarden.core.models.deployments import ModelVersion
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.records import holds_records
from pipewarden.jobs import loading
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import jobs

if TYPE_CHECKING:
    from sqlalchemy import Connection

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file that rows of series come from.

    Parameters
    ----------
    pipeline
        Who reads it.
    """

    path: Path
    pipeline: Pipeline

    @property
    def state(self) -> tuple[int, int] | None:
        """What changes when the file does; None where it is gone."""
        try:
            held = self.path.stat()
        except OSError:
            return None
        return held.st_mtime_ns, held.st_size

    def records(self) -> Iterator[tuple[str, Record]]:
        """Yield each series by its name.

        Raises
        ------
        BadInput
            The table does not read.
        """
        key = self.pipeline.records
        assert key is not None, "a pipeline that reads tables has records"
        for record in self._read():
            yield str(record.get(key, "")), record

    def _read(self) -> Iterator[Record]:
        if not holds_records(self.path):
            assert self.pipeline.reader is not None
            yield from self.pipeline.reader(self.path)
            return
        with self.path.open("rb") as file:
            yield from (orjson.loads(line) for line in file if line.strip())


@dataclass(slots=True)
class Tables:
    """The tables of versions; a daemon keeps what it knows of them from check to check.

    Parameters
    ----------
    taken
        Of each table, what was taken from it: its state then, and the deployments of that time.
    """

    workspace: Workspace
    taken: dict[Path, tuple[object, frozenset[int]]] = field(default_factory=dict)
    _pipelines: dict[str, tuple[Path, Pipeline] | None] = field(default_factory=dict)

    def of(self, version: ModelVersion) -> Table | None:
        """Return the table that a version's series came from; None where none is known."""
        if version.run_id not in self._pipelines:
            self._pipelines[version.run_id] = self._found(version.run_id)
        found = self._pipelines[version.run_id]
        if found is None:
            return None
        path, pipeline = found
        return Table(path=path / version.item_key if path.is_dir() else path, pipeline=pipeline)

    def _found(self, run_id: str) -> tuple[Path, Pipeline] | None:
        with self.workspace.database.read() as conn:
            job = root_of(conn, run_id, self.workspace)
        if job is None or not job.options.get("pipeline"):
            return None
        options, settings = RunOptions.from_dict(job.options), self.workspace.settings
        own = loading.usable(options, settings, job.id)
        pipeline = loading.load_pipeline(options.pipeline, settings, own)
        if pipeline.reader is None or not pipeline.records:
            return None
        return Path(options.table or options.source), pipeline


def root_of(conn: Connection, run_id: str, workspace: Workspace) -> Job | None:
    """Return the run that read the source: a healing's own reads what was put together for it."""
    made = workspace.data_dir.absolute() / "healing"
    job = jobs.get(conn, run_id)
    while job is not None and job.parent_id:
        options = RunOptions.from_dict(job.options)
        if not Path(options.table or options.source).is_relative_to(made):
            break
        job = jobs.get(conn, job.parent_id)
    return job
