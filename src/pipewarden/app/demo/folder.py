"""The demonstration's own folder: made fresh, cleaned when only its own files lie there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipewarden.errors import StorageUnavailable, UsageError

#: Lists the files that a finished demonstration left, so that the next may remove just those.
MARKER = ".pipewarden-demo.json"
_MOST = 1_000


def fresh_folder(wanted: Path) -> Path:
    """Return an empty folder: ``wanted``, or ``wanted-2``, ``-3``, … where somebody's files lie.

    A folder in which an earlier demonstration left nothing but its own files is cleaned.

    Raises
    ------
    UsageError
        ``wanted`` is a file.
    StorageUnavailable
        No folder can be made there.
    """
    if wanted.exists() and not wanted.is_dir():
        raise UsageError(f"{wanted} is a file", next_step="pipewarden demo --dir another-folder")
    numbered = (wanted.with_name(f"{wanted.name}-{n}") for n in range(2, _MOST))
    for folder in (wanted, *numbered):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if _emptied(folder):
                return folder
        except OSError as error:
            raise StorageUnavailable(
                f"the folder {folder} cannot be used: {error.strerror}",
                next_step="pipewarden demo --dir another-folder",
            ) from error
    raise UsageError(f"{wanted} and its successors are taken", next_step=f"clear {wanted}")


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files below a folder, replacing those of the same name."""
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def mark(folder: Path) -> None:
    """Note which files the demonstration leaves."""
    names = [path.relative_to(folder).as_posix() for path in _files(folder)]
    (folder / MARKER).write_text(json.dumps([*names, MARKER], indent=1), encoding="utf-8")


def _emptied(folder: Path) -> bool:
    found = _files(folder)
    if not found:
        return True
    own: set[str] = set()
    with suppress(OSError, ValueError, TypeError):
        own = set(json.loads((folder / MARKER).read_text(encoding="utf-8")))
    if any(path.relative_to(folder).as_posix() not in own for path in found):
        return False
    for path in found:
        path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir()
    return True


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
