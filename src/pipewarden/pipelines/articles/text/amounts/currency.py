"""Sums of money: the sign becomes the currency's code, a short ``m`` or ``bn`` its word."""

from __future__ import annotations

import re

from pipewarden.pipelines.articles.text.edits import Edit
from pipewarden.pipelines.articles.text.punctuation.addresses import is_address, word_at

#: ISO 4217 codes of the signs that mean one currency. Yen and yuan share theirs, so do the crowns.
_SIGNS = {"£": "GBP", "€": "EUR", "₹": "INR", "₽": "RUB", "₪": "ILS", "₺": "TRY", "₴": "UAH"}
_DOLLARS = {
    "": "USD", "US": "USD", "U.S.": "USD", "A": "AUD", "AU": "AUD", "C": "CAD",
    "CA": "CAD", "Can": "CAD", "HK": "HKD", "NZ": "NZD", "S": "SGD", "SG": "SGD", "R": "BRL",
    "NT": "TWD",
}  # fmt: skip
_SCALES = {
    "m": "million", "mn": "million", "mln": "million", "million": "million",
    "b": "billion", "bn": "billion", "bln": "billion", "billion": "billion",
    "t": "trillion", "tn": "trillion", "trn": "trillion", "trillion": "trillion",
    "k": "thousand",
}  # fmt: skip
_PREFIX = "|".join(re.escape(name) for name in sorted(_DOLLARS, key=len, reverse=True) if name)
_NUMBER = r"(?:\d{1,15}(?:,\d{3}){0,6}(?:\.\d{1,15})?|\.\d{1,6})"
_CODES = "USD|AUD|CAD|HKD|NZD|SGD|BRL|TWD|GBP|EUR|INR|RUB|ILS|TRY|UAH"
_BEFORE = re.compile(rf"(?<![\w.])({_PREFIX})\Z")
_SUM = re.compile(
    rf"[$£€₹₽₪₺₴] ?(?={_NUMBER})()"
    rf"{_NUMBER}(?:-{_NUMBER})?(?![\d$€£])"
    r"(?:( ?(?:mln|bln|bn|mn|trn|tn)|[mbtk]|million|billion|trillion)(?![\w$]))?",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?<![\d.,])(\d(?:[\d.,]{0,20}\d)?) ?€(?![\w€])")
_CODE_BEFORE = re.compile(rf"\b({_CODES}) ?\Z")
_CODE_AFTER = re.compile(rf" ?({_CODES})\b")


def currency(text: str) -> list[Edit]:
    """Return edits that name currencies by their ISO 4217 codes, and write scales as words.

    A sign that several currencies share stays (yen and yuan, crowns, the dollar of a country that
    is not known), and so does one without a number. A sum that has its code already loses the
    sign only.

    Parameters
    ----------
    text
        Any text.
    """
    if text.isascii() and "$" not in text:
        return []
    edits = [edit for match in _SUM.finditer(text) for edit in _sum(match, text)]
    if "€" not in text:
        return edits
    taken = {edit.end for edit in edits} | {edit.start for edit in edits}
    for match in _AFTER.finditer(text):
        before = text[max(0, match.start() - 2) : match.start()]
        sign = match.end() - 1
        if not re.search(r"[\d$€£.,-]\s?\Z|\w\Z", before) and not {sign, sign + 1} & taken:
            edits.append(Edit(*match.span(), f"EUR {match[1]}"))
    return sorted(edits, key=lambda edit: edit.start)


def _sum(match: re.Match[str], text: str) -> list[Edit]:
    sign, scale = match[0][0], match[2]
    prefix = _BEFORE.search(text, max(0, match.start() - 6), match.start())
    start = prefix.start() if prefix else match.start()
    code = _DOLLARS[prefix[1] if prefix else ""] if sign == "$" else _SIGNS[sign]
    held = text[start - 1 : start]
    before = _CODE_BEFORE.search(text, max(0, start - 5), start)
    if (
        (held.isalnum() and not before)
        or (held and held in "_$£€¥{\\`")
        or (prefix and sign != "$")
    ):
        return []
    if held not in ("", " ", "\n", "(") and is_address(word_at(text, *match.span())):
        return []
    after = _CODE_AFTER.match(text, match.end(), match.end() + 6)
    if before and before[1].startswith(code[:2]):
        name = "" if before[0].endswith(" ") else " "
    else:
        name = "" if after and after[1].startswith(code[:2]) else f"{code} "
    edits = [Edit(start, match.start(1), name)]
    if scale:
        word = _SCALES[scale.strip().lower()]
        end = match.start(2) if scale.lower() == word else match.end(2)
        edits.append(Edit(match.start(2), end, " " if scale.lower() == word else f" {word}"))
    return edits
