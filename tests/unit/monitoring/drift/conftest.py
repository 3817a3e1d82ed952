"""A seeded world: what a baseline is made of, and windows of the same world or of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipewarden.monitoring.drift.baseline import Baseline

World = Callable[..., dict[str, Any]]


def borrowers(rows: int, seed: int, *, shift: float = 0.0, tilt: float = 1.0) -> dict[str, Any]:
    """Columns, scores and labels; ``tilt`` below 1 makes scores tell less than they say."""
    rng = np.random.default_rng(seed)
    income = np.exp(rng.normal(8.0 + shift, 0.7, rows))
    odds = rng.normal(-1.5, 1.2, rows)
    scores = 1 / (1 + np.exp(-odds))
    truth = 1 / (1 + np.exp(-(-1.5 + tilt * (odds + 1.5))))
    return {
        "columns": {
            "age": rng.integers(20, 80, rows).astype(float),
            "income": income,
            "loans": rng.poisson(0.6, rows),
            "job": rng.choice(["clerk", "nurse", "driver"], rows, p=[0.5, 0.3, 0.2]),
        },
        "scores": scores,
        "labels": (rng.random(rows) < truth).astype(float),
    }


@pytest.fixture(scope="session")
def world() -> World:
    return borrowers


@pytest.fixture(scope="session")
def baseline() -> Baseline:
    made = borrowers(4_000, seed=1)
    return Baseline.freeze(
        made["columns"], scores=made["scores"], labels=made["labels"],
        segments={"age": (30, 60), "job": ()},
    )  # fmt: skip
