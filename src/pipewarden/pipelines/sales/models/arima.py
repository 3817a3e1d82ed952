"""ARIMA by statsforecast: orders by search, one fit carried to other ends of the series."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.sales.models.component import Recursion
from pipewarden.pipelines.sales.series.weekly import Floats

#: Fewer values carry no search.
LEAST_VALUES = 16


def searched(values: Floats, budget: Mapping[str, Any]) -> Any:
    """Return the fitted model of the best orders; None where no model can be fitted.

    Parameters
    ----------
    values
        The history; gaps are bridged by straight lines, here alone.
    budget
        ``max_p``, ``max_q`` and ``max_models``.

    Raises
    ------
    MissingExtra
        The extra ``sales`` is not installed.
    """
    library = _library()
    values = bridged(values)
    if len(values) < LEAST_VALUES or np.ptp(values) == 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of optimisers that met a flat place; the backtest judges
        try:
            return library.auto_arima_f(
                values,
                seasonal=False,
                period=1,
                max_p=budget["max_p"],
                max_q=budget["max_q"],
                start_p=min(2, budget["max_p"]),
                start_q=min(2, budget["max_q"]),
                max_order=budget["max_p"] + budget["max_q"],
                nmodels=budget["max_models"],
                approximation=True,
                method="CSS-ML",
            )
        except (ValueError, ZeroDivisionError, np.linalg.LinAlgError, IndexError):
            return None


def refitted(model: Any, values: Floats) -> Any:
    """Return a model of the same orders, its coefficients fitted on other values."""
    p, q, _, _, _, d, _ = model["arma"]
    drift = "drift" in model["coef"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _library().Arima(
                bridged(values),
                order=(p, d, q),
                include_mean="intercept" in model["coef"],
                include_drift=drift,
                method="CSS-ML",
            )
        except (ValueError, ZeroDivisionError, np.linalg.LinAlgError, IndexError):
            return None


def carried(model: Any, values: Floats) -> Any:
    """Return the model with its coefficients as they are, its state at the end of other values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _library().forward_arima(model, bridged(values))
        except (ValueError, ZeroDivisionError, np.linalg.LinAlgError, IndexError):
            return None


def recursion_of(model: Any) -> Recursion | None:
    """Return the closed form of a fitted model; None where its numbers are not finite."""
    held, coefficients = model["model"], model["coef"]
    trend = float(coefficients.get("drift", 0.0))
    mean = float(coefficients.get("intercept", 0.0)) + trend * len(model["x"])
    made = Recursion(
        phi=tuple(map(float, held["phi"])),
        delta=tuple(map(float, held["delta"])),
        state=tuple(map(float, held["a"])),
        mean=mean,
        trend=trend,
    )
    return made if np.isfinite(made.forecast(1)).all() else None


def bridged(values: Floats) -> Floats:
    """Return the values from the first to the last one, gaps bridged by straight lines."""
    seen = np.flatnonzero(np.isfinite(values))
    if not len(seen):
        return values[:0]
    at = np.arange(seen[0], seen[-1] + 1)
    return np.interp(at, seen, values[seen])


def orders_of(model: Any) -> dict[str, Any]:
    """Return orders and coefficients for a person."""
    p, q, _, _, _, d, _ = model["arma"]
    coefficients = {name: float(value) for name, value in sorted(model["coef"].items())}
    return {"p": int(p), "d": int(d), "q": int(q), "coefficients": coefficients}


def _library() -> Any:
    try:
        from statsforecast import arima
    except ImportError:
        raise pw.MissingExtra("forecasting with ARIMA", "sales") from None
    return arima
