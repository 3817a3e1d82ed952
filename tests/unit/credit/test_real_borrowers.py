"""Real borrowers: a fifth of them, so that the test stays cheap; the benchmark takes all."""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path

import pytest

from pipewarden.pipelines.credit.gates.checks import credit_gate
from pipewarden.pipelines.credit.settings import credit_settings
from pipewarden.pipelines.credit.training import train


@pytest.mark.real_data
def test_a_model_of_real_borrowers_passes_its_gate(real_data: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    with gzip.open(real_data / "credit" / "cs-training.first100000.csv.gz", "rt") as lines:
        few.write_text("".join(islice(lines, 20_001)), encoding="utf-8")
    quick = {
        "search.trials": 1,
        "search.rows": 5_000,
        "search.folds": 2,
        "fit.folds": 3,
        "fit.members": 2,
        "fit.learning_rate": 0.05,
    }
    document = train(few, credit_settings({**quick, "evaluation.resamples": 60}))
    quality = document["dataset"]["quality"]
    assert quality["columns"]["NumberOfTimes90DaysLate"]["codes"] > 0
    assert quality["columns"]["MonthlyIncome"]["missing"] > 3_000
    assert document["metrics"]["cv_auc"] > 0.85
    assert document["metrics"]["cv_ece"] < 0.012
    assert document["explanation"]["top"][0] == "RevolvingUtilizationOfUnsecuredLines"
    verdict = credit_gate().evaluate(document)
    assert verdict.status != "FAIL", verdict.reason
