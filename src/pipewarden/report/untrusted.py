"""Text that came with the inputs: shown whole and harmless, whoever wrote it.

`visible` is the first half of the defence, for every medium: nothing can hide, reorder a line,
start a new one or talk to a terminal. The second half, escaping, belongs to each medium.
"""

from __future__ import annotations

import os
import shlex
import unicodedata
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from urllib.parse import quote

#: Where the pictures of the control characters begin: U+0000 is shown as U+2400, and so on.
_PICTURES, _PICTURE_OF_SPACE, _PICTURE_OF_DELETE = 0x2400, "\u2420", "\u2421"


def visible(text: str) -> str:
    """Return ``text`` on one line, with a visible sign for every character that has none.

    Control characters become their pictures, bytes that are no UTF-8 become ``⟨0xE9⟩``, and all
    other invisible characters (bidirectional overrides, zero-width characters, line separators)
    become ``⟨U+202E⟩``. Spaces at the edges are shown as well. Applying it twice changes nothing.
    """
    shown = _shown(text)
    bare = shown.strip()
    if len(bare) == len(shown):
        return shown
    before = len(shown) - len(shown.lstrip()) if bare else len(shown)
    after = shown[before + len(bare) :]
    return "".join(map(_space, shown[:before])) + bare + "".join(map(_space, after))


def _space(char: str) -> str:
    return _PICTURE_OF_SPACE if char == " " else f"⟨U+{ord(char):04X}⟩"


def visible_lines(text: str) -> list[str]:
    """Return the lines of ``text``, each made visible; only their indentation stays as it is."""
    return [_shown(line.replace("\t", "    ")) for line in text.replace("\r\n", "\n").split("\n")]


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _sign(char) for char in text)


def _sign(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return _PICTURE_OF_DELETE
    if 0xDC80 <= code <= 0xDCFF:  # a byte that a file name holds and UTF-8 does not (PEP 383)
        return f"⟨0x{code - 0xDC00:02X}⟩"
    return char if unicodedata.category(char) == "Zs" else f"⟨U+{code:04X}⟩"


def clipped(text: str, length: int) -> str:
    """Return the beginning of ``text``, and how much was left out."""
    if len(text) <= length:
        return text
    return f"{text[:length]}… ({len(text) - length:,} more characters)"


def clipped_lines(lines: list[str], first: int, last: int) -> list[str]:
    """Return the first and the last of many lines, and how many stood between them."""
    if len(lines) <= first + last:
        return lines
    return [*lines[:first], f"… ({len(lines) - first - last:,} more lines)", *lines[-last:]]


def shell_line(words: Iterable[str]) -> str:
    """Return a command as it can be pasted into bash or zsh, free of invisible characters."""
    return " ".join(map(_shell_word, words))


def _shell_word(word: str) -> str:
    if _shown(word) == word:
        return shlex.quote(word)
    # ANSI-C quoting: the one form in which an invisible character can be read and pasted.
    held = "".join(_ansi_c(char) for char in word)
    return f"$'{held}'"


def _ansi_c(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if _shown(char) == char:
        return char
    return "".join(f"\\x{byte:02x}" for byte in _bytes(char))


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


class Links:
    """Relative links from the folder of a report to files, safe to stand in HTML and Markdown.

    Parameters
    ----------
    folder
        Where the report will lie; relative to the working directory, as the linked paths are.
    """

    def __init__(self, folder: Path) -> None:
        self._here = Path.cwd().as_posix()
        self._start = self._parts(folder.as_posix())
        self._parents: dict[str, str] = {}

    def to(self, path: str) -> str:
        """Return the link to ``path``, or nothing where there is no path."""
        if not path:
            return ""
        parent, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            return self._to_folder(path)
        if parent not in self._parents:
            start = parent or ("/" if path.startswith("/") else ".")
            self._parents[parent] = self._to_folder(start) + "/"
        return self._parents[parent] + _quoted(name)

    def _to_folder(self, path: str) -> str:
        parts = self._parts(path)
        pairs = zip(self._start, parts, strict=False)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        way = [".."] * (len(self._start) - common) + [*map(_quoted, parts[common:])]
        return "/".join(way) or "."

    def _parts(self, path: str) -> list[str]:
        whole = os.path.normpath(f"{self._here}/{path}" if path[:1] != "/" else path)
        return [part for part in whole.split("/") if part]


def _quoted(path: str) -> str:
    # Every colon is quoted too, so that no name can pass for a scheme such as `javascript:`.
    return quote(_bytes(path), safe="/")
