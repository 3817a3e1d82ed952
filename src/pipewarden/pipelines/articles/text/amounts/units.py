"""Measures: the short form of a unit after a number becomes its word."""

# ruff: noqa: RUF001 - the patterns name such characters

from __future__ import annotations

import re

from pipewarden.pipelines.articles.text.edits import Edit

#: Short forms that mean one thing after a number (SI brochure, and miles per hour), one and many.
_UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "sq km": ("square kilometer", "square kilometers"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "ml": ("milliliter", "milliliters"),
    "kW": ("kilowatt", "kilowatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "MWh": ("megawatt hour", "megawatt hours"),
    "GHz": ("gigahertz", "gigahertz"),
    "MHz": ("megahertz", "megahertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
}
_HINT = re.compile(r"\d ?(?:k[mgpWH]|[cm][mgpl]|mph|[MG](?:Hz|Wh)|sq km|°)")
_MEASURE = re.compile(
    r"(?<![\w$€£¥./,\\])(\d{1,15}(?:,\d{3}){0,6}(?:\.\d{1,15})?)( ?)"
    rf"({'|'.join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))})"
    r"(?![\w/²³^·*]|[-.]\w| ?[x×]\d)"
)


def units(text: str) -> list[Edit]:
    """Return edits that write units as words.

    Only what means one thing: ``5m`` may be metres, minutes or a million, ``9mm`` a calibre, ``5G``
    a network, so they stay; so does whatever belongs to a longer word, a model or a product.

    Parameters
    ----------
    text
        Any text.
    """
    if not _HINT.search(text):
        return []
    edits = []
    for match in _MEASURE.finditer(text):
        before = text[max(0, match.start() - 2) : match.start()]
        if before.endswith("-") and not (
            len(before) < 2 or before[0] in " \n(" or before[0].isdigit()
        ):
            continue  # F-15
        one, many = _UNITS[match[3]]
        edits.append(Edit(match.start(2), match.end(3), " " + (one if match[1] == "1" else many)))
    return edits
