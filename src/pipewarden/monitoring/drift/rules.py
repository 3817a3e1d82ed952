"""The rules of drift: when a difference counts, and when it has lasted long enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRules:
    """When a difference from the baseline is drift: significant, large and seen on enough rows.

    Parameters
    ----------
    alpha
        Bound of the adjusted p-values of one evaluation. Where nothing drifts it is also the bound
        of the chance of any false finding in it.
    minimum_sample
        Values that window and baseline must each have for a test.
    wasserstein_floor
        Of a column of numbers and of scores, in standard deviations of the baseline.
    jensen_shannon_floor
        Of any column and of scores: the distance, 0 to 1.
    prior_floor
        Of the labels: Jensen-Shannon distance of their shares.
    concept_floor
        Of labels given scores: mean change of the chance, in standard deviations of the label.
    segment_floor
        Of a segment's share of the rows: Jensen-Shannon distance of share and rest.
    missing_floor
        Rise of the share of missing values, as a difference of shares.
    minimum_events
        Labels of either class that window and baseline must each have to judge concept drift.
    threshold_share
        From which observed share of drifted columns on the whole is said to drift.
    persistence
        (k, n): drifted in at least ``k`` of the last ``n`` windows.
    """

    alpha: float = 0.01
    minimum_sample: int = 200
    wasserstein_floor: float = 0.1
    jensen_shannon_floor: float = 0.1
    prior_floor: float = 0.05
    concept_floor: float = 0.1
    segment_floor: float = 0.1
    missing_floor: float = 0.05
    minimum_events: int = 10
    threshold_share: float = 0.5
    persistence: tuple[int, int] = (2, 3)


def persisted(history: Sequence[bool], k: int, n: int) -> bool:
    """Say whether drift was found in at least ``k`` of the last ``n`` windows.

    Parameters
    ----------
    history
        The windows that could be judged, oldest first, the present one last. One that could not is
        left out: it is neither drift nor its absence.

    Raises
    ------
    ValueError
        ``k`` is not within 1 and ``n``.
    """
    if not 1 <= k <= n:
        raise ValueError(f"k of n windows needs 1 <= k <= n, not {k} of {n}")
    return sum(history[-n:]) >= k
