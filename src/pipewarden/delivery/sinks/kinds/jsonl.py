"""Documents as lines of files, one file a day: whole lines only, and the last of each counts.

A line is an envelope: ``id``, ``pipeline``, ``key``, ``version``, ``content_hash``,
``fingerprint``, ``input_hash``, ``run_id``, ``at``, and ``document``, or ``"withdrawn": true``. A
document that is processed again has a later line. Files are read in the order of their names, and a
line without its end is not there yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from filelock import FileLock, Timeout
from pydantic import Field, field_validator

from pipewarden.core.sinks import Delivery
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, Outcome, unavailable
from pipewarden.delivery.sinks.envelope import envelope
from pipewarden.delivery.sinks.options import SinkOptions
from pipewarden.delivery.sinks.spool import whole_length
from pipewarden.errors import PipewardenError
from pipewarden.store.files import durable, lines

LOCK = ".sink.lock"
_DATE = "{date}"
#: How much of the end of a file is looked at for what a dead run has already written, in bytes.
_TAIL = 8 * 1024 * 1024
#: How many documents are remembered at most.
_REMEMBERED = 20_000
_POLL = 0.005


class JsonlOptions(SinkOptions):
    """A folder of daily files."""

    kind: Literal["jsonl"]
    folder: Path = Field(description="Where the files lie; relative to the home folder.")
    file: str = Field(
        default="documents-{date}.jsonl",
        description="The name of the files; `{date}` in it is the UTC date of writing.",
    )
    fsync: Literal["always", "never"] = Field(
        default="always",
        description="`always`: a document is delivered once it is forced to disk. `never`: the "
        "operating system decides when, and a power cut may cost what was delivered last.",
    )

    @field_validator("file")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if "/" in name or name.count(_DATE) != 1 or name.startswith("."):
            raise ValueError("must be the name of a file with {date} in it")
        return name


class JsonlSink:
    """Appends to the file of the day.

    Parameters
    ----------
    options
        Where and how.
    home
        What a relative folder starts from.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(
        self,
        options: JsonlOptions,
        home: Path = Path(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = home / options.folder
        self.pattern = options.file
        self._synced = options.fsync == "always"
        self._clock = clock
        self._recent = _Recent()

    def deliver(self, deliveries: Sequence[Delivery], timeout: float) -> list[Outcome]:
        """Append documents in one write; see `Sink`."""
        try:
            with writing(self.folder, timeout):
                self._append(deliveries)
        except Timeout:
            return _none(deliveries, f"{self.folder} is being written to by another process")
        except (OSError, PipewardenError) as error:
            return _none(deliveries, f"{type(error).__name__}: {error}")
        return [DELIVERED] * len(deliveries)

    def _append(self, deliveries: Sequence[Delivery]) -> None:
        path = self._file_of_the_day()
        end = whole_length(path)
        if path.exists() and path.stat().st_size > end:
            lines.cut(path, end)
        self._recent.refresh(path, end)
        new = [d for d in deliveries if not self._recent.holds(d)]
        data = b"".join(envelope(delivery) + b"\n" for delivery in new)
        if data:
            lines.append(path, data, end, synced=self._synced)
            self._recent.add(new, end + len(data))

    def _file_of_the_day(self) -> Path:
        """Return the file of today, or a later one: a clock that was set back reorders nothing."""
        today = self.pattern.replace(_DATE, self._clock().astimezone(UTC).strftime("%Y-%m-%d"))
        return max([self.folder / today, *files_of(self.folder, self.pattern)])

    def probe(self, timeout: float) -> Outcome:
        """Return whether the folder can be written to."""
        try:
            with writing(self.folder, timeout):
                return DELIVERED
        except Timeout:
            return unavailable(f"{self.folder} is being written to by another process")
        except (OSError, PipewardenError) as error:
            return unavailable(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Nothing is open between two calls."""


class _Recent:
    """The newest version of the documents at the end of a file, so that none is written twice.

    A run that died after writing writes again what it had not committed: that lies at the end.
    """

    def __init__(self) -> None:
        self._place: tuple[Path, int] | None = None
        self._versions: dict[str, tuple[str, str, bool]] = {}

    def refresh(self, path: Path, end: int) -> None:
        """Look at the end of the file again, unless it is as this process left it."""
        if self._place == (path, end):
            return
        self._place, self._versions = (path, end), {}
        if end == 0:
            return
        start = max(0, end - _TAIL)
        tail = lines.read_span(path, start, end - start)
        for line in tail.splitlines()[1 if start else 0 :]:
            held = orjson.loads(line)
            self._put(held["id"], (held["version"], held["content_hash"], "withdrawn" in held))

    def holds(self, delivery: Delivery) -> bool:
        """Whether the document's newest line is this very version of it."""
        return self._versions.get(delivery.id) == _version(delivery)

    def add(self, deliveries: Sequence[Delivery], end: int) -> None:
        """Remember what was written."""
        for delivery in deliveries:
            self._put(delivery.id, _version(delivery))
        if self._place is not None:
            self._place = self._place[0], end

    def _put(self, name: str, version: tuple[str, str, bool]) -> None:
        self._versions.pop(name, None)
        self._versions[name] = version
        if len(self._versions) > _REMEMBERED:
            del self._versions[next(iter(self._versions))]


def _version(delivery: Delivery) -> tuple[str, str, bool]:
    return delivery.version, delivery.content_hash, delivery.document is None


def _none(deliveries: Sequence[Delivery], error: str) -> list[Outcome]:
    return [unavailable(error), *[UNTRIED] * (len(deliveries) - 1)]


@contextmanager
def writing(folder: Path, timeout: float) -> Iterator[None]:
    """Be the one writer in a folder.

    Raises
    ------
    Timeout
        Another process is, for all of ``timeout`` seconds.
    StorageUnavailable
        The folder cannot be made or written to.
    """
    durable.make_folder(folder)
    with durable.storage_errors(folder):
        lock = FileLock(folder / LOCK, timeout=timeout, thread_local=False)
        lock.acquire(poll_interval=_POLL)
        try:
            yield
        finally:
            lock.release()


def files_of(folder: Path, pattern: str) -> list[Path]:
    """Return the files of lines in a folder, oldest first."""
    before, _, after = pattern.partition(_DATE)
    name = re.compile(f"{re.escape(before)}\\d{{4}}-\\d\\d-\\d\\d{re.escape(after)}")
    return sorted(path for path in folder.glob("*") if name.fullmatch(path.name))


def documents_in(folder: Path, pattern: str = "documents-{date}.jsonl") -> dict[str, Any]:
    """Return the newest line of every document that is not withdrawn, by its id.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    newest: dict[str, Any] = {}
    for path in files_of(folder, pattern):
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    held = orjson.loads(line)
                    newest[held["id"]] = held
    return {name: held for name, held in newest.items() if "withdrawn" not in held}
