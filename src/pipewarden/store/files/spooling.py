"""Records that come from a program instead of a file: spooled, then a source like any other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from pipewarden.errors import InvalidSettings
from pipewarden.store.files import durable


def spool(records: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """Write records durably as JSON lines, one by one, and return the file.

    The file has its name only when it is whole: what stood there before stays until then.

    Parameters
    ----------
    records
        What JSON can hold; read once, never all in memory.
    path
        The file; its name ends in ``.jsonl``.

    Raises
    ------
    InvalidSettings
        A record is none, or holds what JSON has not; nothing was written.
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    durable.make_folder(path.parent)
    temporary = durable.stage(path.parent, b"")
    try:
        with durable.storage_errors(path), temporary.open("wb", buffering=1 << 20) as file:
            for number, record in enumerate(records, 1):
                file.write(_line(number, record))
            file.flush()
            os.fsync(file.fileno())
        durable.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    durable.sync_folder(path.parent)
    return path


def _line(number: int, record: Any) -> bytes:
    if not isinstance(record, Mapping):
        raise InvalidSettings(
            f"record {number} is a {type(record).__name__}, not a mapping",
            left_behind="nothing was run",
        )
    try:
        return orjson.dumps(dict(record), option=orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise InvalidSettings(
            f"record {number} cannot be written as JSON: {error}", left_behind="nothing was run"
        ) from error
