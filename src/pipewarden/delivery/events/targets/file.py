"""A file of JSON lines, one event in the JSON event format a line, forced to disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipewarden.delivery.events.cloud import json_of
from pipewarden.delivery.events.targets.options import TargetOptions
from pipewarden.delivery.outcome import DELIVERED, Outcome, unavailable
from pipewarden.errors import StorageUnavailable
from pipewarden.store.files.durable import make_folder, sync_folder, write_all

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent

#: How far back the beginning of a torn line is looked for at a time, in bytes.
_LOOK = 65_536


class FileOptions(TargetOptions):
    """A file that events are appended to."""

    kind: Literal["file"]
    path: Path = Field(description="The file; relative to the home folder.")


class FilePublisher:
    """Appends events to a file. A line that a crash tore is removed before the next is written."""

    def __init__(self, options: FileOptions, home: Path) -> None:
        self._path = home / options.path

    def publish(self, events: Sequence[CloudEvent], timeout: float) -> list[Outcome]:  # noqa: ARG002
        """Append the events and force them to disk; see `Publisher`."""
        lines = b"".join(json_of(event) + b"\n" for event in events)
        try:
            new = not self._path.exists()
            make_folder(self._path.parent)
            self._append(lines)
            if new:
                sync_folder(self._path.parent)
        except (OSError, StorageUnavailable) as error:
            return [unavailable(f"{self._path} cannot be written: {error}")] * len(events)
        return [DELIVERED] * len(events)

    def probe(self, timeout: float) -> Outcome:  # noqa: ARG002
        """Return whether the file, or the nearest folder that is there, may be written to."""
        place = self._path
        while not place.exists() and place != place.parent:
            place = place.parent
        if os.access(place, os.W_OK):
            return DELIVERED
        return unavailable(f"{place} may not be written to")

    def close(self) -> None:
        """Do nothing: the file is closed after each wave."""

    def _append(self, lines: bytes) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._path, flags, 0o644)
        try:
            end = _whole_lines(descriptor)
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            write_all(descriptor, lines)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _whole_lines(descriptor: int) -> int:
    """Return the size of a file without a last line that is not ended."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _LOOK)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
