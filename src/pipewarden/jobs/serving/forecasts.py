"""Series continued by the versions that answer, one or all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipewarden.errors import PipewardenError, UsageError
from pipewarden.jobs.serving.choosing import Chosen, choose_all
from pipewarden.jobs.serving.opening import Opener
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import Refusal

#: The columns of a table of forecasts; between them stand the bounds of the interval.
FIRST, LAST = ("unique_id", "ds", "step", "y_hat"), ("model_version",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What came of one series.

    Parameters
    ----------
    rows
        One a step, with the columns of the table; empty where there is no forecast.
    problem
        Why there is none.
    """

    chosen: Chosen
    rows: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""


def columns(level: float) -> tuple[str, ...]:
    """Return the columns of a table of forecasts."""
    return (*FIRST, f"lo_{level:g}", f"hi_{level:g}", *LAST)


def forecast(workspace: Workspace, chosen: Chosen, horizon: int, level: float) -> Forecast:
    """Continue one series.

    Raises
    ------
    UsageError
        The model answers rows; or the model refuses what was asked of it.
    """
    (made,) = _forecasts(Opener(workspace), [chosen], horizon, level, alone=True)
    if made.problem:
        raise UsageError(f"{chosen.name}: {made.problem}")
    return made


def forecast_all(
    workspace: Workspace, environment: str, horizon: int, level: float
) -> Iterator[Forecast]:
    """Continue every series that has a version which may answer, one after the other."""
    some = choose_all(workspace, environment)
    yield from _forecasts(Opener(workspace), some, horizon, level, alone=False)


def _forecasts(
    opener: Opener, some: Iterable[Chosen], horizon: int, level: float, *, alone: bool
) -> Iterator[Forecast]:
    predicting: set[str] = set()  # families of models that answer rows
    for chosen in some:
        family = chosen.version.family
        if family in predicting:
            continue
        try:
            served = opener.opened(chosen.version, chosen.environment, chosen.deployment)
        except PipewardenError as error:
            if alone:
                raise
            yield Forecast(chosen=chosen, problem=error.message)
            continue
        if served.predicts:
            if alone:
                raise UsageError(
                    f"the model {served.model!r} answers rows",
                    next_step=f"pipewarden predict --model {served.model} --input FILE "
                    "--output FILE.csv",
                )
            predicting.add(family)
            continue
        steps = answering.forecast(served, horizon, level)
        if isinstance(steps, Refusal):
            yield Forecast(chosen=chosen, problem=str(steps))
        else:
            yield Forecast(chosen=chosen, rows=tuple(_row(chosen, step, level) for step in steps))


def _row(chosen: Chosen, step: Mapping[str, Any], level: float) -> dict[str, Any]:
    name = chosen.version.model
    held = {
        "unique_id": name.partition("/")[2] or name,
        **{column: step[column] for column in columns(level) if column in step},
        "model_version": chosen.name,
    }
    return {column: held.get(column) for column in columns(level)}
