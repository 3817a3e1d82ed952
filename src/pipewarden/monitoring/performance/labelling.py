"""How many of a window's predictions have a label, and how long those took to come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.monitoring.performance import figures
from pipewarden.monitoring.performance.figures import Figure

COVERAGE, AGE = "label.coverage", "label.age_hours"
_HOUR = 3600.0


def of_labels(
    predictions: int, labelled: int, seconds: NDArray[Any], **evidence: Any
) -> tuple[Figure, Figure]:
    """Return the share of predictions that have a label, and the median hours until it came.

    Parameters
    ----------
    predictions, labelled
        How many there are of the window, and how many of them have a label.
    seconds
        From prediction to label, of those that have one, or of a part of them.
    evidence
        Whatever else is counted: repeated, conflicting, unknown.
    """
    told = {"labelled": labelled, **evidence}
    coverage = figures.share(COVERAGE, labelled, predictions, **told)
    waited = np.asarray(seconds, dtype=np.float64) / _HOUR
    if not len(waited):
        return coverage, figures.unknown(AGE, 0, "no prediction of the window has a label")
    low, middle, high = (float(each) for each in np.quantile(waited, [0.05, 0.5, 0.95]))
    # The ends say how the hours are spread, and are no interval of the median.
    told = {"hours_5_percent": low, "hours_95_percent": high}
    return coverage, Figure(metric=AGE, value=middle, rows=len(waited), evidence=told)
