"""ISBN-13: how it is written, and its check digit."""

from __future__ import annotations

import re

import pipewarden as pw

_SPREADSHEET = re.compile(r"\d(\.\d+)?[eE]\+?\d+")


def isbn13(text: str) -> str:
    """Return the thirteen digits of an ISBN.

    The weighted digit sum (weights 1 and 3 in turn) must be a multiple of ten (ISO 2108).

    Raises
    ------
    BadInput
        It is no ISBN-13, its check digit is wrong, or a spreadsheet rounded it.
    """
    if _SPREADSHEET.fullmatch(text.strip()):
        raise pw.BadInput(
            "rounded_isbn",
            f"the ISBN {text!r} was rounded by a spreadsheet; export the column as text",
        )
    digits = text.strip().replace("-", "").replace(" ", "").removesuffix(".0")
    if not re.fullmatch(r"97[89]\d{10}", digits, re.ASCII):
        raise pw.BadInput("bad_isbn", f"{text!r} is no ISBN-13 (13 digits, the first 978 or 979)")
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    if total % 10:
        right = (10 - (total - int(digits[-1])) % 10) % 10
        raise pw.BadInput("bad_isbn", f"the check digit of ISBN {text!r} is wrong, not {right}")
    return digits
