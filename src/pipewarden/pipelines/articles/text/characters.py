"""Characters that no reader sees, and letters that are written in two parts."""

from __future__ import annotations

import re
import unicodedata

from pipewarden.pipelines.articles.text.edits import Edit

#: What stands for what cannot be written: a lone surrogate has no form in UTF-8.
REPLACEMENT = "\ufffd"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_JOINERS = "\u200c\u200d"
_TAGS = "\U000e0020-\U000e007f"
_CONTROLS = re.compile(
    "\r\n?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\u2060-\u2064"
    f"\u180e\u206a-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff{_BIDI}{_JOINERS}{_TAGS}]"
)
_PLAIN_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_BREAKS = {"\r": "\n", "\r\n": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n", "\u2028": "\n"}
_BREAKS["\u2029"] = "\n\n"
_NEAR = 12

#: Letters of scripts that are written from right to left.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")
_BLACK_FLAG = "\U0001f3f4"


def controls(text: str) -> list[Edit]:
    """Return edits that take away control and zero-width characters.

    Marks of direction stay in a text that has letters written from right to left; joiners stay
    between letters of scripts that join, and in emoji. Lone surrogates become U+FFFD, since no
    encoding can hold them.

    Parameters
    ----------
    text
        Any text.
    """
    if not (_PLAIN_CONTROLS if text.isascii() else _CONTROLS).search(text):
        return []
    both_ways = _RIGHT_TO_LEFT.search(text) is not None
    edits = []
    for match in _CONTROLS.finditer(text):
        after = _instead(match, text, both_ways)
        if after is not None:
            edits.append(Edit(match.start(), match.end(), after))
    return edits


def _instead(match: re.Match[str], text: str, both_ways: bool) -> str | None:
    """Return what stands for a character; None where it stays."""
    char, at = match[0], match.start()
    if char in _BREAKS:
        return _BREAKS[char]
    if "\ud800" <= char <= "\udfff":
        return REPLACEMENT
    if re.match(f"[{_BIDI}]", char):
        return None if both_ways else ""
    if char in _JOINERS:
        before, after = text[max(0, at - 1) : at], text[at + 1 : at + 2]
        return None if _joins(before) and _joins(after) else ""
    if "\U000e0020" <= char <= "\U000e007f":
        return None if _BLACK_FLAG in text[max(0, at - _NEAR) : at] else ""
    return ""


def _joins(char: str) -> bool:
    """Whether a joiner beside the character can mean anything: emoji, or a script that joins."""
    if not char or char.isascii():
        return False
    # Marks and selectors follow emoji and letters alike; below U+0600 no script joins.
    return unicodedata.category(char)[0] in "LMS" and ord(char) >= 0x0600


#: Below U+0300 nothing composes with what stands before it, so such a run composes by itself.
_COMPOSED = re.compile("[\x00-\u02ff]?[\u0300-\U0010ffff]+")
_MAYBE_OPEN = re.compile("[\u0300-\U0010ffff]")


def unicode(text: str) -> list[Edit]:
    """Return edits that compose letters and their marks (NFC); nothing is folded or replaced.

    Source: Unicode Standard Annex 15. Ligatures and full-width letters stay: only the other normal
    forms, which lose meaning, replace them.

    Parameters
    ----------
    text
        Any text.
    """
    if text.isascii() or not _MAYBE_OPEN.search(text) or unicodedata.is_normalized("NFC", text):
        return []
    edits = []
    for match in _COMPOSED.finditer(text):
        composed = unicodedata.normalize("NFC", match[0])
        if composed != match[0]:
            edits.append(trimmed(match.start(), match[0], composed))
    return edits


def trimmed(start: int, before: str, after: str) -> Edit:
    """Return the edit of what differs, without what both have at their beginnings and ends."""
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    rest = shorter - head
    tail = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    return Edit(start + head, start + len(before) - tail, after[head : len(after) - tail])
