"""Dates that a text tells relative to its day of publication."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from pipewarden.pipelines.articles.records import TemporalExpression

_WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_NUMBERS = {
    "a": 1,
    "an": 1,
    **{word: number for number, word in enumerate(_WORDS, 1)},
    "twelve": 12,
}
_DAYS = {
    "today": 0,
    "tonight": 0,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
    "yesterday": -1,
    "last night": -1,
    "tomorrow": 1,
    "the day before yesterday": -2,
    "the day after tomorrow": 2,
}
_SIDE = {"last": -1, "this": 0, "next": 1}
_DAY = "|".join(_WEEKDAYS)
_EXPRESSION = re.compile(
    rf"""\b(?:
      (?P<day>the\ day\ (?:before\ yesterday|after\ tomorrow)|today|tonight|yesterday|tomorrow
             |this\ (?:morning|afternoon|evening)|last\ night)
    | (?P<ago>\d{{1,3}}|{"|".join(_NUMBERS)})\ (?P<unit>day|week|month|year)s?\ ago
    | (?P<side>last|this|next)\ (?P<span>week|month|year)
    | (?P<which>last|this|next|on)\ (?P<weekday>{_DAY})
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


def relative_dates(text: str, published: date | None) -> tuple[TemporalExpression, ...]:
    """Return the relative dates of an English text, resolved.

    A week begins on Monday. "Last Friday" is the latest Friday before the day of publication, "next
    Friday" the first one after it, "on Friday" and "this Friday" the latest that is not after it:
    news tell of what was.

    Parameters
    ----------
    text
        The text; the time is linear in its length.
    published
        The day of publication; without it nothing is resolved.
    """
    return tuple(
        TemporalExpression(
            text=match.group(),
            start_char=match.start(),
            end_char=match.end(),
            date=_resolved(match, published) if published is not None else None,
        )
        for match in _EXPRESSION.finditer(text)
    )


def _resolved(match: re.Match[str], published: date) -> str | None:
    """Return a day, or the first and the last of several; None beyond the calendar."""
    try:
        if match["day"]:
            days = _DAYS[match["day"].lower()]
            return (published + timedelta(days=days)).isoformat()
        if match["ago"]:
            return _ago(published, match["ago"].lower(), match["unit"].lower())
        if match["span"]:
            first, last = _span(published, match["span"].lower(), _SIDE[match["side"].lower()])
            return f"{first.isoformat()}/{last.isoformat()}"
        which, weekday = match["which"].lower(), _WEEKDAYS[match["weekday"].lower()]
        return _weekday(published, which, weekday).isoformat()
    except (ValueError, OverflowError):
        return None


def _ago(published: date, number: str, unit: str) -> str:
    count = int(number) if number.isdigit() else _NUMBERS[number]
    if unit in ("day", "week"):
        return (published - timedelta(days=count * (7 if unit == "week" else 1))).isoformat()
    months = count * (12 if unit == "year" else 1)
    return _months(published, -months).isoformat()


def _months(day: date, number: int) -> date:
    """Return the same day of another month, or the last day of a shorter one."""
    year, month = divmod(day.year * 12 + day.month - 1 + number, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def _span(published: date, span: str, side: int) -> tuple[date, date]:
    if span == "week":
        monday = published - timedelta(days=published.weekday() - 7 * side)
        return monday, monday + timedelta(days=6)
    if span == "month":
        first = _months(published.replace(day=1), side)
        return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
    year = published.year + side
    return date(year, 1, 1), date(year, 12, 31)


def _weekday(published: date, which: str, weekday: int) -> date:
    back = (published.weekday() - weekday) % 7
    if which == "next":
        return published + timedelta(days=7 - back)
    return published - timedelta(days=back or (7 if which == "last" else 0))
