"""What a sink lacks, on disk: documents in order, in files of lines, and how far they are sent.

A file of a spool is only ever appended to. What a writer that died left of a line is cut off by the
next writer, and no reader takes a line without its end. Numbers of files never come back, so that
the cursor, which is written after the sink has the documents, cannot point past what is new.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from pipewarden.core.sinks import Delivery
from pipewarden.delivery.sinks.envelope import from_spool_line, header_of, spool_line
from pipewarden.errors import Locked, StateDamaged
from pipewarden.store.files import durable, lines
from pipewarden.store.windows import Window, passing

_FILE = re.compile(r"(\d{8})\.spool")
_CURSOR, _APPENDING, _SENDING = "cursor.json", ".append.lock", ".send.lock"
#: What makes two lines of a spool the same version of a document.
_VERSION = ("pipeline", "key", "input_hash", "fingerprint", "withdrawn")
#: Seconds between two tries for a lock, and before the one for appending is given up.
_POLL, _PATIENCE = 0.005, 60.0


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a spool: the number of a file, and bytes from its beginning."""

    file: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Portion:
    """The next documents of a spool, in order, and the place behind them.

    Parameters
    ----------
    damaged
        The lines among them that do not read.
    """

    deliveries: list[Delivery]
    damaged: list[bytes]
    end: Place


@dataclass(frozen=True, slots=True)
class Waiting:
    """What lies in a spool: different versions of documents, bytes, and since when (ISO-8601)."""

    documents: int = 0
    bytes: int = 0
    oldest: str = ""


class Spool:
    """The spool of one sink; any number of processes may append, and one at a time sends.

    Parameters
    ----------
    folder
        Its own folder.
    file_bytes
        Size beyond which a file is followed by the next.
    """

    def __init__(self, folder: Path, file_bytes: int) -> None:
        self.folder = folder
        self._file_bytes = file_bytes

    # ── appending ────────────────────────────────────────────────────────────────────────────

    def append(self, deliveries: Sequence[Delivery]) -> None:
        """Add documents behind what waits; when this returns they survive ``kill -9``.

        Raises
        ------
        StorageUnavailable
            The disk is full, or the folder cannot be written.
        Locked
            Another process has been appending for a minute.
        """
        if not deliveries:
            return
        durable.make_folder(self.folder)
        with self.appending():
            path, end = self._open_end()
            lines.append(path, b"".join(map(spool_line, deliveries)), end)
        passing(Window.SINK_SPOOLED)

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Be the one that appends in this folder.

        Raises
        ------
        Locked
            Another process has been appending for a minute.
        """
        with self._locked(_APPENDING, _PATIENCE):
            yield

    def _open_end(self) -> tuple[Path, int]:
        """Return the file to append to, and where it ends; half a line is cut off."""
        numbers = self._numbers()
        if numbers:
            path = self._path(numbers[-1])
            end = whole_length(path)
            if end < path.stat().st_size:
                lines.cut(path, end)
            if end < self._file_bytes:
                return path, end
        return self._path(max([*numbers, self.cursor().file]) + 1), 0

    @contextmanager
    def _locked(self, name: str, timeout: float) -> Iterator[None]:
        with durable.storage_errors(self.folder / name):
            lock = FileLock(self.folder / name, timeout=timeout, thread_local=False)
            try:
                lock.acquire(poll_interval=_POLL)
            except Timeout:
                raise Locked(
                    f"{self.folder} is in use by another process",
                    left_behind="nothing was changed",
                    next_step="wait for the run or the 'sinks replay' that uses it",
                ) from None
            try:
                yield
            finally:
                lock.release()

    # ── sending ──────────────────────────────────────────────────────────────────────────────

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        numbers = self._numbers()
        if not numbers:
            return True
        place = self.cursor()
        return not any(
            whole_length(self._path(number)) > (place.offset if number == place.file else 0)
            for number in numbers
            if number >= place.file
        )

    @contextmanager
    def sending(self, timeout: float = 0.0) -> Iterator[None]:
        """Be the one that sends what waits.

        Raises
        ------
        Locked
            Another process does.
        """
        durable.make_folder(self.folder)
        with self._locked(_SENDING, timeout):
            yield

    def portion(self, most: int, most_bytes: int) -> Portion | None:
        """Return the next documents, at most so many and bytes, but one at least; None at the end.

        Raises
        ------
        OSError
            A file cannot be read.
        """
        deliveries: list[Delivery] = []
        damaged: list[bytes] = []
        end, size = None, 0
        for place, line in self._lines():
            if end is not None and (size + len(line) > most_bytes or len(deliveries) >= most):
                break
            try:
                deliveries.append(from_spool_line(line))
            except ValueError:
                damaged.append(line)
            end, size = place, size + len(line)
        return None if end is None else Portion(deliveries, damaged, end)

    def advance(self, place: Place) -> None:
        """Remember that all before ``place`` is settled, and remove the files that are."""
        data = orjson.dumps({"file": place.file, "offset": place.offset})
        durable.write_file(self.folder / _CURSOR, data)
        with self.appending():
            for number in self._numbers():
                path = self._path(number)
                if number < place.file or (
                    number == place.file and path.stat().st_size == place.offset
                ):
                    durable.remove_file(path)

    def cursor(self) -> Place:
        """Return how far the spool was sent.

        Raises
        ------
        StateDamaged
            The file that says so does not read.
        """
        path = self.folder / _CURSOR
        try:
            return Place(**orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            return Place()
        except (ValueError, TypeError) as error:
            raise StateDamaged(
                f"{path} does not read: {error}",
                next_step=f"delete it: what waits in {path.parent} is then sent again from its "
                "beginning, which changes nothing that was sent before",
            ) from error

    # ── looking ──────────────────────────────────────────────────────────────────────────────

    def waiting(self, run_id: str | None = None) -> Waiting:
        """Return what waits: all of it, or what one run left there."""
        seen: set[int] = set()
        size, oldest = 0, ""
        for _, line in self._lines():
            try:
                head = header_of(line)
            except ValueError:
                head = {"run_id": "", "damaged": line}
            if run_id is not None and head["run_id"] != run_id:
                continue
            said = str(head.get("at", ""))
            seen.add(hash((head.get("damaged"), *(str(head.get(name)) for name in _VERSION))))
            size, oldest = size + len(line), min(oldest or said, said)
        return Waiting(len(seen), size, oldest)

    def files(self) -> list[tuple[int, Path]]:
        """Return its files with their numbers, in order; some may be sent and gone by then."""
        return [(number, self._path(number)) for number in self._numbers()]

    def _lines(self) -> Iterator[tuple[Place, bytes]]:
        """Yield every whole line from the cursor on, each with the place behind it."""
        start = self.cursor()
        for number in self._numbers():
            if number < start.file:
                continue
            offset = start.offset if number == start.file else 0
            try:
                with self._path(number).open("rb") as file:
                    file.seek(offset)
                    for line in file:
                        if not line.endswith(b"\n"):
                            break
                        offset += len(line)
                        yield Place(number, offset), line
            except FileNotFoundError:  # sent and removed meanwhile
                continue

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        found = (_FILE.fullmatch(name) for name in os.listdir(self.folder))  # noqa: PTH208 - names only
        return sorted(int(match[1]) for match in found if match)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.spool"


def whole_length(path: Path) -> int:
    """Return how many bytes of a file of lines are whole lines; 0 where there is no file."""
    block = 65_536
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - block)
                file.seek(start)
                at = file.read(end - start).rfind(b"\n")
                if at >= 0:
                    return start + at + 1
                end = start
    except FileNotFoundError:
        return 0
    return 0
