"""The evaluation of one window's data against the baseline of a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import betabinom

from pipewarden.monitoring.columns.copies import copies, row_hashes
from pipewarden.monitoring.columns.frozen import Frozen, FrozenLevels, FrozenNumbers
from pipewarden.monitoring.columns.reading import (
    Columns,
    LevelsRead,
    NumbersRead,
    column_of,
    read_levels,
    read_numbers,
)
from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.statistics import adjusted, risen
from pipewarden.monitoring.quality.rules import QualityRules
from pipewarden.monitoring.quality.verdict import Fault, QualityResult, QualityVerdict

#: New levels that are named, and characters of each: they come from outside.
_SHOWN, _LETTERS = 5, 40


def judge(
    baseline: Baseline, window: Mapping[str, Any], rules: QualityRules | None = None
) -> QualityVerdict:
    """Judge whether a window has the form and the values of its version's baseline.

    Parameters
    ----------
    window
        Name → values of all rows, as they came.
    """
    rules = rules or QualityRules()
    columns = {name: column_of(values) for name, values in window.items()}
    read = {
        name: _read(frozen, columns[name])
        for name, frozen in baseline.columns.items()
        if name in columns
    }
    found = [_schema(baseline, columns, read), *_of_columns(baseline, read, rules)]
    found.append(_duplicates(baseline, columns, rules))
    p_values = iter(adjusted([one.p for one in found if one.p is not None]))
    results = tuple(
        replace(one.result, p_adjusted=None if one.p is None else next(p_values)) for one in found
    )
    rows = max((column.size for column in columns.values()), default=0)
    return QualityVerdict(rows=rows, rules=rules, results=results)


Read = NumbersRead | LevelsRead


@dataclass(frozen=True, slots=True)
class _Found:
    """A result, and its p-value before all of them are known."""

    result: QualityResult
    p: float | None = None


def _read(frozen: Frozen, column: Any) -> Read:
    if isinstance(frozen, FrozenNumbers):
        return read_numbers(column, frozen.codes)
    return read_levels(column, frozen.tokens)


# ── one fault each ───────────────────────────────────────────────────────────────────────────────


def _schema(baseline: Baseline, window: Columns, read: Mapping[str, Read]) -> _Found:
    """Count the columns that are absent, of another type, or unknown: one is one too many."""
    absent = sorted(baseline.columns.keys() - window.keys())
    unknown = sorted(window.keys() - baseline.columns.keys())
    retyped = sorted(name for name, column in read.items() if column.unreadable)
    lengths = sorted({column.size for column in window.values()})
    told = {"absent": absent, "other_type": retyped, "unknown": unknown, "lengths": lengths}
    wrong = len(absent) + len(retyped) + len(unknown) + (len(lengths) > 1)
    words = [f"{name.replace('_', ' ')}: {', '.join(listed)}" for name, listed in (
        ("absent", absent), ("other_type", retyped), ("unknown", unknown)
    ) if listed]  # fmt: skip
    if len(lengths) > 1:
        words.append(f"columns of {' and '.join(map(str, lengths))} rows")
    result = QualityResult(
        fault=Fault.SCHEMA,
        name="",
        sample=max(lengths, default=0),
        value=float(wrong),
        threshold=1.0,
        alpha=1.0,
        reason="; ".join(words),
        told=told,
    )
    return _Found(result)


def _of_columns(
    baseline: Baseline, read: Mapping[str, Read], rules: QualityRules
) -> Iterator[_Found]:
    for name, frozen in baseline.columns.items():
        column = read.get(name)
        numbers = isinstance(frozen, FrozenNumbers)
        second = Fault.RANGE if numbers else Fault.NEW_CATEGORY
        floor = rules.range_floor if numbers else rules.new_category_floor
        if column is None:
            for fault, threshold in ((Fault.MISSING, rules.missing_floor), (second, floor)):
                yield _none(fault, name, 0, threshold, "the window has no such column")
            continue
        yield _missing(name, frozen, column, rules)
        reason = _too_few(frozen.sample, column.rows - column.missing, "values", rules)
        if not reason and isinstance(frozen, FrozenLevels) and frozen.names:
            reason = "the baseline holds so many different values that they are names"
        if reason:
            yield _none(second, name, column.rows - column.missing, floor, reason)
        elif isinstance(frozen, FrozenNumbers):
            assert isinstance(column, NumbersRead)
            yield _range(name, frozen, column, rules)
        else:
            assert isinstance(column, LevelsRead)
            yield _new(name, frozen, column, rules)


def _missing(name: str, frozen: Frozen, column: Read, rules: QualityRules) -> _Found:
    reason = _too_few(frozen.rows, column.rows, "rows", rules)
    if reason:
        return _none(Fault.MISSING, name, column.rows, rules.missing_floor, reason)
    before, now = frozen.missing / frozen.rows, column.missing / column.rows
    result = QualityResult(
        fault=Fault.MISSING,
        name=name,
        sample=column.rows,
        value=now,
        threshold=before + rules.missing_floor,
        alpha=rules.alpha,
        reason=f"{now:.1%} missing, {before:.1%} in the baseline",
        told={"missing": column.missing, "unreadable": column.unreadable, "baseline_share": before},
    )
    return _Found(result, risen((frozen.missing, frozen.rows), (column.missing, column.rows)))


def _range(name: str, frozen: FrozenNumbers, column: NumbersRead, rules: QualityRules) -> _Found:
    """Count what lies outside of the baseline's smallest and largest values.

    How much of that chance alone brings is known whatever the distribution (Wilks 1941): the share
    outside of the range of m values is distributed as Beta(2, m - 1).
    """
    values, m = column.values, frozen.sample
    below = int(np.searchsorted(values, frozen.minimum))
    above = values.size - int(np.searchsorted(values, frozen.maximum, side="right"))
    outside = below + above
    result = QualityResult(
        fault=Fault.RANGE,
        name=name,
        sample=values.size,
        value=outside / values.size,
        threshold=rules.range_floor,
        alpha=rules.alpha,
        reason=f"{below} values below {frozen.minimum:g}, {above} above {frozen.maximum:g}",
        told={
            "below": below,
            "above": above,
            "baseline_minimum": frozen.minimum,
            "baseline_maximum": frozen.maximum,
            "minimum": float(values[0]),
            "maximum": float(values[-1]),
        },
    )
    return _Found(result, _at_least(outside, values.size, 2, m - 1))


def _new(name: str, frozen: FrozenLevels, column: LevelsRead, rules: QualityRules) -> _Found:
    """Count the values whose level the baseline never saw.

    The share of such values is about that of the levels seen once (Good 1953): of m values with s
    of these it is taken as Beta(s + 1, m - s).
    """
    new = {level: count for level, count in column.counts.items() if level not in frozen.counts}
    size, unseen = column.rows - column.missing, sum(new.values())
    once = sum(count == 1 for count in frozen.counts.values())
    most = sorted(new, key=lambda level: (-new[level], level))[:_SHOWN]
    shown = [level[:_LETTERS] for level in most]
    result = QualityResult(
        fault=Fault.NEW_CATEGORY,
        name=name,
        sample=size,
        value=unseen / size,
        threshold=rules.new_category_floor,
        alpha=rules.alpha,
        reason=f"{unseen} values of {len(new)} new levels: {', '.join(map(repr, shown))}",
        told={"levels": len(new), "values": unseen, "shown": shown},
    )
    return _Found(result, _at_least(unseen, size, once + 1, max(1, frozen.sample - once)))


def _duplicates(baseline: Baseline, window: Columns, rules: QualityRules) -> _Found:
    """Compare the share of copies with what the baseline's pairs of equal rows lead to expect."""
    held = {name: column for name, column in window.items() if name in baseline.columns}
    hashes = row_hashes(held)
    size = 0 if hashes is None else hashes.size
    expected = None
    if baseline.duplicates is not None:
        expected = baseline.duplicates * (size - 1) / 2
    reason = _too_few(baseline.rows, size, "rows", rules)
    if hashes is None:
        reason = "the window has no rows of the baseline's columns, or they differ in length"
    elif held.keys() != baseline.columns.keys():
        reason = "the window lacks columns, without which rows look alike"
    elif expected is None:
        reason = "of the baseline it is not known how many rows are equal"
    elif expected + rules.duplicates_floor >= 1.0:
        reason = "equal rows are so frequent in the baseline that copies cannot be told from them"
    if reason or hashes is None or expected is None:
        return _none(Fault.DUPLICATES, "", size, rules.duplicates_floor, reason)
    number = copies(hashes)
    result = QualityResult(
        fault=Fault.DUPLICATES,
        name="",
        sample=size,
        value=number / size,
        threshold=expected + rules.duplicates_floor,
        alpha=1.0,
        reason=f"{number} rows are copies of another; {expected:.1%} or fewer are expected",
        told={"copies": number, "expected_share": expected},
    )
    return _Found(result)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _none(fault: Fault, name: str, sample: int, threshold: float, reason: str) -> _Found:
    return _Found(
        QualityResult(
            fault=fault,
            name=name,
            sample=sample,
            value=None,
            threshold=threshold,
            alpha=1.0,
            reason=reason,
        )
    )


def _too_few(before: int, now: int, what: str, rules: QualityRules) -> str:
    least: Sequence[tuple[str, int]] = (("baseline", before), ("window", now))
    return next(
        (
            f"the {side} has {number} {what}; {rules.minimum_sample} are needed"
            for side, number in least
            if number < rules.minimum_sample
        ),
        "",
    )


def _at_least(number: int, size: int, a: int, b: int) -> float:
    """Return the chance of so many or more of ``size``, where the share is Beta(a, b)."""
    return max(0.0, float(betabinom.sf(number - 1, size, a, b))) if number else 1.0
