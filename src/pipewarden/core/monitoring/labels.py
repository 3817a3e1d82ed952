"""What became true of a prediction, and which of several reports of it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

#: What may turn out: a class as a number, a truth or a name, or an amount.
Label = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReport:
    """Somebody says what became true of a prediction.

    Parameters
    ----------
    at
        When it became true, as the reporter says; not when the report arrived.
    """

    prediction_id: str
    value: Label
    at: datetime


class Arrival(StrEnum):
    """What a report turned out to be."""

    #: The first for its prediction.
    NEW = "new"
    #: It says what is held already.
    REPEATED = "repeated"
    #: It says otherwise.
    CONFLICTING = "conflicting"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLabel:
    """The label that holds, and how it came to.

    Parameters
    ----------
    at
        The newest time for which it was reported.
    received_at
        When the report arrived that made it hold.
    source
        Who reported it.
    reports, conflicts
        How many reports there were in all, and how many of them said other than what was held.
    """

    value: Label
    at: datetime
    received_at: datetime
    source: str
    reports: int = 1
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds after a report.

    Parameters
    ----------
    lost
        What does not hold, of two labels that differ.
    """

    label: HeldLabel
    arrival: Arrival
    lost: HeldLabel | None = None


def settle(held: HeldLabel | None, report: LabelReport, *, at: datetime, source: str) -> Settled:
    """Return what holds when a report arrives.

    The label of the newest event time holds, in whatever order the reports arrive; of two for the
    same time, the one that arrived first. A repeat makes a label newer and changes nothing else.

    Parameters
    ----------
    at
        When the report arrived.
    """
    value = canonical(report.value)
    came = HeldLabel(value=value, at=report.at, received_at=at, source=source)
    if held is None:
        return Settled(came, Arrival.NEW)
    reports = held.reports + 1
    if held.value == value:
        newest = max(held.at, report.at)
        return Settled(replace(held, at=newest, reports=reports), Arrival.REPEATED)
    conflicts = held.conflicts + 1
    holds, lost = (came, held) if report.at > held.at else (held, came)
    return Settled(replace(holds, reports=reports, conflicts=conflicts), Arrival.CONFLICTING, lost)


def canonical(value: Label) -> Label:
    """Return a label in the one form in which equal ones are equal: ``True`` and ``1.0`` are 1.

    Examples
    --------
    >>> [canonical(value) for value in (True, 1.0, 0.5, "bad")]
    [1, 1, 0.5, 'bad']
    """
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)
