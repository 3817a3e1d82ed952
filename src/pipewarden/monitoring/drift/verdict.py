"""What an evaluation of drift found: of each column, of scores, labels and segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipewarden.monitoring.drift.rules import DriftRules


class DriftKind(StrEnum):
    """What may have changed."""

    #: The values of a column: covariate drift.
    VALUES = "values"
    #: How often a column has no value.
    MISSING = "missing"
    #: The answers of the model.
    SCORES = "scores"
    #: How often each label comes: prior drift.
    LABELS = "labels"
    #: Which labels come for the same answer: concept drift.
    CONCEPT = "concept"
    #: A group's share of the rows: population drift.
    SEGMENT = "segment"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotComputed:
    """There is no figure, and why; it is never taken for "no drift"."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """One difference: how surely it is there, and how large it is.

    Parameters
    ----------
    test
        What gave the p-value, such as ``kolmogorov_smirnov``.
    p_value, p_adjusted
        As the test gave it, and adjusted for all tests of the evaluation.
    effect, value, floor
        The measure of size that decides, its value, and from where on it counts.
    alpha
        Bound of ``p_adjusted``.
    statistics
        Every statistic that was computed, by name.
    told
        What else helps a reader: shares, means, counts.
    """

    test: str
    p_value: float
    p_adjusted: float
    effect: str
    value: float
    floor: float
    alpha: float
    statistics: Mapping[str, float] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def significant(self) -> bool:
        """Whether chance alone is too poor an explanation, all tests considered."""
        return self.p_adjusted <= self.alpha

    @property
    def large(self) -> bool:
        """Whether it is large enough to matter."""
        return self.value >= self.floor

    @property
    def drifted(self) -> bool:
        """Whether it is drift; that the sample suffices is a condition of its being tested."""
        return self.significant and self.large


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult:
    """What was found of one column, one segment, or the whole (then ``name`` is empty).

    Parameters
    ----------
    sample
        Values of the window that it rests on.
    """

    kind: DriftKind
    name: str
    sample: int
    finding: Computed | NotComputed

    @property
    def drifted(self) -> bool | None:
        """Whether it drifted; None where that cannot be told."""
        return self.finding.drifted if isinstance(self.finding, Computed) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftVerdict:
    """What was found in one window, all in all.

    Parameters
    ----------
    rows
        Of the window.
    results
        Of every column of the baseline twice (values, missing), then scores, labels, concept and
        segments, where the baseline has them.
    """

    rows: int
    rules: DriftRules
    results: tuple[DriftResult, ...]

    def of(self, kind: DriftKind) -> Iterator[DriftResult]:
        """Yield the results of one kind."""
        return (result for result in self.results if result.kind is kind)

    @property
    def not_computable(self) -> tuple[DriftResult, ...]:
        """The results that have no figure."""
        return tuple(r for r in self.results if isinstance(r.finding, NotComputed))

    @property
    def judged_columns(self) -> tuple[str, ...]:
        """The columns that can be counted: their values were tested, or went missing."""
        return tuple(
            values.name
            for values, missing in self.columns()
            if values.drifted is not None or missing.drifted
        )

    @property
    def drifted_columns(self) -> tuple[str, ...]:
        """The columns whose values drifted, or went missing."""
        return tuple(v.name for v, missing in self.columns() if v.drifted or missing.drifted)

    @property
    def observed_share(self) -> float | None:
        """The share of drifted columns among those that can be counted; None where none can."""
        judged = len(self.judged_columns)
        return len(self.drifted_columns) / judged if judged else None

    @property
    def threshold_share(self) -> float:
        """From which observed share on the whole is said to drift: a rule, never an outcome."""
        return self.rules.threshold_share

    @property
    def drifted(self) -> bool | None:
        """Whether the observed share reaches the threshold; None where no column can be counted."""
        observed = self.observed_share
        return None if observed is None else observed >= self.threshold_share

    def columns(self) -> Iterator[tuple[DriftResult, DriftResult]]:
        """Yield what was found of each column: of its values, and of its missing ones."""
        return zip(self.of(DriftKind.VALUES), self.of(DriftKind.MISSING), strict=True)
