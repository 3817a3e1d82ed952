"""What costs most for least: rules on figures, each with what could be spared and a command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipewarden.core.costs.figures import Cost, Totals
from pipewarden.core.costs.fitting import fit, too_little

#: In how many runs an item must have failed, and how often a model been fitted, to be named.
LEAST_FAILURES, LEAST_FITS = 3, 3
#: From which share of a pipeline's CPU on checks, or a run's fixed part, are too much.
CHECKS_SHARE, FIXED_SHARE = 0.3, 0.5
#: From which share of the items' time on a stage is named.
STAGE_SHARE = 0.6
#: Few items that take much: at most this share of the items, at least that share of their CPU.
FEW_ITEMS, MUCH_CPU, LEAST_ITEMS = 0.05, 0.5, 20
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Something that costs more than it gives.

    Parameters
    ----------
    code
        Which rule says so.
    subject
        The pipeline or model.
    words
        What was found, with its figures.
    cpu_seconds
        What is spent on it in the period: the most that could be spared.
    act
        The command to begin with.
    figures
        What it rests on, by name.
    """

    code: str
    subject: str
    words: str
    cpu_seconds: float
    act: str
    figures: Mapping[str, float | int | str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Several items or models that have something in common, and what they took.

    Parameters
    ----------
    names
        The most expensive first.
    run_id
        A run in which the first of them is.
    """

    names: Sequence[str]
    cpu_seconds: float
    times: int = 0
    run_id: str = ""


def of_failing(pipeline: str, failing: Group, whole: Totals) -> Advice | None:
    """Name the items that fail in run after run."""
    if not failing.names:
        return None
    share = _share(failing.cpu_seconds, whole.item_seconds)
    return Advice(
        code="items_fail_again",
        subject=pipeline,
        words=f"{_count(len(failing.names), 'item')} failed in {LEAST_FAILURES} runs or more and "
        f"never passed: {failing.times:,} attempts took {failing.cpu_seconds:,.2f} CPU s, "
        f"{share:.0%} of all items' ({_some(failing.names)}); mend them, or take them out of the "
        "source",
        cpu_seconds=failing.cpu_seconds,
        act=_command("quarantine", "list", "--pipeline", pipeline),
        figures={
            "items": len(failing.names),
            "attempts": failing.times,
            "share": share,
            "first": list(failing.names[:_NAMED]),
        },
    )


def of_unchanged(pipeline: str, models: Group, fits: int, whole: Totals) -> Advice | None:
    """Name the models whose fits always choose the same.

    Parameters
    ----------
    models
        With the CPU seconds of all fits but the first of each.
    fits
        How many fits that were.
    """
    if not models.names:
        return None
    share = _share(models.cpu_seconds, whole.item_seconds)
    return Advice(
        code="choice_never_changes",
        subject=pipeline,
        words=f"{_count(len(models.names), 'model')} chose the same each time: {fits:,} fits after "
        f"the first took {models.cpu_seconds:,.2f} CPU s, {share:.0%} of all items' "
        f"({_some(models.names)}); train them less often, or let the choice stand and fit only",
        cpu_seconds=models.cpu_seconds,
        act=_command("models", "versions", models.names[0]),
        figures={
            "models": len(models.names),
            "fits": fits,
            "share": share,
            "first": list(models.names[:_NAMED]),
        },
    )


def of_checks(pipeline: str, whole: Totals) -> Advice | None:
    """Say where the gate's checks take much of what the items take."""
    share = _share(whole.check_seconds, whole.item_seconds)
    if share < CHECKS_SHARE or not whole.items:
        return None
    each = whole.check_seconds / whole.items
    return Advice(
        code="checks_dominate",
        subject=pipeline,
        words=f"the gate's checks took {share:.0%} of the items' CPU: {whole.check_seconds:,.2f} "
        f"of {whole.item_seconds:,.2f} s, {each * 1000:,.2f} ms an item; look for a check that "
        "computes what the pipeline knows already",
        cpu_seconds=whole.check_seconds,
        act=_command("jobs", "list", "--pipeline", pipeline, "--limit", "1"),
        figures={"share": share, "seconds_per_item": each},
    )


def of_stage(
    pipeline: str, stages: Mapping[str, float], seconds: float, run_id: str, whole: Totals
) -> Advice | None:
    """Name the stage that takes most of what the items take, where the pipeline tells several.

    Parameters
    ----------
    stages, seconds
        Wall time of the items in each stage, and in all.
    run_id
        A run that has them.
    """
    if len(stages) < 2 or seconds <= 0:
        return None
    name = max(stages, key=lambda stage: (stages[stage], stage))
    share = stages[name] / seconds
    if share < STAGE_SHARE:
        return None
    return Advice(
        code="stage_dominates",
        subject=pipeline,
        words=f"the stage {name} took {share:.0%} of the items' time, {stages[name]:,.2f} of "
        f"{seconds:,.2f} s; what is spared there counts most",
        cpu_seconds=share * whole.item_seconds,
        act=_command("jobs", "status", run_id),
        figures={"stage": name, "share": share, "seconds": stages[name]},
    )


def of_fixed(pipeline: str, costs: Sequence[Cost], whole: Totals) -> Advice | None:
    """Say where most is spent on runs as such, whatever they find to do."""
    items = [one.items for one in costs]
    if too_little(items):
        return None
    line = fit(items, [one.cpu_seconds for one in costs])
    fixed = min(line.fixed * len(costs), whole.used.cpu_seconds)
    share = _share(fixed, whole.used.cpu_seconds)
    if share < FIXED_SHARE:
        return None
    mean = whole.items / len(costs)
    return Advice(
        code="runs_for_little",
        subject=pipeline,
        words=f"{share:.0%} of its CPU went into runs as such, {line.fixed:,.2f} s each, whatever "
        f"they found to do: {len(costs):,} runs with {mean:,.1f} items on average; run it less "
        "often, with more at once",
        cpu_seconds=fixed,
        act=_command("jobs", "list", "--pipeline", pipeline),
        figures={"share": share, "fixed": line.fixed, "runs": len(costs), "items_per_run": mean},
    )


def of_heavy(pipeline: str, heavy: Group, whole: Totals) -> Advice | None:
    """Name the few items that take most of what all of them take.

    Parameters
    ----------
    heavy
        The most expensive outcomes; `most_named` says how many.
    """
    share = _share(heavy.cpu_seconds, whole.item_seconds)
    if whole.items < LEAST_ITEMS or not heavy.names or share < MUCH_CPU:
        return None
    return Advice(
        code="few_items_take_most",
        subject=pipeline,
        words=f"{_count(len(heavy.names), 'item')} of {whole.items:,} took {share:.0%} of all "
        f"items' CPU, {heavy.cpu_seconds:,.2f} s ({_some(heavy.names)}); look at what is in them, "
        "or set a time-out",
        cpu_seconds=heavy.cpu_seconds,
        act=_command("jobs", "status", heavy.run_id, "--items", "all"),
        figures={"items": len(heavy.names), "share": share, "first": list(heavy.names[:_NAMED])},
    )


def most_named(items: int) -> int:
    """Return how many items `of_heavy` is to be given."""
    return max(1, int(items * FEW_ITEMS))


def of_unasked(pipeline: str, models: Group, serving: int, days: float) -> Advice | None:
    """Name the models that serve, and that nobody asks.

    Parameters
    ----------
    models
        With what their fits took in the period.
    serving
        How many models of the pipeline serve in all.
    days
        For how long nobody has asked.
    """
    if not models.names:
        return None
    return Advice(
        code="nobody_asks",
        subject=pipeline,
        words=f"{len(models.names):,} of {_count(serving, 'model')} that serve answered nothing in "
        f"{days:g} days; training them took {models.cpu_seconds:,.2f} CPU s ({_some(models.names)})"
        "; leave them out of the source, if nobody will ask",
        cpu_seconds=models.cpu_seconds,
        act=_command("models", "history", models.names[0]),
        figures={
            "models": len(models.names),
            "serving": serving,
            "first": list(models.names[:_NAMED]),
        },
    )


def of_healings(model: str, lost: Group, healings: int) -> Advice | None:
    """Say where healings were paid for and did not help.

    Parameters
    ----------
    lost
        Those that did not help, with the runs of their candidates.
    healings
        How many of the model ended in the period, after they had acted.
    """
    if not lost.names:
        return None
    return Advice(
        code="healings_in_vain",
        subject=model,
        words=f"{len(lost.names):,} of {_count(healings, 'healing')} of {model} did not help and "
        f"took {lost.cpu_seconds:,.2f} CPU s, their runs included; look at what the triggers saw",
        cpu_seconds=lost.cpu_seconds,
        act=_command("heal", "explain", "--model", model),
        figures={"healings": healings, "lost": len(lost.names)},
    )


def ranked(found: Sequence[Advice | None]) -> list[Advice]:
    """Return what was found, what costs most first."""
    return sorted(
        (one for one in found if one is not None),
        key=lambda one: (-one.cpu_seconds, one.code, one.subject),
    )


def _command(*words: str) -> str:
    return shlex.join(["pipewarden", *words])


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown}, …"
