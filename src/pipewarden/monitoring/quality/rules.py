"""The rules of data quality: from which share on a fault counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRules:
    """When a window's data is bad: more than chance explains, and enough to matter.

    Parameters
    ----------
    alpha
        Bound of the adjusted p-values of one evaluation.
    minimum_sample
        Rows or values that window and baseline must each have.
    missing_floor
        Rise of the share of missing values, as a difference of shares.
    range_floor
        Share of values outside of the baseline's range.
    new_category_floor
        Share of values that are levels the baseline never saw.
    duplicates_floor
        Share of rows that are copies, over what the baseline leads one to expect.
    """

    alpha: float = 0.01
    minimum_sample: int = 200
    missing_floor: float = 0.05
    range_floor: float = 0.01
    new_category_floor: float = 0.01
    duplicates_floor: float = 0.05
