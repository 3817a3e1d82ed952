"""Weekly series that tests of the sales pipeline share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from pipewarden.pipelines.sales.settings import SalesSettings, sales_settings
from pipewarden.pipelines.sales.training import train

Record = dict[str, Any]


def weekly(weeks: int, seed: int = 0, name: str = "9780306406157") -> Record:
    """Return a record: a wandering level, a season of a year, noise; weeks are whole numbers."""
    rng = np.random.default_rng(seed)
    at = np.arange(weeks)
    level = 200 + np.cumsum(rng.normal(0, 2, weeks))
    values = level * (1 + 0.3 * np.sin(2 * np.pi * at / 52)) + rng.normal(0, 6, weeks)
    return {
        "unique_id": name,
        "ds": list(range(1, weeks + 1)),
        "y": [float(value) for value in np.maximum(values, 0)],
    }


@pytest.fixture(scope="session")
def quick() -> SalesSettings:
    """Settings without ARIMA, which takes nine tenths of the time."""
    return sales_settings({"arima.enabled": False})


@pytest.fixture(scope="session")
def documents(quick: SalesSettings) -> Mapping[str, Any]:
    """Documents of one series: fitted on 143 and on 156 weeks, and of one too short."""
    record = weekly(156)
    early = {**record, "ds": record["ds"][:143], "y": record["y"][:143]}
    short = {"unique_id": "short", "ds": [1, 2, 4], "y": [3.0, 5.0, 4.0]}
    return {
        "late": train(record, quick),
        "early": train(early, quick),
        "short": train(short, quick),
        "record": record,
    }


@pytest.fixture(scope="session")
def record_of() -> Callable[..., Record]:
    """Make a weekly record."""
    return weekly
