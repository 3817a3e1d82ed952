"""A challenger in a house of tiny models, and answers with labels as a service leaves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pipewarden.core.models.challengers import (
    CHALLENGER,
    CHAMPION,
    Challenger,
    ChallengerMode,
    assigned,
    beside,
)
from pipewarden.core.models.comparisons import ComparisonMetric, ComparisonPlan, HarmLimits
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.models import deploying
from pipewarden.models.challenging import starting
from pipewarden.store.state.models import challengers, predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import label_reports
from tiny_models import House

PLAN = ComparisonPlan(
    metric=ComparisonMetric.BRIER, labelled=100, hours=24, harm=HarmLimits(loss=0.2, labelled=40)
)
#: Chance of a row → what somebody says of it.
Says = Callable[[int], float]


def two(house: House, model: str = "a") -> None:
    """Train two versions of a model; the first serves in production."""
    house.train(model, 0, 9)
    house.train(model, 0, 3)
    deploying.deploy(house.context, model, "production", "1", reason="")


def start(house: House, version: int = 2, *, model: str = "a", **how: Any) -> Challenger:
    """Start a challenger; a shadow with the usual plan unless it is said otherwise."""
    how = {"mode": ChallengerMode.SHADOW, "plan": PLAN, "reason": "newer"} | how
    return starting.start(house.context, model, "production", version, **how).challenger


def now(house: House, held: Challenger) -> Challenger:
    """Return a challenger as it is now."""
    with house.database.read() as conn:
        return challengers.get(conn, held.id)


def truth(number: int) -> int:
    """Return what becomes true of a row: of every second one."""
    return number % 2


def right(number: int) -> float:
    """Say what becomes true, rather surely."""
    return 0.9 if truth(number) else 0.1


def wrong(number: int) -> float:
    """Say the contrary, rather surely."""
    return 1.0 - right(number)


def unsure(number: int) -> float:
    """Say a little more for what is true."""
    return 0.6 if truth(number) else 0.4


def answered(
    house: House, held: Challenger, rows: int, champion: Says, challenger: Says
) -> list[str]:
    """Log answers to so many rows, as a service does; return the ids of what callers got."""
    made, told = [], []
    at = house.now + timedelta(seconds=1)
    for number in range(rows):
        name = f"00000000-0000-7000-8000-{number:012x}"
        one = _prediction(held, name, held.champion, CHAMPION, champion(number), number)
        other = _prediction(held, name, held.version, CHALLENGER, challenger(number), number)
        if held.mode is ChallengerMode.SHADOW:
            told += [one, replace(other, id=beside(name, held.id))]
        else:
            told.append(other if assigned(one.entity, held.id, held.share) else one)
        made.append(name)
    with house.database.write() as conn:
        predictions.append(conn, [replace(one, at=at) for one in told])
    house.now += timedelta(minutes=1)
    return made


def labelled(house: House, ids: list[str]) -> None:
    """Report what became true of predictions."""
    reports = [
        LabelReport(prediction_id=name, value=truth(int(name[-12:], 16)), at=house.now)
        for name in ids
    ]
    with house.database.write() as conn:
        label_reports.report(conn, reports, at=house.now, source="ada")


def both(house: House, held: Challenger, rows: int, champion: Says, challenger: Says) -> None:
    """Log answers to so many rows, and label them all."""
    labelled(house, answered(house, held, rows, champion, challenger))


def _prediction(
    held: Challenger, name: str, version: int, role: str, chance: float, number: int
) -> Prediction:
    return Prediction(
        id=name,
        at=held.started_at,
        model=held.model,
        version=version,
        environment=held.environment,
        role=role,
        entity=f"customer {number}",
        inputs={"x": number},
        answer={"probability": chance, "prediction": int(chance >= 0.5)},
        request_id=f"request {number}",
    )
