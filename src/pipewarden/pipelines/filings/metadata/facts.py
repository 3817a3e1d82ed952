# ruff: noqa: RUF001 - filings use typographic quotes and dashes
"""Values as they come from any source, brought into one form."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

#: The metadata fields that a source may give.
FIELDS = (
    "cik",
    "company_name",
    "sic_code",
    "sic_name",
    "form_type",
    "period_of_report",
    "fiscal_year",
    "accession_number",
)

_MONTHS = {
    name: number
    for number, name in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
}
_MONTH = "|".join((*_MONTHS, "sept[.]?", *(f"{month[:3]}[.]?" for month in _MONTHS)))
_LONG_DATE = re.compile(rf"\b({_MONTH})\s+(\d{{1,2}})\s*,?\s*((?:19|20)\d\d)", re.IGNORECASE)
_DAY_FIRST = re.compile(
    rf"\b(\d{{1,2}})\s+({'|'.join(_MONTHS)})\s*,?\s*((?:19|20)\d\d)", re.IGNORECASE
)
_SLASHED = re.compile(r"\b(\d{1,2})[/-](\d{1,2})[/-]((?:19|20)?\d\d)\b")
_ISO = re.compile(r"\b((?:19|20)\d\d)-?(\d\d)-?(\d\d)\b")
_FORM = re.compile(
    r"\b(10)\s*[-–—‑]?\s*(KT405|K405|KSB40|KSB|QSB|KT|QT|K|Q)(\s*[/-]\s*A\b|A\b)?", re.IGNORECASE
)
_ACCESSION = re.compile(r"\b(\d{10})-?(\d{2})-?(\d{6})\b")
#: A year that ends in these first days of January is the one before (52/53-week years).
_SPILL_DAYS = 10
_LONGEST = 300


def date_in(text: str) -> str | None:
    """Return the first date in ``text`` as ``YYYY-MM-DD``, or None."""
    if found := _LONG_DATE.search(text):
        return _iso(found.group(3), _month(found.group(1)), found.group(2))
    if found := _DAY_FIRST.search(text):
        return _iso(found.group(3), _month(found.group(2)), found.group(1))
    if found := _ISO.search(text):
        return _iso(*found.groups())
    if found := _SLASHED.search(text):
        month, day, year = found.groups()
        return _iso(year if len(year) == 4 else _century(year), month, day)
    return None


def _century(year: str) -> str:
    return ("19" if int(year) > 80 else "20") + year


def _month(name: str) -> int:
    return next(n for month, n in _MONTHS.items() if month[:3] == name[:3].lower())


def _iso(year: str | int, month: str | int, day: str | int) -> str | None:
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def fiscal_year_of(period: str) -> int:
    """Return the fiscal year that a period of report (``YYYY-MM-DD``) ends."""
    date = dt.date.fromisoformat(period)
    return date.year - (date.month == 1 and date.day <= _SPILL_DAYS)


def form_in(text: str) -> str | None:
    """Return the first periodic form that ``text`` names, such as ``10-K405`` or ``10-Q/A``."""
    found = _FORM.search(text)
    if found is None:
        return None
    return f"10-{found.group(2).upper()}" + ("/A" if found.group(3) else "")


def normalised(raw: Mapping[str, object]) -> dict[str, str | int]:
    """Return the fields of `FIELDS` that ``raw`` holds a usable value of, in one form."""
    found: dict[str, str | int] = {}
    for name in FIELDS:
        value = str(raw.get(name) or "").strip()
        usable = _usable(name, " ".join(value.split())) if value else None
        if usable is not None:
            found[name] = usable
    return found


def _usable(name: str, value: str) -> str | int | None:
    read = _READERS.get(name)
    return read(value) if read else value[:_LONGEST]


def _cik(value: str) -> str | None:
    digits = value.removesuffix(".0").lstrip("0")
    return digits if digits.isdigit() and len(digits) <= 10 else None


def _sic(value: str) -> str | None:
    digits = value.removesuffix(".0")
    return digits.zfill(4) if digits.isdigit() and 0 < int(digits) < 10_000 else None


def _year(value: str) -> int | None:
    found = re.search(r"(?:19|20)\d\d", value)
    return int(found.group()) if found else None


def _form(value: str) -> str:
    return form_in(value) or value.upper()[:20]


def _accession(value: str) -> str | None:
    found = _ACCESSION.search(value)
    return "-".join(found.groups()) if found else None


_READERS: dict[str, Callable[[str], str | int | None]] = {
    "cik": _cik,
    "sic_code": _sic,
    "fiscal_year": _year,
    "period_of_report": date_in,
    "form_type": _form,
    "accession_number": _accession,
}
