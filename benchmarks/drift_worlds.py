"""Worlds for `drift.py`: ten columns that stay as they are, and one of them that shifts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.judging import judge
from pipewarden.monitoring.drift.rules import DriftRules, persisted

Generator = np.random.Generator
FROZEN = 5_000
#: Windows that are compared with one baseline before another one is drawn.
PER_BASELINE = 100
RULES = DriftRules()


def ten_columns(rng: Generator, rows: int, shift: float = 0.0) -> dict[str, Any]:
    """Return numbers of several kinds, counts, and two categories; ``shift`` in deviations."""
    return {
        "shifted": rng.normal(shift, 1.0, rows),
        "normal": rng.normal(50.0, 9.0, rows),
        "income": np.exp(rng.normal(8.5, 0.8, rows)),
        "share": rng.beta(0.5, 2.0, rows),
        "age": rng.integers(18, 90, rows).astype(float),
        "sparse": np.where(rng.random(rows) < 0.2, np.nan, rng.exponential(2.0, rows)),
        "late": rng.poisson(0.3, rows).astype(float),
        "lines": rng.poisson(8.0, rows).astype(float),
        "home": rng.choice(["rent", "own", "family"], rows, p=[0.5, 0.4, 0.1]),
        "region": rng.choice([f"r{n}" for n in range(20)], rows),
    }


def found(windows: int, rows: int, seed: int, shift: float = 0.0) -> Iterator[bool]:
    """Yield for each window whether any column drifted; with a shift, whether that one did."""
    rng = np.random.default_rng(seed)
    for number in range(windows):
        if number % PER_BASELINE == 0:
            baseline = Baseline.freeze(ten_columns(rng, FROZEN))
        drifted = judge(baseline, ten_columns(rng, rows, shift), rules=RULES).drifted_columns
        yield "shifted" in drifted if shift else bool(drifted)


def whole(windows: int, rows: int, seed: int) -> Iterator[bool]:
    """Yield whether anything drifted, with scores, labels, their relation and segments."""
    rng = np.random.default_rng(seed)
    for number in range(windows):
        if number % PER_BASELINE == 0:
            columns, scores, labels = _answered(rng, FROZEN)
            segments = {"age": (30.0, 40.0, 50.0, 60.0)}
            baseline = Baseline.freeze(columns, scores=scores, labels=labels, segments=segments)
        columns, scores, labels = _answered(rng, rows)
        verdict = judge(baseline, columns, scores, RULES, labels=labels)
        yield any(result.drifted for result in verdict.results)


def delays(history: list[bool], starts: int) -> list[int]:
    """Return after how many windows the alarm comes, for ``starts`` beginnings of drift."""
    k, n = RULES.persistence
    length = len(history) // starts
    out = []
    for start in range(0, starts * length, length):
        part = history[start : start + length]
        out.append(next(t for t in count(1) if t > length or persisted(part[:t], k, n)))
    return out


def lasting(history: list[bool]) -> list[bool]:
    """Return for each window whether the rule of persistence raises it."""
    k, n = RULES.persistence
    return [persisted(history[: at + 1][-n:], k, n) for at in range(len(history))]


def _answered(rng: Generator, rows: int) -> tuple[dict[str, Any], Any, Any]:
    columns = ten_columns(rng, rows)
    scores = 1 / (1 + np.exp(-(-2.5 + 0.8 * columns["shifted"] + 0.9 * columns["late"])))
    return columns, scores, (rng.random(rows) < scores).astype(float)
