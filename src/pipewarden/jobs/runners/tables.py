"""Tables as sources: a pipeline reads its records out of them, and they are spooled once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pipewarden.core.canonical import HASH_PREFIX, digest
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.records import holds_records
from pipewarden.errors import BadInput, SourceNotFound, UnknownName, UsageError
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files.hashing import compute_file_hash
from pipewarden.store.files.spooling import spool

#: How the name of a file ends that says which query to ask which database.
QUERY = ".query.yaml"
_MARK = 12  # letters of a path's hash: two tables of one name have spools of their own


def with_table_read(pipeline: Pipeline, options: RunOptions, workspace: Workspace) -> RunOptions:
    """Return the options with the records of a table as the source, where the source is a table.

    The spool of a table always lies at the same place, so that the manifest of its records is the
    same from run to run.

    Raises
    ------
    SourceNotFound
        The table cannot be read.
    UsageError
        It is not such a table as the pipeline reads.
    """
    table = Path(options.source)
    if pipeline.reader is None or holds_records(table) or table.is_dir():
        return options
    if table.name.endswith(QUERY):
        options = replace(options, query_file=str(table))
        table = _answered(table, _place(workspace, pipeline, table, ".csv"), workspace)
    try:
        table_hash = compute_file_hash(table)
    except OSError as error:
        raise SourceNotFound(
            f"the source {table} cannot be read: {error.strerror}",
            next_step="give the path of a table, or of a file of JSON lines",
        ) from error
    target = _place(workspace, pipeline, table, ".jsonl")
    try:
        spooled = spool(pipeline.reader(table), target)
    except BadInput as error:
        raise UsageError(
            f"the table {table} does not read: {error.message}",
            left_behind="nothing was run",
            next_step=f"correct it, and run {pipeline.name} again",
        ) from error
    return replace(options, source=str(spooled.absolute()), table=str(table), table_hash=table_hash)


def _place(workspace: Workspace, pipeline: Pipeline, source: Path, suffix: str) -> Path:
    """Return where what is read out of a source is kept: at the same place from run to run."""
    mark = digest(os.fsencode(source)).removeprefix(HASH_PREFIX)[:_MARK]
    stem = source.name.removesuffix(QUERY) if source.name.endswith(QUERY) else source.stem
    return workspace.data_dir / "inbox" / pipeline.name / f"{stem}-{mark}{suffix}"


def _answered(file: Path, target: Path, workspace: Workspace) -> Path:
    """Ask a database what a file says; return the table that keeps the answer.

    The file names the database, whose URL, with its password, stands in the settings alone.
    """
    held = _query_of(file)
    url = workspace.settings.connections.get(held["connection"])
    if url is None:
        known = ", ".join(sorted(workspace.settings.connections)) or "none"
        raise UnknownName(
            f"{file.name} names the connection {held['connection']!r}, which no setting gives",
            left_behind="nothing was run",
            next_step=f"known: {known}; set connections.{held['connection']} to the URL",
        )
    from pipewarden.store.queries import keep_answer

    keep_answer(url, held["query"], target)
    return target.absolute()


def _query_of(file: Path) -> dict[str, str]:
    import yaml

    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceNotFound(f"the query file {file} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"the query file {file} does not read: {error}") from error
    if (
        not isinstance(held, dict)
        or set(held) != {"connection", "query"}
        or not all(isinstance(value, str) and value.strip() for value in held.values())
    ):
        raise UsageError(
            f"the query file {file} must have exactly 'connection' and 'query', both texts",
            left_behind="nothing was run",
            next_step="connection: the name of a setting under connections; query: one SELECT",
        )
    return held
