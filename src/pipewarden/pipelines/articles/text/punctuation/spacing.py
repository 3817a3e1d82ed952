"""Marks that were repeated, or stand too near to the next word or too far from the one before."""

# ruff: noqa: RUF001, SIM905 - long lists of words are read best as text

from __future__ import annotations

import re

from pipewarden.pipelines.articles.text.edits import Edit
from pipewarden.pipelines.articles.text.punctuation.addresses import is_address, word_at

_REPEATED = re.compile(r"(?:!{2,}|\?{2,})(?!\w)")
_MAY_END = re.compile(r"[^\W\d_]|[)\]\"'!?%]")

#: A mark and a letter at once; what stands before is looked at afterwards.
_TIGHT = re.compile(r"[,;:.!?](?=[^\W\d_])")
_WORD_BEFORE = re.compile(r"[^\W\d_]+\Z")
_WORD_AFTER = re.compile(r"[^\W\d_]+(?:['’][a-z]+)?")
#: Before a point without a space: what can only be a title, or be followed by a sentence.
_TITLES = frozenset("Mr Mrs Ms Dr Rev Sen Rep Gov Gen Prof Sgt Capt Lt Col Hon Maj".split())
_STARTERS = frozenset(
    "The This That These Those There They He She It We You In On At But And As For If When While "
    "After Before However Meanwhile According His Her Its Their Our My No Not So Then What Who Why "
    "How Some Many Most One Two All Although Because Since With From By To Here Now".split()
)
#: The short words that may follow a comma; others may be the rest of a word.
_SHORT = frozenset(
    "and but for the who not yet nor its his her our he she it we so or as at by in of "
    "on to is was".split()
)
#: After a point these are parts of names: of hosts, of files and of products.
_NAMES = frozenset(
    "Com Net Org Edu Gov Info Biz Co Uk Us Eu De Fr Jp Cn Ru Br In Io Ai Tv Me Js Py Ts Cs Cc Vb "
    "Html Htm Php Asp Aspx Pdf Doc Txt Csv Xml Json Exe Zip Jpg Png Gif".split()
)
#: A space that cannot be meant: after a word, before a comma or a point that ends something.
_LOOSE = re.compile(r" {1,2}(?=[,.](?=[\"')\]]?(?:\s|\Z)))(?!\. ?\.)")
_BEFORE_LOOSE = re.compile(r"[^\W_]|[)\]%]")
_FIGURES = re.compile(r"\d {1,2}[,.]\s\d")


def repeated_punctuation(text: str) -> list[Edit]:
    """Return edits that leave one of several exclamation or question marks.

    ``?!`` stays, and so do points: three are an ellipsis, more are leaders of a table. After a
    digit (chess, factorials) and in addresses and code nothing is changed.

    Parameters
    ----------
    text
        Any text.
    """
    if "!!" not in text and "??" not in text:
        return []
    return [
        Edit(match.start() + 1, match.end(), "")
        for match in _REPEATED.finditer(text)
        if _MAY_END.match(text[match.start() - 1 : match.start()])
        and not is_address(word_at(text, *match.span()))
    ]


def punctuation_spacing(text: str) -> list[Edit]:
    """Return edits that put one space after a mark, and none before a comma or a point.

    A space is missing only where two words meet that are words beyond doubt. Numbers, times,
    abbreviations, initials, addresses, names of files and hosts, versions and code stay as they
    are.

    Parameters
    ----------
    text
        Any text.
    """
    edits = [
        Edit(match.end(), match.end(), " ")
        for match in _TIGHT.finditer(text)
        if _is_missing(match, text)
    ]
    loose = [
        Edit(match.start(), match.end(), "")
        for match in _LOOSE.finditer(text)
        if _BEFORE_LOOSE.match(text, match.start() - 1, match.start())
        and not _FIGURES.match(text, match.start() - 1)
        and not _follows_address(text, match.start())
    ]
    return sorted(edits + loose, key=lambda edit: edit.start) if loose else edits


def _is_missing(match: re.Match[str], text: str) -> bool:
    """Whether a mark stands between two words that belong to different sentences or parts."""
    start, end = match.span()
    before = _WORD_BEFORE.search(text, max(0, start - 40), start)
    after = _WORD_AFTER.match(text, end, end + 40)
    if before is None or after is None or is_address(word_at(text, start, end)):
        return False
    if match[0] in ",;":
        # A mark may be a slip of the finger inside a word: chairm,an.
        whole = after[0][:1].isupper() or len(after[0]) > 3 or after[0] in _SHORT
        return len(before[0]) > 2 and whole and after[0][1:].islower()
    if len(after[0]) < 2 and after[0] not in ("A", "I"):
        return False
    if before.start() and text[before.start() - 1] == ".":
        return False  # a name of more than two parts
    return _ends_sentence(match[0], before[0], after[0], text[after.end() : after.end() + 2])


def _ends_sentence(mark: str, before: str, after: str, beyond: str) -> bool:
    if not after[0].isupper() or after[1:] != after[1:].lower() or after in _NAMES:
        return False
    if beyond[:1] not in ("", *" \n,;:?!'-") and beyond not in (". ", ".\n", "."):
        return False  # more of a name, or a call
    if before in _TITLES and mark == ".":
        return True
    if mark == ":":
        return len(before) > 2 and len(after) > 2
    if before.islower():
        return len(before) > 2 or after in _STARTERS
    return before.istitle() and after in _STARTERS


def _follows_address(text: str, at: int) -> bool:
    return is_address(word_at(text, at - 1, at))
