"""The phrases that every report, page and terminal shares: amounts, times, values, thresholds.

All of it is plain text on one line, with foreign text made visible; each medium still escapes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipewarden.core.findings import Threshold
from pipewarden.report.untrusted import visible


def count(number: int, noun: str, plural: str = "") -> str:
    """Return "1 item", "2 items", "1,000 items"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def duration(seconds: float) -> str:
    """Return "4 ms", "1.2 s", "3 min 20 s", "2 h 5 min" or "3 d 4 h"."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, part, size, of_part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60)):
        if whole >= size:
            rest = whole % size // of_part
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")


def share(part: float, whole: float) -> str:
    """Return a part of a whole in percent; nothing of nothing is not said."""
    return f"{part / whole:.0%}" if whole else ""


def moment(iso: str) -> str:
    """Return an ISO-8601 time as "2025-12-28 13:30:00 UTC"; anything else as it is."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return visible(iso)
    if at.tzinfo is None:
        return f"{at:%Y-%m-%d %H:%M:%S}"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def value_in_words(value: Any) -> str:
    """Return any stored value as text: yes and no, numbers as they are, the rest as JSON."""
    if isinstance(value, str):
        return visible(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, int):
        return str(value)
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def _decimal(value: float) -> str:
    if 1 <= abs(value) < 1e15:
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return f"{value:.4g}"


def amount(value: Any, unit: str = "") -> str:
    """Return a measured value with its unit: "1,000 ppm", "15%", "yes"."""
    text = value_in_words(value)
    if isinstance(value, int) and not isinstance(value, bool):
        text = f"{value:,}"
    elif isinstance(value, float) and 1000 <= abs(value) < 1e15:
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
    joint = "" if unit.startswith("%") else " "
    return f"{text}{joint}{visible(unit)}" if unit and text else text


_COMPARISONS = {
    "==": "",
    "!=": "anything but ",
    "<": "less than ",
    "<=": "at most ",
    ">": "more than ",
    ">=": "at least ",
    "in": "one of ",
    "not in": "none of ",
    "between": "between ",
}


def threshold_in_words(threshold: Threshold | Mapping[str, Any]) -> str:
    """Return a threshold as a sentence without its subject.

    ``Threshold(target=1000, operator=">=", warn_threshold=2000, unit="ppm")`` reads "must be at
    least 1,000 ppm, warns unless at least 2,000 ppm". ``threshold`` may also be what
    `Threshold.as_dict` gave.
    """
    held = threshold.as_dict() if isinstance(threshold, Threshold) else threshold
    unit, operator = str(held.get("unit") or ""), str(held.get("operator", "=="))
    target, stricter = held.get("target"), held.get("warn_threshold")
    if operator == "==" and isinstance(target, bool):
        text = "must hold" if target else "must not hold"
    else:
        text = f"must be {_compared(operator, target, unit)}"
    if stricter is not None:
        text += f", warns unless {_compared(operator, stricter, unit)}"
    if conditions := held.get("applies_when"):
        text += f", where {listed([_condition(*pair) for pair in conditions.items()])}"
    return text


def _compared(operator: str, target: Any, unit: str = "") -> str:
    comparison = _COMPARISONS.get(operator, f"{visible(operator)} ")
    if isinstance(target, (list, tuple, set, frozenset)):
        ends = [amount(value) for value in target]
        last = "and" if operator == "between" else "or"
        joint = "" if unit.startswith("%") else " "
        words = listed(ends, last) + (f"{joint}{visible(unit)}" if unit else "")
    else:
        words = amount(target, unit)
    return f"{comparison}{words or 'nothing'}"


def _condition(path: str, wanted: Any) -> str:
    name = visible(str(path))
    if isinstance(wanted, Mapping):
        terms = [_compared(str(operator), target) for operator, target in wanted.items()]
        return f"{name} is {listed(terms)}"
    if isinstance(wanted, (list, tuple)):
        return f"{name} is {listed([value_in_words(value) for value in wanted], 'or')}"
    return f"{name} is {value_in_words(wanted)}"
