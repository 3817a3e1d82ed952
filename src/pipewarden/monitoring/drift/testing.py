"""One test each: of a column, of its missing values, of a share, of labels given scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.columns.frozen import Frozen, FrozenLevels, FrozenNumbers, cells_of
from pipewarden.monitoring.columns.reading import (
    Counts,
    Floats,
    LevelsRead,
    NumbersRead,
    read_levels,
    read_numbers,
)
from pipewarden.monitoring.drift import statistics
from pipewarden.monitoring.drift.reliability import Reliability, differing, fitted, shift
from pipewarden.monitoring.drift.rules import DriftRules
from pipewarden.monitoring.drift.verdict import Computed, NotComputed

Found = Computed | NotComputed
#: Stands for a floor of zero, which every difference reaches.
_LEAST = 1e-12
UNADJUSTED = -1.0  # an adjusted p-value, until all tests are there


def compared(
    frozen: Frozen, column: NDArray[Any], rules: DriftRules
) -> tuple[NumbersRead | LevelsRead, Found]:
    """Return the column as it was read, and what became of its values."""
    if isinstance(frozen, FrozenNumbers):
        numbers = read_numbers(column, frozen.codes)
        reason = _unfit(frozen, numbers, column, rules)
        return numbers, NotComputed(reason=reason) if reason else _of_numbers(
            frozen, numbers.values, rules
        )
    levels = read_levels(column, frozen.tokens)
    reason = _unfit(frozen, levels, column, rules)
    if not reason and frozen.names:
        reason = "the baseline holds so many different values that they are names"
    return levels, NotComputed(reason=reason) if reason else _of_levels(frozen, levels, rules)


def _unfit(
    frozen: Frozen, read: NumbersRead | LevelsRead, column: NDArray[Any], rules: DriftRules
) -> str:
    """Return why values cannot be compared, or nothing."""
    present, least = read.rows - read.missing, rules.minimum_sample
    wanted = "number" if isinstance(frozen, FrozenNumbers) else "category"
    reasons = (
        (column.ndim != 1, f"the window's column has {column.ndim} dimensions"),
        (not read.rows, "the window has no rows"),
        (not present and not read.unreadable, "every value of the window is missing"),
        (not present, f"the window holds no {wanted}, but {_type_of(column)}"),
        (frozen.sample < least, f"the baseline has {frozen.sample} values; {least} are needed"),
        (frozen.constant, "the baseline holds one value only"),
        (present < least, f"the window has {present} values; {least} are needed"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _of_numbers(frozen: FrozenNumbers, window: Floats, rules: DriftRules) -> Found:
    largest, p, area = statistics.differences(frozen, window)
    before, now = frozen.cells, cells_of(window, frozen.edges)
    figures = {
        "kolmogorov_smirnov": largest,
        "kolmogorov_smirnov_p": p,
        "wasserstein": area,
        "jensen_shannon": statistics.jensen_shannon(before, now),
        "stability_index": statistics.stability_index(before, now),
    }
    test = "kolmogorov_smirnov"
    if frozen.discrete:
        test = "chi_square"
        figures["chi_square"], _, p = statistics.chi_square(*statistics.pooled(before, now))
        figures["chi_square_p"] = p
    floors = {
        "wasserstein": rules.wasserstein_floor,
        "jensen_shannon": rules.jensen_shannon_floor,
    }
    told = {
        "mean": float(window.mean()),
        "baseline_mean": frozen.mean,
        "baseline_deviation": frozen.deviation,
    }
    return _tested(test, p, figures, floors, rules, told)


def _of_levels(frozen: FrozenLevels, read: LevelsRead, rules: DriftRules) -> Found:
    names = sorted(frozen.counts.keys() | read.counts.keys())
    before, now = (
        np.array([counts.get(name, 0) for name in names], dtype=np.int64)
        for counts in (frozen.counts, read.counts)
    )
    statistic, degrees, p = statistics.chi_square(*statistics.pooled(before, now))
    if not degrees:
        return NotComputed(reason="every level but one is too rare to be tested")
    figures = {
        "chi_square": statistic,
        "chi_square_p": p,
        "jensen_shannon": statistics.jensen_shannon(before, now),
        "stability_index": statistics.stability_index(before, now),
    }
    floors = {"jensen_shannon": rules.jensen_shannon_floor}
    return _tested("chi_square", p, figures, floors, rules, _moved(names, before, now))


def missing(frozen: Frozen, read: NumbersRead | LevelsRead, rules: DriftRules) -> Found:
    """Test whether the share of missing values rose."""
    for side, rows in (("baseline", frozen.rows), ("window", read.rows)):
        if rows < rules.minimum_sample:
            least = rules.minimum_sample
            return NotComputed(reason=f"the {side} has {rows} rows; {least} are needed")
    before, now = frozen.missing / frozen.rows, read.missing / read.rows
    p = statistics.risen((frozen.missing, frozen.rows), (read.missing, read.rows))
    told = {"share": now, "baseline_share": before, "unreadable": read.unreadable}
    rise = {"rise": now - before}
    return _tested("two_proportions", p, rise, {"rise": rules.missing_floor}, rules, told)


def concept(
    before: Reliability | str | None, scores: Floats, labels: Floats, rules: DriftRules
) -> Found:
    """Test whether labels still follow scores as they did: the line of their log-odds."""
    if before is None:
        return NotComputed(reason="the baseline has no scores with labels")
    if isinstance(before, str):
        return NotComputed(reason=f"of the baseline: {before}")
    now = fitted(scores, labels)
    if isinstance(now, str):
        return NotComputed(reason=now)
    for side, line in (("baseline", before), ("window", now)):
        if line.rows < rules.minimum_sample:
            return NotComputed(
                reason=f"the {side} has {line.rows} labels; {rules.minimum_sample} are needed"
            )
        if line.scarcer < rules.minimum_events:
            return NotComputed(
                reason=f"the {side} has {line.scarcer} of the rarer label; "
                f"{rules.minimum_events} are needed"
            )
    statistic, p = differing(now, before)
    size = shift(now, before, scores)
    told = {
        "intercept": now.intercept,
        "slope": now.slope,
        "baseline_intercept": before.intercept,
        "baseline_slope": before.slope,
        "rate": float(labels.mean()),
        "expected_rate": float(before.chances(scores).mean()),
    }
    figures = {"wald": statistic, "calibration_shift": size}
    floors = {"calibration_shift": rules.concept_floor}
    return _tested("recalibration", p, figures, floors, rules, told)


def share(counts: tuple[int, int], rows: tuple[int, int], rules: DriftRules) -> Found:
    """Test a group's share of the values against the rest of them."""
    least = rules.minimum_sample
    for side, number in zip(("baseline", "window"), rows, strict=True):
        if number < least:
            return NotComputed(reason=f"the {side} has {number} values; {least} are needed")
    pairs = zip(counts, rows, strict=True)
    before, now = (np.array([k, n - k], dtype=np.int64) for k, n in pairs)
    likely = (before + now) * (min(rows) / sum(rows))
    if likely.min() < statistics.LEAST_EXPECTED:
        return NotComputed(
            reason=f"the group or the rest is expected {likely.min():.1f} times only"
        )
    statistic, _, p = statistics.chi_square(before, now)
    figures = {"chi_square": statistic, "jensen_shannon": statistics.jensen_shannon(before, now)}
    told = {"share": counts[1] / rows[1], "baseline_share": counts[0] / rows[0]}
    floors = {"jensen_shannon": rules.segment_floor}
    return _tested("chi_square", p, figures, floors, rules, told)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _tested(
    test: str,
    p: float,
    figures: Mapping[str, float],
    floors: Mapping[str, float],
    rules: DriftRules,
    told: Mapping[str, Any],
) -> Computed:
    """Return a test whose size is the one that is largest for its floor."""
    effect = max(floors, key=lambda name: figures[name] / max(floors[name], _LEAST))
    return Computed(
        test=test,
        p_value=p,
        p_adjusted=UNADJUSTED,
        effect=effect,
        value=figures[effect],
        floor=floors[effect],
        alpha=rules.alpha,
        statistics=dict(figures),
        told=dict(told),
    )


def _moved(names: Sequence[str], before: Counts, now: Counts) -> dict[str, Any]:
    """Return the level whose share moved most, with both shares."""
    p, q = before / before.sum(), now / now.sum()
    most = int(np.argmax(np.abs(q - p)))
    return {"level": names[most], "share": float(q[most]), "baseline_share": float(p[most])}


def _type_of(column: NDArray[Any]) -> str:
    if column.dtype.kind in "US":
        return "text"
    if column.dtype.kind != "O":
        return column.dtype.name
    kinds = {type(value).__name__ for value in column.ravel().tolist() if value is not None}
    return ", ".join(sorted(kinds)[:3])
