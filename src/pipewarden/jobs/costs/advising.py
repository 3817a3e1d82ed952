"""From a period's figures to recommendations: what the rules of `core.costs.advice` are given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipewarden.core.costs import advice
from pipewarden.core.costs.advice import Advice, Group
from pipewarden.core.costs.figures import Cost
from pipewarden.core.healing.states import HealingState
from pipewarden.jobs.costs.account import HealingCost, PipelineCost
from pipewarden.store.state.costs import details
from pipewarden.store.state.costs.details import ModelFits
from pipewarden.store.state.service import timings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

#: How many of the newest runs are asked for their stages.
_RUNS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of the period.

    Parameters
    ----------
    costs
        Of all runs and healings.
    families
        The pipeline that trains each model.
    """

    pipelines: Sequence[PipelineCost]
    fits: Sequence[ModelFits]
    healings: Sequence[HealingCost]
    costs: Sequence[Cost]
    families: Mapping[str, str]


def advised(
    conn: Connection, told: Told, *, since: datetime, until: datetime, days: float, model: str
) -> list[Advice]:
    """Return what costs most for least, the most expensive first.

    Parameters
    ----------
    days
        The length of the period, for words.
    model
        Only of this model, where it is not empty.
    """
    found: list[Advice | None] = []
    failing = _failing(conn, since, until)
    for one in told.pipelines:
        name, runs = one.name, [c for c in told.costs if c.pipeline == one.name]
        heavy = details.heaviest(
            conn, since=since, until=until, pipeline=name, most=advice.most_named(one.now.items)
        )
        most = Group(
            names=list(dict.fromkeys(item.key for item in heavy)),
            cpu_seconds=sum(item.cpu_seconds for item in heavy),
            run_id=heavy[0].run_id if heavy else "",
        )
        fixed = Group(names=(), cpu_seconds=0.0)
        found += [
            advice.of_failing(name, failing.get(name, fixed), one.now),
            advice.of_checks(name, one.now),
            _stage(conn, one, runs),
            advice.of_fixed(name, runs, one.now),
            advice.of_heavy(name, most, one.now),
            _unchanged(told.fits, one),
        ]
    found += _unasked(conn, told, since, days, model)
    found += _lost(told.healings)
    return advice.ranked(found)


def _stage(conn: Connection, one: PipelineCost, runs: Sequence[Cost]) -> Advice | None:
    """Look at the stages that the newest runs tell."""
    newest = [run.id for run in runs if run.items][-_RUNS:]
    found: dict[str, float] = defaultdict(float)
    for run_id in newest:
        for stage, timing in timings.of_job(conn, run_id).items():
            found[stage] += timing.seconds
    whole = found.pop(timings.WORK, 0.0)
    return advice.of_stage(one.name, found, whole, newest[-1] if newest else "", one.now)


def _failing(conn: Connection, since: datetime, until: datetime) -> dict[str, Group]:
    held: dict[str, list[details.Failing]] = defaultdict(list)
    least = advice.LEAST_FAILURES
    for one in details.failing(conn, since=since, until=until, least=least):
        held[one.pipeline].append(one)
    return {
        name: Group(
            names=[one.key for one in items],
            cpu_seconds=sum(one.cpu_seconds for one in items),
            times=sum(one.runs for one in items),
            run_id=items[0].last_run,
        )
        for name, items in held.items()
    }


def _unchanged(fits: Sequence[ModelFits], one: PipelineCost) -> Advice | None:
    """Look for models that were fitted again and again, and chose the same each time."""
    same = [
        fit
        for fit in fits
        if fit.pipeline == one.name and fit.fits >= advice.LEAST_FITS and len(fit.choices) == 1
    ]
    again = sum(fit.fits - 1 for fit in same)
    models = Group(
        names=[fit.model for fit in same],
        cpu_seconds=sum(fit.cpu_seconds * (fit.fits - 1) / fit.fits for fit in same),
    )
    return advice.of_unchanged(one.name, models, again, one.now)


def _unasked(
    conn: Connection, told: Told, since: datetime, days: float, model: str
) -> list[Advice | None]:
    wanted = {one.name for one in told.pipelines}
    seconds = {fit.model: fit.cpu_seconds for fit in told.fits}
    serving = details.serving(conn)
    held: dict[str, set[str]] = defaultdict(set)
    for one in details.unasked(conn, since=since):
        if model in ("", one.model) and (one.pipeline in wanted or one.model == model):
            held[one.pipeline].add(one.model)
    return [
        advice.of_unasked(
            name,
            Group(
                names=sorted(models, key=lambda each: (-seconds.get(each, 0.0), each)),
                cpu_seconds=sum(seconds.get(each, 0.0) for each in models),
            ),
            serving.get(name, 0),
            days,
        )
        for name, models in held.items()
    ]


def _lost(healings: Sequence[HealingCost]) -> list[Advice | None]:
    """Look for healings that ended without having helped; a shared run counts in parts."""
    by_model: dict[str, list[HealingCost]] = defaultdict(list)
    for one in healings:
        if one.state and HealingState(one.state).ended:
            by_model[one.model].append(one)
    found: list[Advice | None] = []
    for model, ended in by_model.items():
        lost = [one for one in ended if HealingState(one.state).lost]
        group = Group(names=[one.name for one in lost], cpu_seconds=sum(map(_whole, lost)))
        found.append(advice.of_healings(model, group, len(ended)))
    return found


def _whole(healing: HealingCost) -> float:
    run = 0.0 if healing.run is None else healing.run.cpu_seconds / max(healing.shared, 1)
    return healing.own.cpu_seconds + run
