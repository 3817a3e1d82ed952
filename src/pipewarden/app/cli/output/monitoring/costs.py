"""How costs are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipewarden.app.cli.output.terminal import say, say_table
from pipewarden.core.costs.figures import Prices, Totals, Used
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count, duration

if TYPE_CHECKING:
    from pipewarden.core.costs.fitting import Forecast
    from pipewarden.jobs.costs.account import Account, Grown, PipelineCost

_BARS = "▁▂▃▄▅▆▇█"
_UNITS = ("B", "kB", "MB", "GB", "TB")
#: What is no faster and no slower than before, in share.
_SAME = 0.005


def say_account(told: Account, *, limit: int) -> None:
    """Print what a period took, and what to do about it.

    Parameters
    ----------
    limit
        Models and healings at most.
    """
    if not told.now.number:
        say(f"No run and no healing ended in the last {told.days:g} days.")
        return
    _say_totals(told)
    _say_pipelines(told)
    _say_models(told, limit)
    _say_healings(told, limit)
    _say_saved(told)
    if told.volume is not None:
        _say_forecast(told)
    _say_advice(told)


def _say_totals(told: Account) -> None:
    used = told.now.used
    say(
        f"In {told.days:g} days: {duration(used.cpu_seconds)} CPU, "
        f"{used.memory_gb_hours:,.4g} GB-hours of memory, {_size(used.stored_bytes)} written"
        + (f": {_money(told.prices, used)}" if told.prices.known else "")
    )
    if not told.prices.known:
        say("In resources only: the settings have no prices (costs.cpu_hour and others).")
    if told.before.number:
        say(f"CPU beside the period before: {_change(used, told.before.used)}")
    say(f"CPU by eighths of the period: {_bars(told.parts)}")
    if told.database is not None:
        first, last = told.database
        say(f"The state database grew from {_size(first)} to {_size(last)}.")
    if told.unknown:
        say(f"{count(told.unknown, 'run')} lost their records of items: their models are not shown")


def _say_pipelines(told: Account) -> None:
    if not told.pipelines:
        return
    rows = [_pipeline_row(one, told.prices) for one in told.pipelines]
    numbers = ("runs", "items", "skipped", "CPU", "an item", "trend", "wall", "peak", "written")
    headers = ("pipeline", *numbers, *(["cost"] if told.prices.known else []))
    say()
    say_table(headers, rows, right=headers[1:])


def _pipeline_row(one: PipelineCost, prices: Prices) -> tuple[str, ...]:
    now = one.now
    row = (
        visible(one.name),
        f"{now.number:,}",
        f"{now.items:,}",
        f"{now.skipped:,}",
        duration(now.used.cpu_seconds),
        "" if now.cpu_per_item is None else duration(now.cpu_per_item),
        _trend(now, one.before),
        duration(now.used.wall_seconds),
        _size(now.memory_peak),
        _size(now.used.stored_bytes),
    )
    return (*row, _money(prices, now.used)) if prices.known else row


def _say_models(told: Account, limit: int) -> None:
    if not told.models:
        return
    say()
    say_table(
        ("model", "pipeline", "fits", "CPU of fits", "kept", "healings", "CPU of healings"),
        [
            (
                visible(one.name),
                visible(one.pipeline),
                f"{one.fits:,}",
                duration(one.fit_seconds),
                _size(one.object_bytes),
                f"{one.healings:,}",
                duration(one.healing_seconds),
            )
            for one in told.models[:limit]
        ],
        right=("fits", "CPU of fits", "kept", "healings", "CPU of healings"),
    )
    _say_more(len(told.models) - limit, "model")


def _say_healings(told: Account, limit: int) -> None:
    if not told.healings:
        return
    newest = list(reversed(told.healings))
    say()
    say_table(
        ("healing", "model", "state", "CPU itself", "CPU of its run", "run"),
        [
            (
                visible(one.name),
                visible(one.model),
                one.state,
                duration(one.own.cpu_seconds),
                "" if one.run is None else duration(one.run.cpu_seconds),
                visible(one.run_id) + (f" (for {one.shared} healings)" if one.shared > 1 else ""),
            )
            for one in newest[:limit]
        ],
        right=("CPU itself", "CPU of its run"),
    )
    _say_more(len(newest) - limit, "healing")


def _say_more(number: int, noun: str) -> None:
    if number > 0:
        say(f"and {count(number, noun)} more (--limit, --json)")


def _say_saved(told: Account) -> None:
    saved = [one for one in told.pipelines if one.saved.skipped]
    if not saved:
        return
    say()
    for one in saved:
        held = one.saved
        what = count(held.skipped, "fit" if held.models else "item")
        if held.each is None:
            say(f"{visible(one.name)}: {what} skipped; what one takes was never measured")
            continue
        used = Used(cpu_seconds=held.cpu_seconds)
        price = f", {_money(told.prices, used)}" if told.prices.cpu_hour else ""
        say(
            f"{visible(one.name)}: {what} skipped saved about {duration(held.cpu_seconds)} CPU"
            f"{price} ({duration(held.each)} each)"
        )


# ── forecast ─────────────────────────────────────────────────────────────────────────────────────


def _say_forecast(told: Account) -> None:
    assert told.volume is not None
    able = [(one, one.grown) for one in told.pipelines if one.grown and one.grown.cpu]
    say()
    say(
        f"The same runs with {told.volume:g} times the items each "
        f"({told.level:.0%} intervals; a straight line through past runs):"
    )
    if able:
        numbers = ("CPU now", "CPU then", "between", "a run", "an item", "memory", "written")
        headers = ("pipeline", *numbers, *(["cost then"] if told.prices.known else []))
        rows = [_forecast_row(one, held, told.prices) for one, held in able]
        say_table(headers, rows, right=headers[1:])
    for one in told.pipelines:
        if one.grown is not None and one.grown.reason:
            say(
                f"{visible(one.name)}: {one.grown.reason}. At most "
                f"{duration(one.grown.most)} CPU, as if nothing were fixed."
            )
    if able and told.volume > 1:
        largest = max(held.largest for _, held in able)
        say(f"No run had more than {count(largest, 'item')}: beyond that it is a guess.")


def _forecast_row(one: PipelineCost, held: Grown, prices: Prices) -> tuple[str, ...]:
    assert held.cpu is not None
    assert held.memory is not None
    assert held.stored is not None
    memory = Used(memory_byte_seconds=held.memory.value)
    row = (
        visible(one.name),
        duration(one.now.used.cpu_seconds),
        duration(held.cpu.value),
        f"{duration(held.cpu.low)} and {duration(held.cpu.high)}",
        duration(held.cpu.line.fixed),
        duration(held.cpu.line.each),
        f"{memory.memory_gb_hours:,.4g} GB-hours",
        _size(held.stored.value),
    )
    if held.cost is None:
        return row
    return (*row, f"{_amount(held.cost.low)} to {_amount(held.cost.high)} {prices.currency}")


def _say_advice(told: Account) -> None:
    say()
    if not told.advice:
        say("Nothing was found that costs much and gives little.")
        return
    say("What costs most for least:")
    for number, one in enumerate(told.advice, start=1):
        say(f"{number}. {visible(one.subject)}: {visible(one.words)}")
        say(f"   {visible(one.act)}")


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def _money(prices: Prices, used: Used) -> str:
    return f"{_amount(prices.of(used))} {visible(prices.currency)}"


def _amount(money: float) -> str:
    """Return money to the cent, and what is less than 1 to two figures that are not 0."""
    if money >= 1 or money <= 0:
        return f"{money:,.2f}"
    return f"{money:.{1 - math.floor(math.log10(money))}f}"


def _size(size: float) -> str:
    unit = 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return (
        f"{size:.0f} {_UNITS[unit]}" if size >= 99.5 or unit == 0 else f"{size:.3g} {_UNITS[unit]}"
    )


def _trend(now: Totals, before: Totals) -> str:
    """Return by how much an item became dearer since the period before."""
    if now.cpu_per_item is None or not before.cpu_per_item:
        return ""
    change = now.cpu_per_item / before.cpu_per_item - 1
    return "same" if abs(change) < _SAME else f"{change:+.0%}"


def _change(now: Used, before: Used) -> str:
    if not before.cpu_seconds:
        return f"{duration(now.cpu_seconds)}, before none"
    change = now.cpu_seconds / before.cpu_seconds - 1
    return f"{change:+.0%} ({duration(before.cpu_seconds)} before)"


def _bars(parts: Sequence[float]) -> str:
    most = max(parts)
    if not most:
        return _BARS[0] * len(parts)
    return "".join(_BARS[round(part / most * (len(_BARS) - 1))] for part in parts)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def as_json(told: Account) -> dict[str, Any]:
    """Return all of it as plain values; money is None without prices."""
    prices = told.prices
    return {
        "since": told.since.isoformat(),
        "until": told.until.isoformat(),
        "days": told.days,
        "prices": asdict(prices) if prices.known else None,
        "total": _totals(told.now, prices),
        "before": _totals(told.before, prices),
        "cpu_seconds_by_eighths": list(told.parts),
        "database_bytes": None if told.database is None else list(told.database),
        "runs_without_items": told.unknown,
        "pipelines": [_pipeline(one, told) for one in told.pipelines],
        "models": [asdict(one) for one in told.models],
        "healings": [asdict(one) for one in told.healings],
        "advice": [asdict(one) for one in told.advice],
    }


def _pipeline(one: PipelineCost, told: Account) -> dict[str, Any]:
    saved = {**asdict(one.saved), "cpu_seconds": one.saved.cpu_seconds}
    plain: dict[str, Any] = {
        "pipeline": one.name,
        "now": _totals(one.now, told.prices),
        "before": _totals(one.before, told.prices),
        "saved": saved,
    }
    if one.grown is not None:
        held = one.grown
        plain["forecast"] = {
            "volume": told.volume,
            "level": told.level,
            "reason": held.reason,
            "runs": held.runs,
            "largest_items": held.largest,
            "at_most_cpu_seconds": held.most,
            "cpu_seconds": _forecast(held.cpu),
            "memory_byte_seconds": _forecast(held.memory),
            "stored_bytes": _forecast(held.stored),
            "cost": _forecast(held.cost),
        }
    return plain


def _forecast(held: Forecast | None) -> dict[str, float] | None:
    if held is None:
        return None
    line = {"fixed_a_run": held.line.fixed, "each_item": held.line.each}
    return {"value": held.value, "low": held.low, "high": held.high, **line}


def _totals(totals: Totals, prices: Prices) -> dict[str, Any]:
    plain = asdict(totals)
    used = plain.pop("used")
    cost = prices.of(totals.used) if prices.known else None
    return {**plain, **used, "cpu_seconds_an_item": totals.cpu_per_item, "cost": cost}
