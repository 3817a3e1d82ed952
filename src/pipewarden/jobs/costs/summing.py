"""Adding up what a period took: by pipeline, by model, by healing, and beside the one before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipewarden.core.costs.figures import Cost, CostKind, Prices, Used, total
from pipewarden.core.costs.fitting import Forecast, forecast, too_little
from pipewarden.errors import UnknownName
from pipewarden.jobs.costs.account import (
    Account,
    Grown,
    HealingCost,
    ModelCost,
    PipelineCost,
    Saved,
)
from pipewarden.jobs.costs.advising import Told, advised
from pipewarden.store.state.costs import details, rows
from pipewarden.store.state.costs.details import ModelFits

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from pipewarden.jobs.workspace import Workspace

#: Of the intervals of forecasts.
LEVEL = 0.9
_PARTS = 8


def prices_of(workspace: Workspace) -> Prices:
    """Return the price table of the settings."""
    held = workspace.settings.costs
    return Prices(
        currency=held.currency,
        cpu_hour=held.cpu_hour,
        memory_gb_hour=held.memory_gb_hour,
        storage_gb_month=held.storage_gb_month,
    )


def account(
    workspace: Workspace,
    *,
    days: float,
    pipeline: str = "",
    model: str = "",
    volume: float | None = None,
) -> Account:
    """Return what runs and healings took that ended in the last days.

    Parameters
    ----------
    pipeline, model
        Only of this pipeline; only of this model, with the runs of its pipeline. Empty: of all.
    volume
        What to forecast: so many times the items in each run; None: nothing.

    Raises
    ------
    UnknownName
        There is no such model.
    """
    until, length = workspace.clock(), timedelta(days=days)
    since = until - length
    with workspace.database.read() as conn:
        families = details.families(conn)
        chosen = _Choice(families, pipeline or _family(families, model), model)
        last = until + timedelta(microseconds=1)  # what ended this very moment belongs to it
        now = chosen.costs(rows.ended(conn, since=since, until=last))
        before = chosen.costs(rows.ended(conn, since=since - length, until=since))
        fits = chosen.fits(details.fits(conn, since=since, until=last))
        prices, healings = prices_of(workspace), _healings(conn, now)
        pipelines = _pipelines(conn, now, before, chosen, prices, volume)
        told = Told(pipelines=pipelines, fits=fits, healings=healings, costs=now, families=families)
        return Account(
            since=since,
            until=until,
            days=days,
            prices=prices,
            pipelines=pipelines,
            models=_models(fits, now, families),
            healings=healings,
            now=total(now),
            before=total(before),
            parts=_parts(now, since, length),
            database=_database(now),
            volume=volume,
            level=LEVEL,
            advice=advised(conn, told, since=since, until=last, days=days, model=model),
            unknown=len(
                details.without_items(conn, since=since, until=last) & {one.id for one in now}
            ),
        )


def _family(families: Mapping[str, str], model: str) -> str:
    if not model:
        return ""
    if model not in families:
        raise UnknownName(f"there is no model {model!r}", next_step="pipewarden models list")
    return families[model]


class _Choice:
    """What was asked for: all, or one pipeline or model."""

    def __init__(self, families: Mapping[str, str], pipeline: str, model: str) -> None:
        self._families = families
        self._pipeline, self._model = pipeline, model

    def costs(self, found: Sequence[Cost]) -> list[Cost]:
        return [one for one in found if self._wanted(one)]

    def _wanted(self, cost: Cost) -> bool:
        of_run = cost.kind is CostKind.RUN
        pipeline = cost.pipeline if of_run else self._families.get(cost.model, "")
        own = of_run or self._model in ("", cost.model)
        return own and self._pipeline in ("", pipeline)

    def fits(self, found: Sequence[ModelFits]) -> list[ModelFits]:
        return [
            one
            for one in found
            if self._pipeline in ("", one.pipeline) and self._model in ("", one.model)
        ]

    def trains(self, pipeline: str) -> bool:
        return pipeline in self._families.values()


# ── pipelines ────────────────────────────────────────────────────────────────────────────────────


def _pipelines(
    conn: Connection,
    now: Sequence[Cost],
    before: Sequence[Cost],
    chosen: _Choice,
    prices: Prices,
    volume: float | None,
) -> list[PipelineCost]:
    ever = rows.mean_item_seconds(conn)
    of_now, of_before = _by_pipeline(now), _by_pipeline(before)
    made = []
    for name, costs in of_now.items():
        sums = total(costs)
        each = sums.item_seconds / sums.items if sums.items else ever.get(name)
        made.append(
            PipelineCost(
                name=name,
                now=sums,
                before=total(of_before.get(name, ())),
                saved=Saved(skipped=sums.skipped, each=each, models=chosen.trains(name)),
                grown=None if volume is None else grown(costs, prices, volume),
            )
        )
    return sorted(made, key=lambda one: (-one.now.used.cpu_seconds, one.name))


def _by_pipeline(costs: Sequence[Cost]) -> dict[str, list[Cost]]:
    held: dict[str, list[Cost]] = defaultdict(list)
    for one in costs:
        if one.kind is CostKind.RUN:
            held[one.pipeline].append(one)
    return held


def grown(costs: Sequence[Cost], prices: Prices, volume: float) -> Grown:
    """Return what the same runs would take, each with so many times its items."""
    items = [one.items for one in costs]
    most = volume * sum(one.cpu_seconds for one in costs)
    reason = too_little(items)
    held = Grown(reason=reason, most=max(most, 0.0), runs=len(items), largest=max(items, default=0))
    if reason:
        return held

    def of(figure: Callable[[Used], float]) -> Forecast:
        return forecast(items, [figure(one.used) for one in costs], volume, level=LEVEL)

    return replace(
        held,
        cpu=of(lambda used: used.cpu_seconds),
        memory=of(lambda used: used.memory_byte_seconds),
        stored=of(lambda used: used.stored_bytes),
        cost=of(prices.of) if prices.known else None,
    )


# ── models and healings ──────────────────────────────────────────────────────────────────────────


def _models(
    fits: Sequence[ModelFits], now: Sequence[Cost], families: Mapping[str, str]
) -> list[ModelCost]:
    healed: dict[str, list[Cost]] = defaultdict(list)
    for one in now:
        if one.kind is CostKind.HEALING:
            healed[one.model].append(one)
    fitted = {one.model: one for one in fits}
    made = []
    for name in fitted.keys() | healed.keys():
        own, costs = fitted.get(name), healed.get(name, [])
        made.append(
            ModelCost(
                name=name,
                pipeline=families.get(name, ""),
                fits=own.fits if own else 0,
                fit_seconds=own.cpu_seconds if own else 0.0,
                object_bytes=own.object_bytes if own else 0,
                healings=len(costs),
                healing_seconds=sum(cost.cpu_seconds for cost in costs),
            )
        )
    return sorted(made, key=lambda one: (-one.fit_seconds - one.healing_seconds, one.name))


def _healings(conn: Connection, now: Sequence[Cost]) -> list[HealingCost]:
    found = [one for one in now if one.kind is CostKind.HEALING]
    states = details.states(conn, [one.id for one in found])
    together = Counter(one.run_id for one in found if one.run_id)
    runs = {run_id: rows.get(conn, CostKind.RUN, run_id) for run_id in together}
    made = []
    for one in found:
        run = runs.get(one.run_id)
        made.append(
            HealingCost(
                name=one.id,
                model=one.model,
                state=states.get(one.id, ""),
                own=one.used,
                run_id=one.run_id,
                run=None if run is None else run.used,
                shared=together[one.run_id],
            )
        )
    return made


# ── the period ───────────────────────────────────────────────────────────────────────────────────


def _parts(now: Sequence[Cost], since: datetime, length: timedelta) -> list[float]:
    parts = [0.0] * _PARTS
    for one in now:
        part = int((one.at - since) / length * _PARTS)
        parts[min(part, _PARTS - 1)] += one.cpu_seconds
    return parts


def _database(now: Sequence[Cost]) -> tuple[int, int] | None:
    sizes = [one.database_bytes for one in now if one.database_bytes is not None]
    return (sizes[0], sizes[-1]) if sizes else None
