"""Conditions: which figures are bad, as one line of an alert rule says it.

=====================  =========================================================================
``> 0.3``              the figure is beyond a limit; also ``>= < <= == !=``
``RMSE +20%``          the figure rose by more than so much of the version's, or of a past, figure
``AUC -5%``            it fell by more than so much
``status breach``      whoever observed it found it beyond its own limit
``status warn``        the same, or a warning
``status missing``     it could not be had
``silent 6h``          nothing was observed of it for so long
=====================  =========================================================================
"""

from __future__ import annotations

import math
import operator as op
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.errors import InvalidSettings

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": op.ge,
    "<=": op.le,
    "==": op.eq,
    "!=": op.ne,
    ">": op.gt,
    "<": op.lt,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LIMIT = re.compile(rf"(?P<operator>>=|<=|==|!=|>|<)\s*(?P<number>{_NUMBER})\Z")
_CHANGE = re.compile(r"(?:(?P<word>[A-Za-z][\w.]*)\s+)?(?P<sign>[+-])(?P<number>\d+\.?\d*)\s*%\Z")
_STATUS = re.compile(r"status\s+(?P<status>breach|warn|missing)\Z")
_SILENT = re.compile(r"silent\s+(?P<span>\S+)\Z")
_SPAN = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_BAD_STATUSES = {
    "breach": frozenset({ObservationStatus.BREACH}),
    "warn": frozenset({ObservationStatus.BREACH, ObservationStatus.WARN}),
    "missing": frozenset({ObservationStatus.NOT_COMPUTABLE}),
}


class Look(StrEnum):
    """What a rule makes of one observation."""

    BAD = "bad"
    #: Known to be within the limit.
    GOOD = "good"
    #: Nothing is known: it neither raises nor resolves.
    UNKNOWN = "unknown"


class Sort(StrEnum):
    """What sort of condition it is."""

    LIMIT = "limit"
    CHANGE = "change"
    STATUS = "status"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a figure is bad.

    Parameters
    ----------
    text
        As it was written.
    operator, number
        Of a limit; of a change ``+`` or ``-`` and the percentage.
    status
        Of a status: ``breach``, ``warn`` or ``missing``.
    span
        Of silence: for how long.
    word
        Of a change: the metric that it names, in lower case; empty where it names none.
    """

    text: str
    sort: Sort
    operator: str = ""
    number: float = 0.0
    status: str = ""
    span: timedelta = timedelta(0)
    word: str = ""

    @property
    def missing(self) -> bool:
        """Whether it is about a figure that is not there, and not about a bad one."""
        return self.sort is Sort.SILENT or self.status == "missing"

    def limit(self, reference: float | None, observed: float | None = None) -> float | None:
        """Return the figure beyond which it is bad; None where there is none.

        Parameters
        ----------
        reference
            What a change is relative to; None where that is not known.
        observed
            What the observer held the figure against.
        """
        if self.sort is Sort.LIMIT:
            return self.number
        if self.sort is not Sort.CHANGE:
            return None if self.missing else observed
        if reference is None or not math.isfinite(reference):
            return None
        change = abs(reference) * self.number / 100
        return reference + change if self.operator == "+" else reference - change

    def look(self, seen: Observation, reference: float | None = None) -> Look:
        """Return what it makes of one observation.

        A figure that could not be had is UNKNOWN to every condition but ``status missing``: it does
        not raise an alarm about its value, and it is no all-clear.
        """
        if self.sort is Sort.SILENT:
            return Look.GOOD
        absent = seen.status is ObservationStatus.NOT_COMPUTABLE
        if self.sort is Sort.STATUS:
            if absent and not self.missing:
                return Look.UNKNOWN
            return Look.BAD if seen.status in _BAD_STATUSES[self.status] else Look.GOOD
        limit = self.limit(reference)
        if absent or limit is None or seen.value is None or not math.isfinite(seen.value):
            return Look.UNKNOWN
        compare = _OPERATORS[self._comparison]
        return Look.BAD if compare(seen.value, limit) else Look.GOOD

    @property
    def _comparison(self) -> str:
        return {"+": ">", "-": "<"}.get(self.operator, self.operator)


def condition(text: str) -> Condition:
    """Return the condition that one line says.

    Raises
    ------
    InvalidSettings
        It says none.
    """
    words = " ".join(text.split())
    if found := _LIMIT.match(words):
        number = float(found["number"])
        return Condition(text=words, sort=Sort.LIMIT, operator=found["operator"], number=number)
    if found := _CHANGE.match(words):
        return Condition(
            text=words,
            sort=Sort.CHANGE,
            operator=found["sign"],
            number=float(found["number"]),
            word=(found["word"] or "").lower(),
        )
    if found := _STATUS.match(words):
        return Condition(text=words, sort=Sort.STATUS, status=found["status"])
    if found := _SILENT.match(words):
        return Condition(text=words, sort=Sort.SILENT, span=span(found["span"]))
    raise InvalidSettings(
        f"{text!r} is no condition",
        next_step="write '> 0.3', 'RMSE +20%', 'status breach', 'status missing' or 'silent 6h'",
    )


def span(text: str) -> timedelta:
    """Return a span such as ``90s``, ``15m``, ``6h`` or ``2d``.

    Raises
    ------
    InvalidSettings
        It is none.
    """
    found = _SPAN.match(text.strip())
    if found is None or len(found["number"]) > 6:
        raise InvalidSettings(f"{text!r} is no span of time", next_step="write 90s, 15m, 6h or 2d")
    return timedelta(**{_UNITS[found["unit"]]: int(found["number"])})
