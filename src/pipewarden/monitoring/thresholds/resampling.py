"""What a limit would have cost and caught: the past drawn again, and worsened.

The past is drawn in blocks, not figure by figure, so that what follows on each other in truth does
so in the draws, too (moving blocks; Kuensch, Annals of Statistics 17, 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.core.monitoring.metrics import METRICS, Worse

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """In how many of the newest figures a limit must be passed for an alarm: ``k`` of ``n``."""

    k: int = 1
    n: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the past is drawn again.

    Parameters
    ----------
    draws
        Times that it is drawn.
    block
        Figures of one block; None: the cube root of the length, at least 1.
    shift
        By how many robust standard deviations a figure is worsened to be caught.
    horizon
        Figures after the worsening in which it should be caught.
    seed
        Of all draws.
    """

    draws: int = 400
    block: int | None = None
    shift: float = 3.0
    horizon: int = 50
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one limit would have done.

    Parameters
    ----------
    limit
        The figure that is held against.
    false_alarms
        Share of figures at which an alarm begins although nothing changed, with its 95% interval.
    caught
        Share of worsenings that raise an alarm within the horizon.
    delay
        Median figures from the worsening to its alarm, of those caught; None: none was.
    """

    limit: float
    false_alarms: float
    low: float
    high: float
    caught: float
    delay: float | None


def worse_up(metric: str, values: Sequence[float]) -> Floats:
    """Return figures turned so that larger is worse: the negative where smaller is."""
    held = np.asarray(values, dtype=np.float64)
    match METRICS[metric].worse:
        case Worse.ABOVE:
            return held
        case Worse.BELOW:
            return -held
        case Worse.AWAY:
            return np.abs(held)


def as_limit(metric: str, turned: float) -> float:
    """Return a limit of turned figures as one of the figures themselves."""
    return -turned if METRICS[metric].worse is Worse.BELOW else turned


def deviation(values: Floats) -> float:
    """Return the robust standard deviation; the plain one where more than half are equal."""
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    return spread or float(values.std())


def trials(
    values: Floats, limits: Sequence[float], persistence: Persistence, plan: Plan
) -> list[Trial]:
    """Return what each limit would have done.

    Parameters
    ----------
    values
        The past, turned so that larger is worse, the oldest first.
    limits
        Turned likewise.
    """
    rng = np.random.default_rng(plan.seed)
    calm = drawn(values, plan.draws, len(values), plan, rng)
    later = drawn(values, plan.draws, plan.horizon, plan, rng) + plan.shift * deviation(values)
    before = calm[:, -persistence.n :] if persistence.n > 1 else calm[:, :0]
    worsened = np.concatenate([before, later], axis=1)
    return [_trial(limit, calm, worsened, before.shape[1], persistence) for limit in limits]


def drawn(values: Floats, draws: int, length: int, plan: Plan, rng: np.random.Generator) -> Floats:
    """Return the past drawn again in blocks: ``draws`` rows of ``length`` figures."""
    size = len(values)
    block = min(size, plan.block or max(1, round(size ** (1 / 3))))
    number = -(-length // block)
    starts = rng.integers(0, size - block + 1, size=(draws, number))
    places = (starts[:, :, None] + np.arange(block)).reshape(draws, number * block)
    found: Floats = values[places[:, :length]]
    return found


def alarms(values: Floats, limit: float, persistence: Persistence) -> NDArray[np.bool_]:
    """Return for each row and figure whether the limit was passed in k of the last n."""
    passed = (values > limit).astype(np.int64)
    summed = np.cumsum(np.pad(passed, ((0, 0), (persistence.n, 0))), axis=1)
    found: NDArray[np.bool_] = summed[:, persistence.n :] - summed[:, : -persistence.n] >= (
        persistence.k
    )
    return found


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _trial(
    limit: float, calm: Floats, worsened: Floats, before: int, persistence: Persistence
) -> Trial:
    raised = alarms(calm, limit, persistence)
    # An alarm that goes on is one alarm: it counts where it begins.
    begun = raised & ~np.pad(raised, ((0, 0), (1, 0)))[:, :-1]
    rates = begun.mean(axis=1)
    low, high = (float(each) for each in np.quantile(rates, [0.025, 0.975]))
    found = alarms(worsened, limit, persistence)[:, before:]
    caught = found.any(axis=1)
    first = found.argmax(axis=1)[caught] + 1
    return Trial(
        limit=limit,
        false_alarms=float(rates.mean()),
        low=low,
        high=high,
        caught=float(caught.mean()),
        delay=float(np.median(first)) if caught.any() else None,
    )


def quantiles(values: Any, places: Sequence[float]) -> list[float]:
    """Return quantiles as plain numbers."""
    return [float(each) for each in np.quantile(np.asarray(values, dtype=np.float64), places)]
