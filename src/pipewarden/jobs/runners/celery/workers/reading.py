"""Records read from their place in a file that stays open from one chunk to the next."""

from __future__ import annotations

from pathlib import Path

from pipewarden.engine.records import RecordScan


class RecordFile:
    """The file that records were last read from; in a compressed one, going back is slow."""

    def __init__(self) -> None:
        self._scan: RecordScan | None = None
        self._signature: tuple[int, ...] = ()

    def record(self, path: Path, place: tuple[int, int]) -> bytes:
        """Return the bytes at a place of the file that is at ``path`` now; none if it is gone."""
        try:
            stat = path.stat()
        except OSError:
            return b""
        signature = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._scan is None or self._scan.file != path or self._signature != signature:
            self.close()
            self._scan, self._signature = RecordScan(path), signature
        self._scan.found = {"": place}
        return self._scan.record("")

    def close(self) -> None:
        """Close the file."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None
