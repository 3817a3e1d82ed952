"""Made-up borrowers in the shape of the table "Give Me Some Credit": names and ranges, no data.

Each is drawn from a few standard distributions around one hidden standing, in trouble or not; what
becomes of them follows from a logistic model of two concepts, the old one and the new one. Every
figure here was chosen for the simulation, and none was estimated from anybody's records.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from pipewarden.healing.simulation.worlds import USUAL, Conditions

TARGET = "SeriousDlqin2yrs"
_UTILISATION, _DEBT = "RevolvingUtilizationOfUnsecuredLines", "DebtRatio"
_LATE30 = "NumberOfTime30-59DaysPastDueNotWorse"
_LATE60 = "NumberOfTime60-89DaysPastDueNotWorse"
_LATE90 = "NumberOfTimes90DaysLate"
_LINES, _ESTATE = "NumberOfOpenCreditLinesAndLoans", "NumberRealEstateLoansOrLines"
_INCOME, _DEPENDENTS = "MonthlyIncome", "NumberOfDependents"
_TOLD, _FAMILY_TOLD = 0.85, 0.97


@dataclass(frozen=True, slots=True)
class Borrower:
    """Somebody who asks for credit.

    Parameters
    ----------
    features
        As a request states them; what is not told is None.
    fails
        Whether he will be late in the end.
    """

    features: Mapping[str, Any]
    fails: bool


def borrower(random: Random, conditions: Conditions = USUAL) -> Borrower:
    """Return one borrower of a world."""
    trouble = random.gauss(conditions.distress, 1.0)
    age = min(95, max(21, round(random.gauss(48 + conditions.age, 14))))
    income = round(math.exp(random.gauss(8.55 - 0.1 * trouble, 0.5)) * conditions.income)
    utilisation = 1 / (1 + math.exp(-(random.gauss(-0.6, 1.2) + 0.8 * trouble)))
    debt = math.exp(random.gauss(-1.0, 0.6)) * conditions.debt
    lines = _poisson(random, 8 + conditions.lines)
    held: dict[str, Any] = {
        _UTILISATION: round(utilisation, 4),
        "age": age,
        _LATE30: _poisson(random, 0.25 * math.exp(0.7 * trouble)),
        _DEBT: round(debt, 4),
        _INCOME: income,
        _LINES: lines,
        _LATE90: _poisson(random, 0.12 * math.exp(0.8 * trouble)),
        _ESTATE: min(lines, _poisson(random, 1.0)),
        _LATE60: _poisson(random, 0.1 * math.exp(0.8 * trouble)),
        _DEPENDENTS: _poisson(random, 0.8),
    }
    fails = random.random() < _chance(held, conditions)
    told = dict(held)
    unknown = random.random() > _TOLD * (1 - conditions.missing)
    told[_INCOME] = None if unknown else round(income * conditions.unit, 2)
    if random.random() > _FAMILY_TOLD:
        told[_DEPENDENTS] = None
    return Borrower(told, fails)


def _chance(held: Mapping[str, Any], conditions: Conditions) -> float:
    """Return how probably somebody fails, by the old concept, the new one, or between both."""
    late = min(held[_LATE30], 4) + min(held[_LATE60], 4) + 1.5 * min(held[_LATE90], 4)
    used, debt, income = held[_UTILISATION], held[_DEBT], held[_INCOME]
    old = (
        -4.2
        + 1.2 * used
        + 2.0 * (used > 0.55)
        + 2.0 * (late >= 1)
        + 1.0 * (late >= 3)
        + 1.5 * (used > 0.4 and late >= 1)
        + 1.0 * (held["age"] < 36)
        - 0.02 * (held["age"] - 48)
        - 0.3 * math.log(max(income, 200) / 5_000)
    )
    new = (
        -4.4
        + 0.2 * used
        + 0.1 * late
        - 0.005 * (held["age"] - 48)
        + 2.4 * (debt > 0.5)
        + 2.0 * (income < 6_500)
        + 2.0 * (held[_LINES] >= 10)
        + 1.5 * (debt > 0.35 and income < 8_500)
    )
    share = conditions.concept
    odds = (1 - share) * old + share * new + conditions.prior
    return 1 / (1 + math.exp(-odds))


def _poisson(random: Random, mean: float) -> int:
    """Return a count (Knuth 1969)."""
    limit, count, product = math.exp(-min(mean, 30.0)), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def table(borrowers: Iterable[Borrower]) -> bytes:
    """Return borrowers as a table to train on."""
    text = io.StringIO(newline="")
    writer = None
    for one in borrowers:
        row = {TARGET: int(one.fails), **one.features}
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: "" if value is None else value for name, value in row.items()})
    return text.getvalue().encode()


def population(number: int, seed: int, conditions: Conditions = USUAL) -> list[Borrower]:
    """Return so many borrowers of one world."""
    random = Random(seed)  # noqa: S311 - a simulation, no secret
    return [borrower(random, conditions) for _ in range(number)]
