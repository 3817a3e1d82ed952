"""Tables as sources: a pipeline reads its records out of them, and they are spooled once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pipewarden.core.canonical import HASH_PREFIX, digest
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.records import holds_records
from pipewarden.errors import BadInput, SourceNotFound, UsageError
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files.hashing import compute_file_hash
from pipewarden.store.files.spooling import spool

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
    try:
        table_hash = compute_file_hash(table)
    except OSError as error:
        raise SourceNotFound(
            f"the source {table} cannot be read: {error.strerror}",
            next_step="give the path of a table, or of a file of JSON lines",
        ) from error
    mark = digest(os.fsencode(table)).removeprefix(HASH_PREFIX)[:_MARK]
    target = workspace.data_dir / "inbox" / pipeline.name / f"{table.stem}-{mark}.jsonl"
    try:
        spooled = spool(pipeline.reader(table), target)
    except BadInput as error:
        raise UsageError(
            f"the table {table} does not read: {error.message}",
            left_behind="nothing was run",
            next_step=f"correct it, and run {pipeline.name} again",
        ) from error
    return replace(options, source=str(spooled.absolute()), table=str(table), table_hash=table_hash)
