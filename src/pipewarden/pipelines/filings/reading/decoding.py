"""From bytes to characters: declared and sniffed encodings, and Windows punctuation set right."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DECLARED = re.compile(
    rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE
)
_HEAD = 4_096
#: Declarations that say no more than "one byte a character", which Windows-1252 reads best.
_WESTERN = frozenset({"ascii", "iso8859-1", "cp1252", "utf-8"})
_C1 = re.compile("[\x80-\x9f]")


def decode(data: bytes) -> str:
    """Return the text of a filing.

    UTF-8 wherever the bytes allow it, whatever is declared; else the declared encoding; else
    Windows-1252. A stray Windows byte within UTF-8 (exhibits are pasted together) is read as such.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return _without_c1(data.decode("utf-8"))
    except UnicodeDecodeError:
        declared = _declared(data)
    if declared == "utf-8":
        text = data.decode("utf-8", _STRAY)
    elif declared in _WESTERN:
        text = data.decode("latin-1")
    else:
        text = data.decode(declared, "replace")
    return _without_c1(text)


def _declared(data: bytes) -> str:
    """Return the normalised name of the declared encoding, ``cp1252`` when there is none."""
    found = _DECLARED.search(data, 0, _HEAD)
    try:
        return codecs.lookup(found.group(1).decode("ascii")).name if found else "cp1252"
    except (LookupError, ValueError):
        return "cp1252"


def _without_c1(text: str) -> str:
    """Map C1 controls, which no filing means, to the Windows-1252 characters they stand for."""
    if text.isascii() or not _C1.search(text):
        return text
    return _C1.sub(lambda found: _windows(found.group().encode("latin-1")), text)


def _windows(data: bytes) -> str:
    return data.decode("cp1252", "ignore")


def _stray(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


_STRAY = "pipewarden.filings.stray"
codecs.register_error(_STRAY, _stray)
