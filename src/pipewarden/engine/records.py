"""Files of records: JSON lines, each line an item whose key is one of its fields.

The scan reads the file once and keeps of each line its place and its hash, never its text.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import orjson

from pipewarden.core.canonical import digest
from pipewarden.errors import SourceNotFound
from pipewarden.store.state.column_types import storable

#: How the names of files of records end.
SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
#: Bytes of a line that are read; a longer one is no record.
LINE_MAX = 256 << 20
#: Bytes of a key; the indexes of databases hold little more.
KEY_MAX = 1_000
_BOM = b"\xef\xbb\xbf"
#: What reading a file may raise where it is damaged.
_DAMAGE = (OSError, EOFError, zlib.error)
_KINDS = {list: "array", str: "string", int: "number", float: "number", bool: "boolean"}


def holds_records(path: Path | str) -> bool:
    """Whether a file's name says that it holds JSON lines."""
    return str(path).lower().endswith(SUFFIXES)


def record_hash(record: Any) -> str:
    """Return the hash of a record, the same however its JSON is spaced and ordered.

    Raises
    ------
    TypeError
        It is nested deeper than can be written again.
    """
    return digest(orjson.dumps(record, option=orjson.OPT_SORT_KEYS))


@dataclass(frozen=True, slots=True)
class RecordSource:
    """One file of records.

    Parameters
    ----------
    file
        The file; absolute.
    key_field
        The field that holds a record's key.
    """

    file: Path
    key_field: str

    @classmethod
    def at(cls, path: Path | str, key_field: str) -> RecordSource:
        """Return the source at ``path``.

        Raises
        ------
        SourceNotFound
            There is no file that can be read.
        """
        file = Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed
        if file.exists() and not file.is_file():  # a pipe, say: opening it could hang
            raise SourceNotFound(
                f"the source {path} is not a regular file",
                next_step="write the records to a file first, and give its path",
            )
        try:
            with file.open("rb"):
                return cls(file, key_field)
        except OSError as error:
            raise SourceNotFound(
                f"the source {path} cannot be read: {error.strerror}",
                next_step="give the path of a file of JSON lines, or of a folder",
            ) from error

    @property
    def folder(self) -> Path:
        """The folder that output paths are relative to."""
        return self.file.parent

    @property
    def patterns(self) -> tuple[str, ...]:
        """The file's name, where a folder has its patterns."""
        return (self.file.name,)

    def located(self, key: str) -> str:
        """Return where an item comes from, in words for a person."""
        return f"{self.file}, record {key!r}"

    def scan(self) -> RecordScan:
        """Read the file and return its records; what is wrong with a line is told, never lost."""
        scan = RecordScan(self.file)
        try:
            with _opened(self.file) as file:
                for line in _lines(file):
                    scan.add(line, self.key_field)
        except _DAMAGE as error:
            scan.damaged(error)
        scan.finish()
        return scan


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    offset: int
    data: bytes
    whole: bool = True


def _opened(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path))
    return path.open("rb")


def _lines(file: IO[bytes]) -> Iterator[_Line]:
    number, offset = 0, 0
    while data := file.readline(LINE_MAX):
        number += 1
        length, whole = len(data), data.endswith(b"\n") or len(data) < LINE_MAX
        yield _Line(number, offset, data if whole else data[:1], whole)
        while not whole:  # the rest of a line that is too long is passed over
            data = file.readline(1 << 20)
            length += len(data)
            whole = data.endswith(b"\n") or not data
        offset += length


@dataclass(frozen=True, slots=True)
class _Faulty:
    """A line that is no record: what it is called, where it is, its hash, and what is wrong."""

    name: str
    place: tuple[int, int]
    hash: str
    problem: tuple[str, str]


@dataclass(slots=True)
class RecordScan:
    """The records of a file: key → place, and what is wrong with some."""

    file: Path
    #: Key → offset and length of its line.
    found: dict[str, Any] = field(default_factory=dict)
    #: Key → hash of the record.
    hashes: dict[str, str] = field(default_factory=dict)
    #: Key → a code and a sentence, for a line that is no record or repeats another's key.
    problems: dict[str, tuple[str, str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _faulty: list[_Faulty] = field(default_factory=list)
    _same: int = 0
    _last: _Line | None = None
    _open: IO[bytes] | None = None

    def add(self, line: _Line, key_field: str) -> None:
        """Take a line."""
        self._last = line
        data = line.data.removeprefix(_BOM) if line.number == 1 else line.data
        if not data.strip():
            return
        place = line.offset, len(line.data)
        key, taken, problem = _understood(line, data, key_field)
        if problem is not None:
            self._faulty.append(_Faulty(key, place, taken, problem))
        elif key not in self.found:
            self.found[key], self.hashes[key], self._numbers[key] = place, taken, line.number
        elif self.hashes[key] == taken:
            self._same += 1
        else:
            told = f"line {line.number} has the {key_field} {key!r} of line {self._numbers[key]}, "
            problem = "repeated_key", f"{told}which stands, and other content"
            self._faulty.append(_Faulty(f"{key} (line {line.number})", place, taken, problem))

    def damaged(self, error: Exception) -> None:
        """Take note that the file cannot be read to its end: what follows is not seen."""
        number, end = 0, 0
        if self._last is not None:
            number, end = self._last.number, self._last.offset + len(self._last.data)
        said = f"{type(error).__name__}: {error}"
        told = f"the file is damaged after line {number}, and what follows cannot be read: {said}"
        self._faulty.append(
            _Faulty(f"line {number + 1}", (end, 0), digest(told.encode()), ("damaged", told))
        )
        self.unreadable.append(f"{self.file.name}: damaged after line {number}: {said}")
        self.unseen.append("")

    def finish(self) -> None:
        """Give lines that are no records a name that no record has, and tell of repeated ones."""
        for faulty in self._faulty:
            name = faulty.name
            while name in self.found:
                name += "*"
            self.found[name], self.hashes[name] = faulty.place, faulty.hash
            self.problems[name] = faulty.problem
        self._faulty.clear()
        if self._same:
            again = "1 line repeats" if self._same == 1 else f"{self._same} lines repeat"
            self.unreadable.append(f"{self.file.name}: {again} an earlier record exactly, left out")

    def path(self, folder: Path, key: str) -> Path:  # noqa: ARG002 - as for a folder of files
        """Return the file that an item is in."""
        return self.file

    def record(self, key: str) -> bytes:
        """Return the bytes of an item's line; fastest in the order of the file.

        Nothing is returned where the file is another by now, or gone.
        """
        offset, length = self.found[key]
        try:
            if self._open is None:
                self._open = _opened(self.file)
            self._open.seek(offset)
            data = self._open.read(length)
        except _DAMAGE:
            self.close()
            data = self._read_in_turn(offset)
        return data.removeprefix(_BOM).strip()

    def _read_in_turn(self, offset: int) -> bytes:
        """Return a line of a damaged file, read as the scan did: up to the damage all can be."""
        with suppress(*_DAMAGE), _opened(self.file) as file:
            for line in _lines(file):
                if line.offset == offset:
                    return line.data
        return b""

    def close(self) -> None:
        """Close the file, if a record was read."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _understood(
    line: _Line, data: bytes, key_field: str
) -> tuple[str, str, tuple[str, str] | None]:
    """Return key and hash of a line, and what is wrong with it, if anything is."""
    name = f"line {line.number}"
    if not line.whole:
        return name, digest(data), ("too_long", f"{name} is longer than {LINE_MAX} bytes")
    try:
        record = orjson.loads(data)
        taken = record_hash(record)
    except orjson.JSONDecodeError as error:
        told = f"{name} is not JSON: {error.msg}, at character {error.pos + 1}"
        return name, digest(data), ("not_json", told)
    except TypeError:
        told = f"{name} is nested too deeply: more than 254 objects or arrays within each other"
        return name, digest(data), ("too_deep", told)
    if not isinstance(record, dict):
        told = f"{name} is a JSON {_kind(record)}; each record must be an object on its own line"
        return name, taken, ("not_an_object", told)
    number = _inexact(record, data)
    if number is not None:
        shown = number if len(number) <= 40 else f"{number[:40]}…"
        told = f"{name} holds the number {shown}, which has more than 64 bits; write it as a string"
        return name, digest(data), ("number_too_large", told)
    key, problem = _key_of(record.get(key_field), key_field, name)
    return key or name, taken, problem


def _key_of(value: Any, key_field: str, name: str) -> tuple[str, tuple[str, str] | None]:
    """Return a record's key, spelled as every database can hold it, or why it has none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return "", ("no_key", f"{name} has no {key_field}")
    if not isinstance(value, str):
        told = f"the {key_field} of {name} is a JSON {_kind(value)}, not a string"
        return "", ("no_key", told)
    if not value.strip():
        return "", ("no_key", f"the {key_field} of {name} is empty")
    key = storable(value)
    if len(key.encode()) > KEY_MAX:
        return "", ("long_key", f"the {key_field} of {name} is longer than {KEY_MAX} bytes")
    return key, None


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS.get(type(value), "object")


def _inexact(record: dict[str, Any], data: bytes) -> str | None:
    """Return a whole number of a record that has more than 64 bits and was rounded, if any."""
    waiting: list[Any] = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, float) and abs(value) >= 1 << 63:
            break
    else:
        return None
    written: list[str] = []
    json.loads(data, parse_int=written.append)
    return next((n for n in written if not -(1 << 63) <= int(n) < 1 << 64), None)
