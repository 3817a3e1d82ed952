"""From a document to what can be published: a file under a temporary name, or a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipewarden.core.canonical import digest
from pipewarden.engine.publication import documents
from pipewarden.engine.task import Worked
from pipewarden.store.files import durable


def staged(worked: Worked, document: Mapping[str, Any], folder: Path | None) -> Worked:
    """Return a result with its document, ready to be published.

    Parameters
    ----------
    folder
        The output folder, whose structure mirrors the source; None makes a line.

    Raises
    ------
    BadInput
        The document holds something that JSON has not.
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    if folder is None:
        return replace(worked, line=documents.encode_line(document))
    data = documents.encode(document)
    place = documents.artifact_path(folder, worked.key, ".json").parent
    durable.make_folder(place)
    temporary = durable.stage(place, data)
    return replace(worked, staged=temporary, staged_hash=digest(data), staged_size=len(data))


def restaged(worked: Worked, document: Mapping[str, Any]) -> Worked:
    """Return a result with another document instead of the one that it has."""
    if worked.staged is None:
        return replace(worked, line=documents.encode_line(document))
    data = documents.encode(document)
    temporary = durable.stage(worked.staged.parent, data)
    worked.staged.unlink()
    return replace(worked, staged=temporary, staged_hash=digest(data), staged_size=len(data))
