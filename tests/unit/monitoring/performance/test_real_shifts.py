"""Real borrowers of another population: what is estimated without labels is what these then say."""

from __future__ import annotations

import csv
import gzip
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from pipewarden.monitoring.performance.classifying import of_classifier
from pipewarden.monitoring.performance.estimating import Calibration, estimated
from pipewarden.pipelines.credit.model import open_model
from pipewarden.pipelines.credit.settings import credit_settings
from pipewarden.pipelines.credit.training import train

FILE, LABEL = "cs-training.first100000.csv.gz", "SeriousDlqin2yrs"
QUICK = {
    "search.trials": 1, "search.rows": 5_000, "search.folds": 2, "fit.folds": 4,
    "fit.members": 1, "fit.learning_rate": 0.1, "evaluation.resamples": 60,
}  # fmt: skip
#: How a row's chance to be drawn grows with a feature, in standard deviations.
SHIFTS = {"age": 1.0, "MonthlyIncome": 0.5, "NumberOfDependents": 1.0}


@pytest.fixture(scope="module")
def borrowers(real_data, tmp_path_factory):
    """The scores, labels and columns of rows that the model was not trained on, and its ECE."""
    few: Path = tmp_path_factory.mktemp("credit") / "few.csv"
    with gzip.open(real_data / "credit" / FILE, "rt") as lines:
        header = next(lines)
        few.write_text(header + "".join(islice(lines, 30_000)), encoding="utf-8")
        rows = list(islice(csv.DictReader(lines, header.strip().split(",")), 50_000))
    document = train(few, credit_settings(QUICK))
    model = open_model(document)
    names = list(model.description.columns)
    asked = [
        {name: None if row[name] == "NA" else float(row[name]) for name in names} for row in rows
    ]
    scores = np.array([answer["probability"] for answer in model.predict(asked)])
    labels = np.array([float(row[LABEL]) for row in rows])
    columns = {
        name: np.array([np.nan if row[name] is None else row[name] for row in asked])
        for name in SHIFTS
    }
    return scores, labels, columns, document["metrics"]["ece"]["value"]


@pytest.mark.real_data
@pytest.mark.parametrize("feature", SHIFTS)
@pytest.mark.parametrize("sign", [1, -1])
def test_of_another_population_the_estimated_auc_is_within_two_points(borrowers, feature, sign):
    scores, labels, columns, error = borrowers
    values = np.log1p(columns[feature])
    known = np.where(np.isnan(values), np.nanmean(values), values)
    weights = np.exp(sign * SHIFTS[feature] * (known - known.mean()) / known.std())
    rng = np.random.default_rng(3)
    off = []
    for _ in range(8):
        rows = np.argsort(-np.log(rng.random(len(weights))) / weights)[: len(weights) // 4]
        guess = estimated(scores[rows], calibration=Calibration(error=error))[0]
        off.append(guess.value - of_classifier(scores[rows], labels[rows], seed=0)[0].value)
    assert abs(np.mean(off)) < 0.02
