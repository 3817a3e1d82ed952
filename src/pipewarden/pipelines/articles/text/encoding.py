"""Text that was decoded wrongly (mojibake), put right where it is damaged and nowhere else.

UTF-8 that was read as Windows-1252, Latin-1 or Mac Roman shows as sequences of two to four odd
characters, such as ``â€™``. They are found by patterns of UTF-8 itself, and taken for damage only
where what they stand for is plausible. What was damaged in rarer ways is left to ftfy.
"""

# ruff: noqa: RUF001 - the patterns are made of such characters

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from pipewarden.pipelines.articles.text.characters import trimmed
from pipewarden.pipelines.articles.text.edits import Edit, EditedText

#: A text that was damaged more often than this is beyond repair.
_ROUNDS = 4
_NON_ASCII = re.compile("[^\x00-\x7f]+")
_C1 = re.compile("[\x80-\x9f]")
#: The categories of what nobody writes: not assigned, private.
_NOTHING = frozenset(("Cn", "Co"))
#: Quotation marks and dashes, which may follow a capital without any damage: ``ALEMANHÔ``.
_TYPOGRAPHIC = frozenset("‘’‚“”„–—…•‹›")
#: What news in Latin letters is full of, besides the letters themselves.
_PUNCTUATION = frozenset(
    "‐‑‒–—―‘’‚‛“”„‟†‡•…‰′″‹›€™−\u2009\u200a\u200b\u202f\u2028\ufeff\ufb01\ufb02"
)


def _windows() -> dict[str, int]:
    """Return Windows-1252, with the controls of Latin-1 where both put a byte."""
    table = {chr(byte): byte for byte in range(0x80, 0x100)}
    for byte in range(0x80, 0xA0):
        char = bytes([byte]).decode("cp1252", errors="ignore")
        if char:
            table[char] = byte
    return table


def _mac() -> dict[str, int]:
    table = {bytes([byte]).decode("mac_roman"): byte for byte in range(0x80, 0x100)}
    # Python knows the table since the euro; files from before have the currency sign there.
    return {**table, "¤": 0xDB, "Ω": 0xBD}


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way in which UTF-8 is read wrongly.

    Parameters
    ----------
    table
        The byte of each character.
    pattern
        Runs of characters that are whole sequences of UTF-8.
    lone
        The first bytes of two and three that are taken for damage where they stand alone.
    """

    table: Mapping[str, int]
    pattern: re.Pattern[str]
    lone: frozenset[int]


def _reading(table: Mapping[str, int], lone: frozenset[int]) -> _Reading:
    def those(first: int, last: int) -> str:
        chars = (char for char, byte in table.items() if first <= byte <= last)
        return f"[{re.escape(''.join(chars))}]"

    more = those(0x80, 0xBF)
    two, three, four = those(0xC2, 0xDF), those(0xE0, 0xEF), those(0xF0, 0xF4)
    one = f"(?:{four}{more}{{3}}|{three}{more}{{2}}|{two}{more})"
    return _Reading(table, re.compile(f"{one}+"), lone)


_READINGS = (
    _reading(_windows(), frozenset((0xC2, 0xC3, 0xC4, 0xC5, 0xE2))),
    _reading(_mac(), frozenset((0xC2, 0xC3, 0xC4, 0xC5, 0xE2))),
)
#: Sequences of which the last character was lost, for Windows-1252 has none for its byte; of those
#: that it may have been, only the closing quotation mark is common.
_LOST = re.compile("â€(?:\ufffd|(?=[\\s.,;:!?)]|$))")


def encoding(text: str) -> list[Edit]:
    """Return edits that undo wrong decoding, however often it happened.

    Parameters
    ----------
    text
        Any text; what is not damaged is not touched, in any language.
    """
    if text.isascii():
        return []
    edited = EditedText(text)
    for _ in range(_ROUNDS):
        edits = _round(edited.text)
        if not edits:
            break
        edited.apply("encoding", edits)
    edits = _rare(text, edited.text)
    if edits:
        edited = EditedText(text)
        edited.apply("encoding", edits)
    return [Edit(c.start_char, c.end_char, c.after) for c in edited.changes()]


def _round(text: str) -> list[Edit]:
    edits = _longest([edit for reading in _READINGS for edit in _sequences(text, reading)])
    if edits:
        return edits
    lost = [Edit(match.start(), match.end(), "”") for match in _LOST.finditer(text)]
    if lost:
        return lost
    single = [
        Edit(match.start(), match.end(), bytes([ord(match[0])]).decode("cp1252", "ignore"))
        for match in _C1.finditer(text)
    ]
    return [edit for edit in single if edit.after]


def _longest(edits: list[Edit]) -> list[Edit]:
    """Return of overlapping edits the longest, of the first reading where two are alike."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: edit.start):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
        elif edit.end - edit.start > kept[-1].end - kept[-1].start:
            kept[-1] = edit
    return kept


def _sequences(text: str, reading: _Reading) -> list[Edit]:
    """Return the repaired sequences of one reading; doubtful ones only beside certain ones."""
    certain: list[Edit] = []
    doubtful: list[Edit] = []
    for match in reading.pattern.finditer(text):
        found = bytes(reading.table[char] for char in match[0])
        try:
            after = found.decode("utf-8")
        except UnicodeDecodeError:
            continue  # overlong, or half of a surrogate pair
        if not _is_plausible(found, after, reading):
            continue
        edit = Edit(match.start(), match.end(), after)
        (doubtful if _is_doubtful(match, text) else certain).append(edit)
    if not certain:
        return []
    return sorted(certain + doubtful, key=lambda edit: edit.start)


def _is_plausible(found: bytes, after: str, reading: _Reading) -> bool:
    """Whether what a run of sequences stands for is what somebody would have written."""
    if any(unicodedata.category(char) in _NOTHING for char in after):
        return False
    if len(after) > 1 or found[0] >= 0xF0:
        latin = all(_is_common(char) for char in after)
        return latin or len(found) >= 6 or found[0] >= 0xF0
    return found[0] in reading.lone and _is_common(after)


def _is_common(char: str) -> bool:
    return "\xa0" <= char <= "\u017f" or char in _PUNCTUATION


def _uncommon(text: str) -> int:
    return sum(1 for run in _NON_ASCII.findall(text) for char in run if not _is_common(char))


def _is_doubtful(match: re.Match[str], text: str) -> bool:
    """Whether it may be a capital letter with a quotation mark or a dash after it."""
    run = match[0]
    if len(run) != 2 or run[1] not in _TYPOGRAPHIC:
        return False
    before = text[match.start() - 1 : match.start()]
    opens = run[1] in "“‘" and text[match.end() : match.end() + 1].isalpha()
    return not before.islower() and not opens


#: Nothing is damaged where no two such characters stand together.
_TWO = re.compile("[^\x00-\x7f]{2}|[ÂÃ] ")


#: Capitals that stand alone, or before a closing mark, are letters: ``IRMÃ”``.
_LETTERS = re.compile("(?<![a-zà-ÿ])[À-Þ](?:[–—…•›]|[‘’‚“”„‹](?![^\\W\\d_]))|(?<!\\S)[ÂÃ](?= )")
#: The characters of a text that ftfy sees as a whole; of longer ones it sees one line at a time.
_WHOLE = 200_000


def _rare(text: str, ours: str) -> list[Edit]:
    """Return what ftfy repairs where it leaves less damage than our own repair did."""
    if not _TWO.search(text):
        return []
    import ftfy
    from ftfy.badness import badness, is_bad

    if len(text) <= _WHOLE:
        if not is_bad(_LETTERS.sub("x", text)):
            return []
        theirs = ftfy.fix_encoding(text)
        better = ours == text or (
            badness(theirs) < badness(ours) and _uncommon(theirs) <= _uncommon(ours)
        )
        return _differences(0, text, theirs) if better and theirs != text else []
    if ours != text:
        return []
    edits: list[Edit] = []
    start = 0
    for line in text.splitlines(keepends=True):
        if not line.isascii() and is_bad(_LETTERS.sub("x", line)):
            edits.extend(_differences(start, line, ftfy.fix_encoding(line)))
        start += len(line)
    return edits


def _differences(start: int, before: str, after: str) -> list[Edit]:
    """Return the edits between two forms of a line, aligned on what is ASCII in both."""
    if before == after:
        return []
    if _NON_ASCII.split(before) != _NON_ASCII.split(after):
        return [trimmed(start, before, after)]
    pairs = zip(_NON_ASCII.finditer(before), _NON_ASCII.findall(after), strict=True)
    return [
        trimmed(start + match.start(), match[0], run) for match, run in pairs if match[0] != run
    ]
