"""The statistics of drift, each of a frozen column and a window in order, or of two sets of shares.

A window of numbers comes sorted. Everything else is found by looking up the baseline's values in it
once, so that the costs are those of one sort.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr
from scipy.stats import kstwo

from pipewarden.monitoring.columns.frozen import FrozenNumbers
from pipewarden.monitoring.columns.reading import Counts, Floats

Places = NDArray[np.intp]
#: Values of the baseline that are looked up at once: what they need stays in the processor's cache.
_AT_ONCE = 16_384
#: Where the tail of the KS statistic begins, and from how many values on it is expanded.
_TAIL, _MANY = 2.2, 1_000
#: What an empty cell counts as in PSI, which has no value for it.
_EMPTY_SHARE = 1e-4
#: Rows that a cell of a chi-square test must lead one to expect (Cochran 1954).
LEAST_EXPECTED = 5.0


def differences(frozen: FrozenNumbers, window: Floats) -> tuple[float, float, float]:
    """Return the KS statistic, its p-value and the normed Wasserstein distance.

    The KS statistic is the largest difference of the two distribution functions; its p-value that
    of the one-sample distribution at ``n m / (n + m)`` values (Simard and L'Ecuyer 2011), as scipy
    takes it for large samples. With ties it is too large, never too small. The Wasserstein distance
    is the area between the two functions, in standard deviations of the baseline.
    """
    kept, n, m = int(frozen.counts.sum()), window.size, frozen.sample
    sums = np.empty(n + 1)
    sums[0] = 0.0
    np.subtract(window, frozen.mean, out=sums[1:])
    np.cumsum(sums[1:], out=sums[1:])
    largest = area = 0.0
    done = place = 0
    for start in range(0, frozen.values.size, _AT_ONCE):
        values = frozen.values[start : start + _AT_ONCE]
        counts = frozen.counts[start : start + _AT_ONCE]
        bounds = np.concatenate(([done], done + np.cumsum(counts)))
        done = int(bounds[-1])
        first, place = place, int(np.searchsorted(window, values[-1]))
        below = first + np.searchsorted(window[first:place], values)
        largest = max(largest, _gap(window, values, below, bounds / kept))
        area += _area(window, values - frozen.mean, below, bounds * (n / kept), sums, frozen.mean)
    p = _chance_of_gap(largest, max(1, round(n * m / (n + m))))
    return largest, p, max(0.0, area / n / frozen.deviation)


def chi_square(before: Counts, now: Counts) -> tuple[float, int, float]:
    """Return Pearson's statistic of a table of two rows, its degrees of freedom and its p-value.

    Both rows are taken for samples, and no continuity is corrected. Degrees of freedom are 0, and
    the p-value 1, where fewer than two columns hold anything.
    """
    held = (before + now) > 0
    table = np.stack([before[held], now[held]]).astype(np.float64)
    degrees = table.shape[1] - 1
    if degrees < 1:
        return 0.0, 0, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, degrees, float(chdtrc(degrees, statistic))


def pooled(before: Counts, now: Counts) -> tuple[Counts, Counts]:
    """Return two rows of counts with the cells put together that are too rare for chi-square.

    Which ones these are hangs on the sums of both rows alone, so that it favours no verdict.
    """
    total, smaller = before + now, min(before.sum(), now.sum())
    rare = total * (smaller / max(1, total.sum())) < LEAST_EXPECTED
    if not rare.any():
        return before, now
    rest = (int(before[rare].sum()), int(now[rare].sum()))
    return np.append(before[~rare], rest[0]), np.append(now[~rare], rest[1])


def stability_index(before: Counts, now: Counts) -> float:
    """Return the population stability index: sum of (p - q) ln(p / q), an empty cell as 0.0001."""
    p, q = (np.where(row > 0, row / row.sum(), _EMPTY_SHARE) for row in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(before: Counts, now: Counts) -> float:
    """Return the Jensen-Shannon distance of two rows of counts: base 2, from 0 to 1 (Lin 1991)."""
    p, q = before / before.sum(), now / now.sum()
    middle = (p + q) / 2
    divergence = (_against(p, middle) + _against(q, middle)) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


def risen(before: tuple[int, int], now: tuple[int, int]) -> float:
    """Return the p-value that a share did not rise: two proportions, pooled, one-sided.

    Parameters
    ----------
    before, now
        Rows that count, and all rows.
    """
    (k, m), (j, n) = before, now
    share = (k + j) / (m + n)
    spread = math.sqrt(share * (1.0 - share) * (1.0 / m + 1.0 / n))
    return float(ndtr((k / m - j / n) / spread)) if spread else 1.0


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in their order (Benjamini and Hochberg 1995).

    To call significant what is at most ``alpha`` keeps the expected share of false findings at
    ``alpha``; where nothing drifts, every finding is false, so it bounds the chance of any.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not p.size:
        return []
    order = np.argsort(p)
    scaled = np.maximum(p[order], p[order] * p.size / np.arange(1, p.size + 1))
    held = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    out = np.empty_like(held)
    out[order] = held
    return [float(value) for value in out]


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _chance_of_gap(d: float, n: int) -> float:
    """Return the chance of so large a KS statistic at ``n`` values.

    In the tail it is twice Smirnov's one-sided chance, whose exact sum takes half a second at half
    a million values; its expansion up to 1/n is within 1e-6 of it from a thousand values on.
    """
    if n >= _MANY and n * d * d >= _TAIL:
        return 2.0 * math.exp(-2 * n * d**2 - 2 / 3 * d - 4 / 9 * d**2 * (n * d**2 - 1))
    return min(1.0, max(0.0, float(kstwo.sf(d, n))))


def _gap(window: Floats, values: Floats, below: Places, shares: Floats) -> float:
    """Return the largest difference at values of the baseline, right before and right after each.

    Between two of them the baseline's function is flat, so that the other one's ends decide.
    """
    n, upto = window.size, below
    tied = np.flatnonzero(window[np.minimum(below, n - 1)] == values)
    if tied.size:
        upto = below.copy()
        upto[tied] = np.searchsorted(window, values[tied], side="right")
    before, after = np.abs(below / n - shares[:-1]), np.abs(upto / n - shares[1:])
    return max(float(before.max()), float(after.max()))


def _area(
    window: Floats, values: Floats, below: Places, bounds: Floats, sums: Floats, mean: float
) -> float:
    """Return the area over the shares that values of the baseline take up, times the window's size.

    Over such a share the baseline has one value and the window several, which are below it up to
    ``below`` and above it from there on.
    """
    whole = np.minimum(bounds.astype(np.int64), window.size - 1)
    upto = sums[whole] + (bounds - whole) * (window[whole] - mean)
    low, high = bounds[:-1], bounds[1:]
    turn = np.clip(below, low, high)
    upto_turn = np.where(below <= low, upto[:-1], np.where(below < high, sums[below], upto[1:]))
    parts = values * (2 * turn - low - high) + upto[:-1] + upto[1:] - 2 * upto_turn
    return float(parts.sum())


def _against(p: Floats, q: Floats) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / q[held])).sum())
