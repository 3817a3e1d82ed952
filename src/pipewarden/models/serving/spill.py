"""Predictions that the database could not take, on disk until it can.

A file of JSON lines that is only ever appended to, each batch forced to disk. To be read it is
first given another name, so that appending never waits for the database. What a process that died
left of a line is cut off by the next writer, and was told to nobody as stored. A line may be
offered to the database twice, which knows it by its id.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from pipewarden.errors import Locked
from pipewarden.store.files import durable, lines
from pipewarden.store.state.models.predictions import Prediction

log = logging.getLogger(__name__)

_APPENDED, _SENDING = "predictions.jsonl", "predictions.sending.jsonl"
#: Seconds to wait for another process that appends, which takes milliseconds.
_PATIENCE = 10.0
#: Predictions that are offered to the database at once.
_PORTION = 500
#: Bytes from the end of a file in which its last whole line is looked for.
_TAIL = 1 << 20


class Spill:
    """The spilled predictions of all services of one home folder.

    Parameters
    ----------
    folder
        Its own folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = threading.Lock()

    @property
    def pending(self) -> bool:
        """Whether anything waits for the database."""
        return any((self._folder / name).is_file() for name in (_APPENDED, _SENDING))

    @property
    def bytes(self) -> int:
        """How much waits."""
        files = (self._folder / name for name in (_APPENDED, _SENDING))
        return sum(path.stat().st_size for path in files if path.is_file())

    def append(self, rows: Sequence[Prediction]) -> None:
        """Write predictions; they are on disk when this returns.

        Raises
        ------
        StorageUnavailable
            The disk is full, or the folder cannot be written; nothing of them is kept.
        Locked
            Another process appends and does not end.
        """
        data = b"".join(orjson.dumps(asdict(row), default=str) + b"\n" for row in rows)
        durable.make_folder(self._folder)
        path = self._folder / _APPENDED
        with self._threads, self._lock("append"):
            lines.append(path, data, _whole(path))

    def replay(self, write: Callable[[Sequence[Prediction]], None]) -> int:
        """Hand all that waits to ``write``, and forget it; return how many that were.

        Nothing is forgotten when ``write`` raises. Where another process does this already, it is
        left to that one.
        """
        if not self.pending:
            return 0
        try:
            with self._lock("send", 0.0):
                return self._replay(write)
        except Locked:
            return 0

    def _replay(self, write: Callable[[Sequence[Prediction]], None]) -> int:
        sending, appended = self._folder / _SENDING, self._folder / _APPENDED
        number = 0
        while self.pending:
            if not sending.is_file():
                with self._threads, self._lock("append"):
                    durable.replace(appended, sending)
                    durable.sync_folder(self._folder)
            with sending.open("rb") as file:
                rows = filter(None, map(_read, file))
                while portion := list(islice(rows, _PORTION)):
                    write(portion)
                    number += len(portion)
            durable.remove_file(sending)
        return number

    @contextmanager
    def _lock(self, name: str, patience: float = _PATIENCE) -> Iterator[None]:
        path = self._folder / f".{name}.lock"
        with durable.storage_errors(path):
            try:
                held = FileLock(path, timeout=patience).acquire()
            except Timeout:
                raise Locked(f"another process holds {path} and does not let go") from None
        with held:
            yield


def _whole(path: Path) -> int:
    """Return after how many bytes a file's last whole line ends; cut off what follows it."""
    size = path.stat().st_size if path.is_file() else 0
    if lines.ends_a_line(path, size):
        return size
    start = max(0, size - _TAIL)
    length = start + lines.read_span(path, start, _TAIL).rfind(b"\n") + 1
    lines.cut(path, length)
    return length


def _read(line: bytes) -> Prediction | None:
    """Return the prediction of a line; of a line that was not written to its end, nothing."""
    try:
        held = orjson.loads(line)
        return Prediction(**{**held, "at": datetime.fromisoformat(held["at"])})
    except (ValueError, TypeError, KeyError):
        log.warning("a spilled prediction does not read", extra={"bytes": len(line)})
        return None
