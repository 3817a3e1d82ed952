"""The bytes of a filing: unpacked within bounds, and refused when they cannot be a document."""

from __future__ import annotations

import zlib
from pathlib import Path

import pipewarden as pw

_GZIP = b"\x1f\x8b"
_MAGIC = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"BM6": "a bitmap image",
    b"RIFF": "a RIFF file",
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite format 3": "a database",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
}
_SAMPLE = 65_536
#: Control characters that no text has: all below the space but tab, line ends, form feed, SUB, ESC.
_CONTROLS = bytes(sorted(set(range(32)) - {9, 10, 11, 12, 13, 26, 27}))
_CONTROL_SHARE = 0.02


def read_contents(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a filing, decompressed when they are gzip.

    Parameters
    ----------
    path
        The file; ``.gz`` is recognised by its first bytes and demanded where the name says so.
    max_bytes
        The largest number of decompressed bytes that is read.

    Raises
    ------
    BadInput
        The file is empty, binary, too large, or not the gzip that its name promises.
    """
    if path.stat().st_size > max_bytes:
        raise _too_large(path, max_bytes)
    data = path.read_bytes()
    if not data:
        raise pw.BadInput("empty_file", f"{path.name} is empty")
    if data[:2] == _GZIP:
        data = _gunzip(data, path, max_bytes)
    elif path.suffix.lower() == ".gz":
        raise pw.BadInput("not_gzip", f"{path.name} is named .gz but does not hold gzip data")
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise pw.BadInput("empty_file", f"{path.name} holds no characters")
    _refuse_binary(data, path)
    return data


def _too_large(path: Path, max_bytes: int) -> pw.BadInput:
    return pw.BadInput(
        "too_large", f"{path.name} holds more than {max_bytes:,} bytes (setting max_bytes)"
    )


def _gunzip(data: bytes, path: Path, max_bytes: int) -> bytes:
    """Unpack all members, never holding more than ``max_bytes`` + 1 of output."""
    parts: list[bytes] = []
    room = max_bytes + 1
    try:
        while data[:2] == _GZIP:
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(data, room)
            room -= len(part)
            parts.append(part)
            if room <= 0:
                raise _too_large(path, max_bytes)
            if not member.eof:
                raise pw.BadInput("truncated_gzip", f"{path.name}: the gzip data ends too early")
            data = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise pw.BadInput(
            "damaged_gzip", f"{path.name}: the gzip data is damaged: {error}"
        ) from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refuse_binary(data: bytes, path: Path) -> None:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise pw.BadInput("binary", f"{path.name} is {kind}, not an HTML or text filing")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16 is text full of NUL bytes
        return
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(8, _CONTROL_SHARE * len(sample)):
        raise pw.BadInput("binary", f"{path.name} holds binary data, not an HTML or text filing")
