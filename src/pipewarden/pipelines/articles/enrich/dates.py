"""Dates in many notations, read into ISO 8601."""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

#: No notation of a date is longer; what is longer is a text.
_LONGEST = 80
_EPOCH = re.compile(r"(?P<seconds>[12]\d{9})(?P<fraction>\d{3})?")
_MAIL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)?"
    r" (?:[+-]\d{4}|GMT|UTC?|[ECMP][SD]T)"
)
_NUMERIC = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{4}")
_WEEKDAY = re.compile(
    r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+", re.IGNORECASE
)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_DATES = ("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%d-%b-%Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", ", %H:%M", ", %I:%M %p")
#: As the C library and some web services write it.
_WHOLE_TIMES = (("%b %d", " %H:%M:%S %Y"), ("%b %d", " %H:%M:%S %z %Y"))
_YEAR_FIRST = ("%Y/%m/%d", "%Y.%m.%d")


@functools.lru_cache(maxsize=16_384)
def iso_date(raw: str, day_first: bool = False) -> str | None:
    """Return a date in ISO 8601, with its time where one is given; None where it is no date.

    The notations of the standard library are tried first, all others are left to ``dateparser``.
    Nothing depends on today: an expression such as "yesterday" is no date.

    Parameters
    ----------
    raw
        A date in any notation; ten digits are seconds since 1970, thirteen are milliseconds.
    day_first
        Whether 03/04/2024 is the third of April.
    """
    text = _SPACES.sub(" ", raw).strip(" ,;.")
    if not text or len(text) > _LONGEST or not any(map(str.isdigit, text)):
        return None
    found = _standard(text) or _listed(text, day_first) or _any(text, day_first)
    return found.isoformat() if found is not None else None


def _standard(text: str) -> date | None:
    """Read ISO 8601, RFC 5322 and seconds since 1970."""
    epoch = _EPOCH.fullmatch(text)
    if epoch is not None:
        return datetime.fromtimestamp(int(epoch["seconds"]), UTC)
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text) if _MAIL.fullmatch(text) else None
    except ValueError:
        return None


def _listed(text: str, day_first: bool) -> date | None:
    """Read the notations that are usual in English."""
    plain = _ORDINAL.sub("", _WEEKDAY.sub("", text))
    numeric: tuple[str, ...] = _YEAR_FIRST
    if _NUMERIC.match(plain):
        order = "%d{0}%m{0}%Y" if day_first else "%m{0}%d{0}%Y"
        sign = next(char for char in plain if not char.isdigit())
        numeric = (order.format(sign),)
    formats = _DATES if any(map(str.isalpha, plain)) and not _NUMERIC.match(plain) else numeric
    for first, then in (*((first, then) for first in formats for then in _TIMES), *_WHOLE_TIMES):
        try:
            read = datetime.strptime(plain, first + then)  # noqa: DTZ007 - as it was given
        except ValueError:
            continue
        return read if then else read.date()
    return None


def _any(text: str, day_first: bool) -> date | None:
    """Read other notations and languages; a day, a month and a year must be there."""
    import dateparser  # type: ignore[import-untyped]

    settings: Any = {
        "DATE_ORDER": "DMY" if day_first else "MDY",
        "REQUIRE_PARTS": ["day", "month", "year"],
        "PARSERS": ["absolute-time", "custom-formats"],
    }
    try:
        found: datetime | None = dateparser.parse(text, settings=settings)
    except (ValueError, OverflowError, RecursionError):
        return None
    if found is None:
        return None
    midnight = not (found.hour or found.minute or found.second or ":" in text)
    return found.date() if midnight else found


def day_of(iso: str | None) -> date | None:
    """Return the day of what `iso_date` returned."""
    if not iso:
        return None
    try:
        return datetime.fromisoformat(iso).date()
    except ValueError:
        return None
