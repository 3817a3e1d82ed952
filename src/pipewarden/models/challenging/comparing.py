"""The declared comparison: by how much the challenger is better, and how sure that is.

The interval is a percentile bootstrap (Efron and Tibshirani 1993, section 13.3) over units, paired
where both answered the same questions. It is drawn with the challenger's number as the seed: who
judges again from the same labels finds the same.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipewarden.core.models.challengers import Challenger
from pipewarden.core.models.comparisons import ComparisonMetric, ComparisonTest
from pipewarden.errors import MissingExtra
from pipewarden.models.challenging.evidence import Evidence

if TYPE_CHECKING:
    from numpy import ndarray
    from numpy.random import Generator

#: Samples that are drawn; units that are drawn at once, which bounds the memory; answers of each
#: that a distance needs.
_DRAWN, _AT_ONCE, _ENOUGH = 2_000, 200_000, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A metric of both, and the interval of the difference.

    Parameters
    ----------
    champion, challenger
        The metric of each; NaN where it is not computable, such as F1 without a positive.
    improvement
        By how much the challenger is better, whichever way the metric goes; below 0: worse.
    low, high
        The bounds of its interval.
    confidence
        Of the interval, in percent.
    rows, units
        Labelled rows, and independent units of the challenger that they are of.
    """

    metric: ComparisonMetric
    test: ComparisonTest
    champion: float
    challenger: float
    improvement: float
    low: float
    high: float
    confidence: float
    rows: int
    units: int

    def in_words(self) -> str:
        """Return it as part of a sentence."""
        if math.isnan(self.improvement):
            return f"{self.metric} is not computable on {self.rows:,} labelled rows"
        return (
            f"{self.metric} {self.challenger:.4f} against {self.champion:.4f}, improvement "
            f"{self.improvement:+.4f} ({self.confidence:g}% interval {self.low:+.4f} to "
            f"{self.high:+.4f}, {self.rows:,} labelled)"
        )

    def as_document(self) -> dict[str, Any]:
        """Return it as plain values."""
        held = {name: getattr(self, name) for name in Comparison.__slots__}
        return held | {"metric": str(self.metric), "test": str(self.test)}


def compare(held: Challenger, found: Evidence, confidence: float) -> Comparison:
    """Compare champion and challenger by the plan's metric.

    Parameters
    ----------
    confidence
        Of the interval, in percent.

    Raises
    ------
    MissingExtra
        numpy is not installed.
    """
    try:
        import numpy as np
    except ImportError as error:
        raise MissingExtra("The comparison of versions", "monitoring") from error
    metric = held.plan.metric
    sign = 1.0 if metric.higher_is_better else -1.0
    champion = np.array(list(found.champion.values()))
    challenger = np.array([*found.challenger.values()])
    random = np.random.default_rng(held.id)
    if held.test is ComparisonTest.PAIRED_BOOTSTRAP:
        both = np.hstack((champion, challenger))
        one, other = np.hsplit(_drawn(random, both), 2)
    else:
        one, other = _drawn(random, champion), _drawn(random, challenger)
    drawn = sign * (_values(metric, other) - _values(metric, one))
    drawn = drawn[np.isfinite(drawn)]
    tail = (1 - confidence / 100) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail)) if drawn.size else (math.nan, math.nan)
    now = float(_values(metric, champion.sum(axis=0, keepdims=True))[0])
    then = float(_values(metric, challenger.sum(axis=0, keepdims=True))[0])
    return Comparison(
        metric=metric,
        test=held.test,
        champion=now,
        challenger=then,
        improvement=sign * (then - now),
        low=float(low),
        high=float(high),
        confidence=confidence,
        rows=found.number,
        units=len(found.challenger),
    )


def distance(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the Kolmogorov-Smirnov distance of two samples, 0 to 1; None where one is small."""
    if min(len(first), len(second)) < _ENOUGH:
        return None
    one, other = sorted(first), sorted(second)
    return max(
        abs(bisect_right(one, at) / len(one) - bisect_right(other, at) / len(other))
        for at in {*one, *other}
    )


def _drawn(random: Generator, units: ndarray) -> ndarray:
    """Return the sums of units drawn again with replacement, a row a sample."""
    import numpy as np

    number = len(units)
    together = max(1, _AT_ONCE // number)
    parts = []
    for start in range(0, _DRAWN, together):
        places = random.integers(number, size=(min(together, _DRAWN - start), number))
        parts.append(units[places].sum(axis=1))
    return np.concatenate(parts)


def _values(metric: ComparisonMetric, sums: ndarray) -> ndarray:
    """Return the metric of each row of sums; NaN where it is not computable."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        if metric is ComparisonMetric.F1:
            hits = 2 * sums[:, 0]
            return np.asarray(hits / (hits + sums[:, 1] + sums[:, 2]))
        return np.asarray(sums[:, 0] / sums[:, 1])
