"""The stat cache: which signature a file had when its hash was known, so as not to hash it again.

A cache and no more: it is machine-local, may be lost at any time, and then costs one hashing. That
an item has a line here also tells that this machine produced its output.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson

from pipewarden.store.files import durable
from pipewarden.store.files.hashing import Signature
from pipewarden.store.manifest.record import collector_paused

_VERSION = 1

#: Input and output signature of one item; None where the file proved nothing when last seen.
Signatures = tuple[Signature | None, Signature | None]
#: The same as the cache stores them.
StatRow = list[list[int] | None]


class StatCache:
    """Signatures by item key, kept in one JSON file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: dict[str, StatRow] = {}
        self._dirty = False
        with suppress(OSError, ValueError, KeyError, TypeError), collector_paused():
            plain = orjson.loads(path.read_bytes())
            if plain["version"] == _VERSION:
                self._rows = plain["rows"]

    def rows(self) -> dict[str, StatRow]:
        """Return ``{key: [input signature, output signature]}`` as stored, for bulk comparison."""
        return self._rows

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def put(self, key: str, source: Signature | None, output: Signature | None) -> None:
        """Remember the signatures of one item's input and output."""
        row = [list(source) if source else None, list(output) if output else None]
        if self._rows.get(key) != row:
            self._rows[key] = row
            self._dirty = True

    def forget(self, keys: Iterable[str]) -> None:
        """Drop lines of items that are gone."""
        for key in keys:
            self._dirty = self._rows.pop(key, None) is not None or self._dirty

    def save(self) -> None:
        """Write the cache if it changed; atomically, for half a cache is worse than none."""
        if self._dirty:
            data = orjson.dumps({"version": _VERSION, "rows": self._rows})
            durable.write_file(self.path, data)
            self._dirty = False
