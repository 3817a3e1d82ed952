"""Forms with files (RFC 7578): each file goes to disk as it comes, none is ever whole in memory."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge.problems import Problem
from pipewarden.store.files import durable

FORM = "multipart/form-data"
#: Bytes of the headers of one part, and of one value; and how many values.
_HEADER_BYTES, _VALUE_BYTES, _VALUES = 8 << 10, 64 << 10, 32
#: Bytes of a file's name: file systems take 255, and a report's name adds its own ending.
_NAME_BYTES = 200
#: What separates folders, streams or arguments somewhere; and the kinds of what nobody sees.
_SEPARATING, _INVISIBLE = '/\\:*?"<>|', ("Cc", "Cf", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form as it lies on disk: its name, and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Form:
    """What a form says: its values by their names, and its files in their order."""

    values: dict[str, str]
    files: list[File]


async def received(
    stream: AsyncIterator[bytes], content_type: str, folder: Path, *, name: str, most: int
) -> Form:
    """Put the files of a form into a folder as they come, durably; return what the form says.

    Parameters
    ----------
    stream
        The body.
    content_type
        Its header, which names the boundary.
    folder
        An empty one; it is the caller's to remove where this raises.
    name
        Of the fields that are files.
    most
        How many files there may be.

    Raises
    ------
    Problem
        413: more files than that, or a value that is too long. 422: it is no form, or it ended
        before its end; or a file cannot be kept under its name, for it could lead elsewhere, be
        hidden, or was used before.
    StorageUnavailable
        The disk is full.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise _invalid("its content type names no boundary")
    parts = _Parts(folder, name, most)
    try:
        with durable.storage_errors(folder):
            parser = MultipartParser(boundary, parts.callbacks())
            async for chunk in stream:
                await run_in_threadpool(parser.write, chunk)
            if not parts.ended:
                raise _invalid("it ended before its end")
            await run_in_threadpool(durable.sync_folder, folder)
    except FormParserError as error:
        raise _invalid(str(error)) from error
    finally:
        parts.close()
    return Form(parts.values, parts.files)


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid_form", f"the form cannot be read: {detail}")


@dataclass(slots=True)
class _Part:
    """The part that is being read; ``file`` is open where it is a file."""

    headers: dict[str, bytes] = field(default_factory=dict)
    header: bytes = b""
    header_value: bytes = b""
    name: str = ""
    value: bytearray = field(default_factory=bytearray)
    file: IO[bytes] | None = None
    digest: Any = None
    file_name: str = ""


class _Parts:
    def __init__(self, folder: Path, name: str, most: int) -> None:
        self._folder, self._name, self._most = folder, name, most
        self._part = _Part()
        self.values: dict[str, str] = {}
        self.files: list[File] = []
        self.ended = False

    def callbacks(self) -> Any:
        names = (
            "on_part_begin", "on_part_data", "on_part_end", "on_header_field", "on_header_value",
            "on_header_end", "on_headers_finished", "on_end",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def close(self) -> None:
        if self._part.file is not None:
            self._part.file.close()

    def on_part_begin(self) -> None:
        self._part = _Part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]
        self._bounded()

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]
        self._bounded()

    def _bounded(self) -> None:
        if len(self._part.header) + len(self._part.header_value) > _HEADER_BYTES:
            raise _invalid("a header of a part is too long")

    def on_header_end(self) -> None:
        part = self._part
        part.headers[part.header.decode("latin-1").lower()] = part.header_value
        part.header = part.header_value = b""

    def on_headers_finished(self) -> None:
        part = self._part
        disposition = part.headers.get("content-disposition", b"")
        _, options = parse_options_header(disposition)
        part.name = _text(options.get(b"name", b""))
        if b"filename" not in options:
            if len(self.values) >= _VALUES or part.name in self.values:
                raise _invalid(f"it has too many values, or {part.name!r} twice")
            return
        if part.name != self._name:
            raise _invalid(f"its files must be named {self._name!r}, not {part.name!r}")
        if len(self.files) >= self._most:
            raise Problem(413, "too_many_files", f"a job takes at most {self._most:,} files")
        part.file_name = _file_name(options[b"filename"])
        part.digest = hashlib.sha256()
        try:
            part.file = (self._folder / part.file_name).open("xb")
        except FileExistsError:
            detail = f"two files have the name {part.file_name!r}"
            raise Problem(422, "invalid_file_name", detail) from None

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.file is not None:
            part.file.write(data[start:end])
            part.digest.update(data[start:end])
            return
        part.value += data[start:end]
        if len(part.value) > _VALUE_BYTES:
            detail = f"the value {part.name!r} is longer than {_VALUE_BYTES:,} bytes"
            raise Problem(413, "body_too_large", detail)

    def on_part_end(self) -> None:
        part = self._part
        if part.file is None:
            self.values[part.name] = _text(bytes(part.value))
            return
        part.file.flush()
        os.fsync(part.file.fileno())
        part.file.close()
        part.file = None
        self.files.append(File(part.file_name, part.digest.hexdigest()))

    def on_end(self) -> None:
        self.ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _invalid("its names and values must be UTF-8") from None


def _file_name(raw: bytes) -> str:
    """Return the name of a file if it means a file of one folder wherever it is read.

    Nothing is repaired: two names must not become one, and a caller finds results by the name that
    it gave.
    """
    name = _text(raw)
    hidden = not name or name.startswith(".") or name != name.strip()
    odd = any(c in _SEPARATING or unicodedata.category(c) in _INVISIBLE for c in name)
    if hidden or odd or len(raw) > _NAME_BYTES:
        detail = (
            f"{name[:100]!r} cannot name a file here: at most {_NAME_BYTES} bytes, no leading dot, "
            f"nothing invisible, and none of {_SEPARATING}"
        )
        raise Problem(422, "invalid_file_name", detail)
    return name
