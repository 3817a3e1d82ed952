"""The scenarios that the loop must show, each played to its end: for the tests, and for the pages.

A story is given what makes a laboratory, and returns the one that it was played in.
"""

from __future__ import annotations

from collections.abc import Callable

from laboratory import Laboratory

from pipewarden.core.healing.states import HealingState
from pipewarden.healing.simulation.worlds import WORLDS, Conditions

#: What makes a laboratory whose champion serves: its world, its policy, its plan.
Make = Callable[..., Laboratory]

NEW_WORLD = WORLDS["sudden"](1.0)
ORACLE_ROWS = 6_000
_CANARY = {
    "training": {"min_rows": 3_000},
    "trial": {"mode": "canary", "share": 0.5, "labelled": 200, "tolerance": 0.02},
}


def sudden_shift(make: Make) -> Laboratory:
    """Let people and what becomes of them change at once."""
    lab = make("sudden", _CANARY)
    lab.until(HealingState.KEPT, days=12)
    lab.days(3)
    return lab


def oracle_of(lab: Laboratory) -> int:
    """Train the version that somebody would have who knows the new world; return its number."""
    return lab.train("oracle", ORACLE_ROWS, 5, NEW_WORLD)


def drift_without_decay(make: Make) -> Laboratory:
    """Let other people come, of whom what was learnt still holds."""
    lab = make("covariate", rows_a_day=720)
    lab.until(HealingState.DECLINED, days=6)
    lab.days(2)
    return lab


def poisoned_data(make: Make) -> Laboratory:
    """Let every label arrive as its opposite."""
    lab = make("poisoned")
    lab.until(HealingState.REJECTED, days=10)
    return lab


def bad_model(make: Make) -> Laboratory:
    """Force a version through that learnt another world."""
    lab = make("stable")
    lab.days(2)
    lab.force(lab.train("bad", 3_000, 5, Conditions(concept=1.0)))
    lab.days(3)
    return lab


def flapping(make: Make) -> Laboratory:
    """Let the world go to and fro, faster than anybody can learn it."""
    lab = make("flapping", {"breaker": 2})
    lab.days(11)
    return lab


def stable(make: Make) -> Laboratory:
    """Let nothing change for thirty days."""
    lab = make("stable", rows_a_day=480)
    lab.days(30)
    return lab
