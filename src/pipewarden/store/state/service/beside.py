"""What jobs of this machine wait for, in files: all that can be told without the database.

One file a process, below the home folder, which stands there only while that process waits.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from pipewarden.store.files import durable
from pipewarden.store.state.service.breakers import BreakerRow

_TIMES = ("retry_at", "since", "told_at")


def tell(folder: Path, row: BreakerRow) -> None:
    """Let this be what a process waits for.

    Raises
    ------
    StorageUnavailable
        The disk is full, or the folder may not be written.
    """
    durable.make_folder(folder)
    plain = {name: getattr(row, name) for name in BreakerRow.__slots__}
    durable.write_file(_file(folder, row.owner), orjson.dumps(plain))


def forget(folder: Path, owner: str) -> None:
    """Let a process wait for nothing."""
    _file(folder, owner).unlink(missing_ok=True)


def forget_older(folder: Path, before: datetime) -> None:
    """Forget what processes last said before a time; they are gone, or say it again."""
    for file in folder.glob("*.json"):
        row = _read(file)
        if row is None or row.told_at < before:
            file.unlink(missing_ok=True)


def known(folder: Path) -> list[BreakerRow]:
    """Return what each process waits for; a file that does not read counts as none."""
    rows = map(_read, sorted(folder.glob("*.json")))
    return [row for row in rows if row is not None]


def _file(folder: Path, owner: str) -> Path:
    return folder / f"{re.sub(r'[^A-Za-z0-9.-]', '_', owner)}.json"


def _read(file: Path) -> BreakerRow | None:
    try:
        plain: dict[str, Any] = orjson.loads(file.read_bytes())
        times = {name: _time(plain[name]) for name in _TIMES}
        return BreakerRow(**{**plain, **times})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
