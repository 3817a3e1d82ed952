"""A small seeded table, and one model trained on it for all tests."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipewarden.pipelines.credit.data.description import load_description
from pipewarden.pipelines.credit.settings import credit_settings
from pipewarden.pipelines.credit.training import train

#: Small enough to be quick: what is tested is that it is right, not that it is good.
QUICK: Mapping[str, Any] = {
    "search": {"trials": 2, "folds": 2, "rows": 600},
    "fit": {"folds": 2, "members": 2, "learning_rate": 0.2, "max_rounds": 20, "early_stopping": 5},
    "evaluation": {"resamples": 50, "segment_rows": 60, "segment_positives": 5},
}
Row = dict[str, Any]


def borrowers(number: int, seed: int = 1) -> list[Row]:
    """Rows like those of the competition: late payers and full cards default more often."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(number):
        late, use, age = rng.poisson(0.5), float(rng.beta(1, 2)), int(rng.integers(21, 90))
        score = -2.2 + 1.2 * late + 2.5 * use - 0.02 * (age - 50)
        rows.append(
            {
                "SeriousDlqin2yrs": int(rng.random() < 1 / (1 + np.exp(-score))),
                "RevolvingUtilizationOfUnsecuredLines": round(use, 6),
                "age": age,
                "NumberOfTime30-59DaysPastDueNotWorse": int(late),
                "DebtRatio": round(float(rng.gamma(1.0, 0.4)), 6),
                "MonthlyIncome": "NA" if rng.random() < 0.2 else int(rng.integers(500, 12_000)),
                "NumberOfOpenCreditLinesAndLoans": int(rng.integers(0, 20)),
                "NumberOfTimes90DaysLate": int(rng.poisson(0.05)),
                "NumberRealEstateLoansOrLines": int(rng.integers(0, 3)),
                "NumberOfTime60-89DaysPastDueNotWorse": int(rng.poisson(0.05)),
                "NumberOfDependents": "" if rng.random() < 0.03 else int(rng.integers(0, 5)),
            }
        )
    return rows


def write_csv(path: Path, rows: list[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return borrowers(1_500)


@pytest.fixture(scope="session")
def table_file(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("credit") / "borrowers.csv", rows)


@pytest.fixture(scope="session")
def save_csv() -> Callable[[Path, list[Row]], Path]:
    return write_csv


@pytest.fixture(scope="session")
def quick_train() -> Callable[..., dict[str, Any]]:
    def trained(path: Path, **settings: Any) -> dict[str, Any]:
        return train(path, credit_settings({**QUICK, **settings}))

    return trained


@pytest.fixture(scope="session")
def document(table_file: Path, quick_train: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A trained model; tests that change it copy it first."""
    return quick_train(table_file)


@pytest.fixture
def row() -> Row:
    """A row that has nothing odd about it."""
    plain: Row = {
        "RevolvingUtilizationOfUnsecuredLines": 0.3,
        "age": 40,
        "NumberOfTime30-59DaysPastDueNotWorse": 0,
        "DebtRatio": 0.4,
        "MonthlyIncome": 4_000,
        "NumberOfOpenCreditLinesAndLoans": 7,
        "NumberOfTimes90DaysLate": 0,
        "NumberRealEstateLoansOrLines": 1,
        "NumberOfTime60-89DaysPastDueNotWorse": 0,
        "NumberOfDependents": 2,
    }
    assert list(plain) == list(load_description().columns)
    return plain
