"""Where the costs of a period come from: models, items, and what serves for nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from pipewarden.core.costs.figures import CostKind
from pipewarden.core.items import Outcome
from pipewarden.core.models.deployments import DeploymentState
from pipewarden.store.state.costs.rows import costs
from pipewarden.store.state.healing.schema import healings
from pipewarden.store.state.models.schema import deployments, model_versions, predictions
from pipewarden.store.state.schema import items

_QUARANTINED = [outcome for outcome in Outcome if outcome.quarantined]
_SERVING = [state for state in DeploymentState if state.serving]
#: More healings than so are looked for among all.
_NAMED = 500
#: The short fact of an item that names what its fit chose among.
CHOICE = "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFits:
    """The fits of one model in a period.

    Parameters
    ----------
    fits, cpu_seconds, object_bytes
        How many versions were trained, what that took, and the documents that are kept.
    choices
        What the fits chose, each once; empty where they say nothing.
    """

    model: str
    pipeline: str
    fits: int
    cpu_seconds: float
    object_bytes: int
    choices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """An item that failed in run after run, and was never published in between."""

    pipeline: str
    key: str
    runs: int
    cpu_seconds: float
    last_run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heavy:
    """The item of a pipeline that took most in a period."""

    pipeline: str
    key: str
    cpu_seconds: float
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """A model that serves, and that nobody asked since."""

    model: str
    environment: str
    version: int
    since: datetime
    pipeline: str


def _ended(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Return the condition on a cost: of a run that ended in the period."""
    return (costs.c.kind == CostKind.RUN) & (costs.c.at >= since) & (costs.c.at < until)


def fits(conn: Connection, *, since: datetime, until: datetime) -> list[ModelFits]:
    """Return what each model took in runs that ended in the period, the most expensive first.

    Runs whose item records were removed tell nothing of their models any more.
    """
    v = model_versions.c
    query = (
        select(v.model, v.family, items.c.cpu_seconds, items.c.object_bytes, items.c.facts)
        .join(items, (items.c.job_id == v.run_id) & (items.c.key == v.item_key))
        .join(costs, costs.c.id == items.c.job_id)
        .where(_ended(since, until))
        .execution_options(yield_per=1000)
    )
    held: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, 0.0, 0, set(), 0])
    for model, family, cpu, size, facts in conn.execute(query):
        one = held[model, family]
        one[0] += 1
        one[1] += cpu
        one[2] += size
        if facts.get(CHOICE) is not None:
            one[3].add(str(facts[CHOICE]))
            one[4] += 1
    found = [
        ModelFits(
            model=model,
            pipeline=family,
            fits=number,
            cpu_seconds=cpu,
            object_bytes=size,
            choices=frozenset(choices) if told == number else frozenset(),
        )
        for (model, family), (number, cpu, size, choices, told) in held.items()
    ]
    return sorted(found, key=lambda one: (-one.cpu_seconds, one.model))


def failing(conn: Connection, *, since: datetime, until: datetime, least: int) -> list[Failing]:
    """Return the items that failed in ``least`` runs of the period or more, and never passed.

    The most expensive come first.
    """
    bad = items.c.outcome.in_(_QUARANTINED)
    runs = func.sum(case((bad, 1), else_=0))
    passed = func.sum(case((items.c.outcome == Outcome.PUBLISHED, 1), else_=0))
    cpu = func.sum(items.c.cpu_seconds)
    query = (
        select(costs.c.pipeline, items.c.key, runs, cpu, func.max(items.c.job_id))
        .join(costs, costs.c.id == items.c.job_id)
        .where(_ended(since, until))
        .group_by(costs.c.pipeline, items.c.key)
        .having((runs >= least) & (passed == 0))
        .order_by(cpu.desc(), items.c.key)
    )
    return [
        Failing(pipeline=p, key=key, runs=int(n), cpu_seconds=float(s), last_run=run)
        for p, key, n, s, run in conn.execute(query)
    ]


def heaviest(
    conn: Connection, *, since: datetime, until: datetime, pipeline: str, most: int
) -> list[Heavy]:
    """Return the outcomes of a pipeline that took most in the period, each item once."""
    query = (
        select(items.c.key, items.c.cpu_seconds, items.c.job_id)
        .join(costs, costs.c.id == items.c.job_id)
        .where(_ended(since, until), costs.c.pipeline == pipeline)
        .order_by(items.c.cpu_seconds.desc(), items.c.key)
        .limit(most)
    )
    return [
        Heavy(pipeline=pipeline, key=key, cpu_seconds=cpu, run_id=run)
        for key, cpu, run in conn.execute(query)
    ]


def serving(conn: Connection) -> dict[str, int]:
    """Return how many models of each pipeline serve somewhere."""
    d, v = deployments.c, model_versions.c
    query = (
        select(v.family, func.count(d.model.distinct()))
        .join(deployments, (v.model == d.model) & (v.version == d.version))
        .where(d.state.in_(_SERVING))
        .group_by(v.family)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def families(conn: Connection) -> dict[str, str]:
    """Return the pipeline that trains each model."""
    query = select(model_versions.c.model, model_versions.c.family).distinct()
    return {row[0]: row[1] for row in conn.execute(query)}


def without_items(conn: Connection, *, since: datetime, until: datetime) -> set[str]:
    """Return the runs that ended in the period and worked on items of which nothing is kept."""
    kept = select(items.c.job_id).where(items.c.job_id == costs.c.id).exists()
    query = select(costs.c.id).where(_ended(since, until), costs.c["items"] > 0, ~kept)
    return set(conn.execute(query).scalars())


def states(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return the states of healings, by their names."""
    numbers = [int(name.rpartition("/")[2]) for name in names]
    query = select(healings.c.id, healings.c.state)
    if len(numbers) <= _NAMED:
        query = query.where(healings.c.id.in_(numbers))
    wanted = set(names)
    found = {f"healing/{number}": state for number, state in conn.execute(query)}
    return {name: state for name, state in found.items() if name in wanted}


def unasked(conn: Connection, *, since: datetime) -> list[Unasked]:
    """Return the models that have served since then or longer, and that nobody asked since."""
    d, p = deployments.c, predictions.c
    asked = select(p.id).where(p.model == d.model, p.environment == d.environment, p.at >= since)
    query = (
        select(d.model, d.environment, d.version, d.started_at, model_versions.c.family)
        .join(
            model_versions,
            (model_versions.c.model == d.model) & (model_versions.c.version == d.version),
        )
        .where(d.state.in_(_SERVING), d.started_at < since, ~asked.exists())
        .order_by(d.model, d.environment)
    )
    return [
        Unasked(model=row[0], environment=row[1], version=row[2], since=row[3], pipeline=row[4])
        for row in conn.execute(query)
    ]
