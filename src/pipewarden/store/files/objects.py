"""The object store: files named by the hash of what they hold, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipewarden.core.canonical import HASH_PREFIX, digest
from pipewarden.errors import StateDamaged
from pipewarden.store.files import durable

_ENDING = ".json"


def object_path(folder: Path, object_hash: str) -> Path:
    """Return where the object of a hash lies below the object store's folder."""
    name = object_hash.removeprefix(HASH_PREFIX)
    return folder / name[:2] / f"{name}{_ENDING}"


def read_object(folder: Path, object_hash: str) -> bytes:
    """Return an object, which is what its name says.

    Raises
    ------
    StateDamaged
        It is not there, does not read, or holds something else by now.
    """
    path = object_path(folder, object_hash)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateDamaged(
            f"the object {object_hash} does not read: {error}",
            next_step=f"bring {path} back from a copy",
        ) from error
    if digest(data) != object_hash:
        raise StateDamaged(
            f"the object {path} was changed: it is {digest(data)} now",
            next_step="bring it back from a copy",
        )
    return data


def objects_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the hash and the path of every object."""
    for path in sorted(folder.glob(f"??/*{_ENDING}")) if folder.is_dir() else ():
        if not durable.is_temporary(path.name):
            yield f"{HASH_PREFIX}{path.stem}", path


def abandoned_in(folder: Path) -> Iterator[Path]:
    """Yield the temporary files that processes which are gone left in the object store."""
    for path in sorted(folder.glob("??/.*")) if folder.is_dir() else ():
        if durable.is_temporary(path.name) and durable.is_abandoned(path):
            yield path
