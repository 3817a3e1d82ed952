"""The evaluation of one window: every test that can be made, judged together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.columns.frozen import Frozen, FrozenLevels
from pipewarden.monitoring.columns.reading import Columns, column_of, read_levels, read_numbers
from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.reliability import paired
from pipewarden.monitoring.drift.rules import DriftRules
from pipewarden.monitoring.drift.statistics import adjusted
from pipewarden.monitoring.drift.testing import compared, concept, missing, share
from pipewarden.monitoring.drift.verdict import (
    Computed,
    DriftKind,
    DriftResult,
    DriftVerdict,
    NotComputed,
)


def judge(
    baseline: Baseline,
    window: Mapping[str, Any],
    scores: Any = None,
    rules: DriftRules | None = None,
    *,
    labels: Any = None,
) -> DriftVerdict:
    """Judge whether a window is still what the baseline was.

    Parameters
    ----------
    window
        Name → values of all rows. A column of the baseline that it lacks is not computable.
    scores
        The answers to the same rows; None where they are not looked at.
    labels
        Of the same rows, None or NaN where a label is not known yet; None where none is looked at.
    """
    rules = rules or DriftRules()
    columns = {name: column_of(values) for name, values in window.items()}
    answers = None if scores is None else column_of(scores)
    truth = None if labels is None else column_of(labels)
    results = [
        *_columns(baseline, columns, rules),
        *_answers(baseline, answers, truth, rules),
        *_segments(baseline, columns, rules),
    ]
    arrays = [*columns.values(), *(a for a in (answers, truth) if a is not None)]
    return DriftVerdict(
        rows=max((array.size for array in arrays), default=0),
        rules=rules,
        results=_adjusted(results),
    )


# ── what is looked at ────────────────────────────────────────────────────────────────────────────


def _columns(baseline: Baseline, window: Columns, rules: DriftRules) -> Iterator[DriftResult]:
    for name, frozen in baseline.columns.items():
        column = window.get(name)
        if column is None:
            gone = NotComputed(reason="the window has no such column")
            for kind in (DriftKind.VALUES, DriftKind.MISSING):
                yield DriftResult(kind=kind, name=name, sample=0, finding=gone)
            continue
        read, finding = compared(frozen, column, rules)
        sample = read.rows - read.missing
        yield DriftResult(kind=DriftKind.VALUES, name=name, sample=sample, finding=finding)
        rise = missing(frozen, read, rules)
        yield DriftResult(kind=DriftKind.MISSING, name=name, sample=read.rows, finding=rise)


def _answers(
    baseline: Baseline,
    scores: NDArray[Any] | None,
    labels: NDArray[Any] | None,
    rules: DriftRules,
) -> Iterator[DriftResult]:
    if scores is not None:
        yield _of_whole(DriftKind.SCORES, baseline.scores, scores, rules)
    if labels is not None:
        held = replace(
            rules, jensen_shannon_floor=rules.prior_floor, wasserstein_floor=rules.prior_floor
        )
        yield _of_whole(DriftKind.LABELS, baseline.labels, labels, held)
    if scores is not None and labels is not None:
        yield _concept(baseline, scores, labels, rules)


def _of_whole(
    kind: DriftKind, frozen: Frozen | None, column: NDArray[Any], rules: DriftRules
) -> DriftResult:
    if frozen is None:
        none = NotComputed(reason=f"the baseline has no {kind.value}")
        return DriftResult(kind=kind, name="", sample=column.size, finding=none)
    read, finding = compared(frozen, column, rules)
    return DriftResult(kind=kind, name="", sample=read.rows - read.missing, finding=finding)


def _concept(
    baseline: Baseline, scores: NDArray[Any], labels: NDArray[Any], rules: DriftRules
) -> DriftResult:
    if scores.size != labels.size:
        apart = NotComputed(reason=f"{scores.size} scores and {labels.size} labels are no pairs")
        return DriftResult(kind=DriftKind.CONCEPT, name="", sample=0, finding=apart)
    score, label = paired(scores, labels)
    finding = concept(baseline.reliability, score, label, rules)
    return DriftResult(kind=DriftKind.CONCEPT, name="", sample=score.size, finding=finding)


def _segments(baseline: Baseline, window: Columns, rules: DriftRules) -> Iterator[DriftResult]:
    for name, bounds in baseline.segments.items():
        frozen, column = baseline.columns.get(name), window.get(name)
        if frozen is None or column is None:
            side = "baseline" if frozen is None else "window"
            none = NotComputed(reason=f"the {side} has no such column")
            yield DriftResult(kind=DriftKind.SEGMENT, name=name, sample=0, finding=none)
            continue
        before, now = _groups(frozen, column, bounds)
        present = sum(now.values())
        for group in before:
            counts = (before[group], now.get(group, 0))
            finding = share(counts, (frozen.sample, present), rules)
            label = f"{name} {group}"
            yield DriftResult(kind=DriftKind.SEGMENT, name=label, sample=present, finding=finding)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _adjusted(results: Sequence[DriftResult]) -> tuple[DriftResult, ...]:
    tested = [(r, r.finding) for r in results if isinstance(r.finding, Computed)]
    p_values = adjusted([finding.p_value for _, finding in tested])
    judged = {
        id(result): replace(result, finding=replace(finding, p_adjusted=p))
        for (result, finding), p in zip(tested, p_values, strict=True)
    }
    return tuple(judged.get(id(result), result) for result in results)


def _groups(
    frozen: Frozen, column: NDArray[Any], bounds: Sequence[float]
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the values of each group of baseline and window."""
    if isinstance(frozen, FrozenLevels):
        return frozen.counts, read_levels(column, frozen.tokens).counts
    names = _named(bounds)
    held = np.concatenate(([0], np.cumsum(frozen.counts)))
    places = np.searchsorted(frozen.values, bounds)
    scale = frozen.sample / max(1, int(held[-1]))
    before = np.diff(held[places], prepend=0, append=held[-1]) * scale
    values = read_numbers(column, frozen.codes).values
    now = np.diff(np.searchsorted(values, bounds), prepend=0, append=values.size)
    return (
        dict(zip(names, (round(float(count)) for count in before), strict=True)),
        dict(zip(names, now.tolist(), strict=True)),
    )


def _named(bounds: Sequence[float]) -> list[str]:
    between = [f"{low:g}-<{high:g}" for low, high in pairwise(bounds)]
    return [f"<{bounds[0]:g}", *between, f">={bounds[-1]:g}"] if bounds else ["all"]
