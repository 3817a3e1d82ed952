"""What an evaluation of data quality found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipewarden.monitoring.quality.rules import QualityRules


class Fault(StrEnum):
    """What may be wrong; the metric of its observation is ``quality.`` and this."""

    SCHEMA = "schema"
    MISSING = "missing"
    RANGE = "range"
    NEW_CATEGORY = "new_category"
    DUPLICATES = "duplicates"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityResult:
    """One figure of one column, or of the whole (then ``name`` is empty).

    Parameters
    ----------
    value
        None where it is not computable; ``reason`` says why.
    threshold
        From where on it counts.
    p_adjusted
        That chance explains it, adjusted for all tests of the evaluation; None where none is made:
        the fault is one without any chance in it.
    alpha
        Bound of ``p_adjusted``.
    told
        What else helps a reader: names of columns and levels, counts.
    """

    fault: Fault
    name: str
    sample: int
    value: float | None
    threshold: float
    alpha: float
    p_adjusted: float | None = None
    reason: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bad(self) -> bool | None:
        """Whether it counts: surely there, and large; None where it is not computable."""
        if self.value is None:
            return None
        sure = self.p_adjusted is None or self.p_adjusted <= self.alpha
        return sure and self.value > 0 and self.value >= self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityVerdict:
    """What was found in one window, all in all."""

    rows: int
    rules: QualityRules
    results: tuple[QualityResult, ...]

    def of(self, fault: Fault) -> Iterator[QualityResult]:
        """Yield the results of one fault."""
        return (result for result in self.results if result.fault is fault)

    @property
    def bad(self) -> bool | None:
        """Whether anything counts; None where nothing could be computed."""
        known = [result.bad for result in self.results if result.bad is not None]
        return any(known) if known else None
