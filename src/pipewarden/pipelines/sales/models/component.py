"""A fitted candidate in closed form: what a forecast needs, and nothing to fit again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.series.weekly import Floats


@dataclass(frozen=True)
class Recursion:
    """The state of an ARIMA model in the form of Gardner, Harvey and Phillips (1980).

    Parameters
    ----------
    phi
        Autoregressive coefficients of the differenced series.
    delta
        Coefficients of the differences.
    state
        The state at the end of the series: one number a term of the ARMA part, then the last
        values that the differences need.
    mean, trend
        Added to step ``h``: ``mean + trend * h``.
    """

    phi: tuple[float, ...]
    delta: tuple[float, ...]
    state: tuple[float, ...]
    mean: float = 0.0
    trend: float = 0.0

    def forecast(self, horizon: int) -> Floats:
        """Return the next values."""
        terms = len(self.state) - len(self.delta)
        arma, past = list(self.state[:terms]), list(self.state[terms:])
        phi = [*self.phi, *(0.0 for _ in range(terms - len(self.phi)))]
        made = np.empty(horizon)
        for at in range(horizon):
            head = arma[0]
            if past:  # the last value, which the next difference is taken from
                now = head + sum(d * p for d, p in zip(self.delta, past, strict=True))
                past = [now, *past[:-1]]
            arma = [phi[i] * head + (arma[i + 1] if i + 1 < terms else 0.0) for i in range(terms)]
            made[at] = arma[0] + sum(d * p for d, p in zip(self.delta, past, strict=True))
        return made + self.mean + self.trend * np.arange(1, horizon + 1)


@dataclass(frozen=True)
class Component:
    """One candidate at the end of a series.

    Step ``h`` is ``level + slope * (damping + damping² + … + damping^h) + season[h]``, or the
    recursion of an ARIMA model in place of level and slope; of a logarithm it is taken back.

    Parameters
    ----------
    season
        What the next weeks of a year add, beginning with the week after the end; may be empty.
    log_offset
        Added before the logarithm was taken; None: no logarithm.
    lowest, highest
        Bounds of any forecast, from the history.
    """

    level: float = 0.0
    slope: float = 0.0
    damping: float = 1.0
    season: tuple[float, ...] = ()
    log_offset: float | None = None
    lowest: float = -np.inf
    highest: float = np.inf
    recursion: Recursion | None = None

    def forecast(self, horizon: int) -> Floats:
        """Return the next values."""
        if self.recursion is not None:
            made = self.recursion.forecast(horizon)
        else:
            steps = np.cumsum(self.damping ** np.arange(1, horizon + 1))
            made = self.level + self.slope * steps
        if self.season:
            made = made + np.resize(np.array(self.season), horizon)
        if self.log_offset is not None:
            made = np.exp(np.minimum(made, 700.0)) - self.log_offset
        return np.clip(made, self.lowest, self.highest)

    def as_dict(self) -> dict[str, Any]:
        """Return the component as plain values, without what is not used."""
        bounds = {"lowest": self.lowest, "highest": self.highest}
        said: dict[str, Any] = {k: v if np.isfinite(v) else None for k, v in bounds.items()}
        if self.season:
            said["season"] = list(self.season)
        if self.log_offset is not None:
            said["log_offset"] = self.log_offset
        if self.recursion is None:
            return said | {"level": self.level, "slope": self.slope, "damping": self.damping}
        held = self.recursion
        return said | {
            "recursion": {
                "phi": list(held.phi),
                "delta": list(held.delta),
                "state": list(held.state),
                "mean": held.mean,
                "trend": held.trend,
            }
        }


def component_of(said: Mapping[str, Any]) -> Component:
    """Return the component that plain values tell of.

    Raises
    ------
    KeyError, TypeError, ValueError
        They tell of none.
    """
    recursion = None
    if (held := said.get("recursion")) is not None:
        recursion = Recursion(
            phi=_numbers(held["phi"]),
            delta=_numbers(held["delta"]),
            state=_numbers(held["state"]),
            mean=float(held["mean"]),
            trend=float(held["trend"]),
        )
    offset = said.get("log_offset")
    return Component(
        level=float(said.get("level", 0.0)),
        slope=float(said.get("slope", 0.0)),
        damping=float(said.get("damping", 1.0)),
        season=_numbers(said.get("season", ())),
        log_offset=None if offset is None else float(offset),
        lowest=-np.inf if said["lowest"] is None else float(said["lowest"]),
        highest=np.inf if said["highest"] is None else float(said["highest"]),
        recursion=recursion,
    )


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
