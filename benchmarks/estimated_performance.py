"""Performance without labels beside the true one, on real borrowers under covariate shift.

A credit model is trained on the first half of ``PIPEWARDEN_DATA/credit``. The other half is drawn
again so that its population is another one: whether a row is drawn depends on its features alone,
so the relation of features and label stays what it was. What the model's scores alone let expect is
held against what the labels then say. The last row breaks the assumption on purpose.
"""

from __future__ import annotations

import csv
import gzip
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Claim, Result, main, scratch

from pipewarden.monitoring.performance.classifying import of_classifier
from pipewarden.monitoring.performance.estimating import Calibration, estimated
from pipewarden.pipelines.credit.model import open_model
from pipewarden.pipelines.credit.settings import credit_settings
from pipewarden.pipelines.credit.training import train

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or "data")
FILE, LABEL = "cs-training.first100000.csv.gz", "SeriousDlqin2yrs"
CLOSE, SEED = 0.02, 20_260_301
#: The search for parameters kept short; the model itself is fitted and calibrated as ever.
SETTINGS = {"search.trials": 2, "search.rows": 5_000, "evaluation.resamples": 60}
#: Windows drawn of each population: their mean is free of most of the luck of labels.
DRAWS = 8

Columns = Mapping[str, np.ndarray]
#: Name → how likely a row is to be drawn, up to a factor.
Weights = Callable[[Columns], np.ndarray]
WORLDS: dict[str, Weights] = {
    "as in training": lambda held: np.ones(len(held["age"])),
    "income +50%": lambda held: tilted(np.log1p(held["MonthlyIncome"]), 1.2),
    "older": lambda held: tilted(held["age"], 1.0),
    "younger": lambda held: tilted(held["age"], -1.0),
    "in more debt": lambda held: tilted(
        np.minimum(held["RevolvingUtilizationOfUnsecuredLines"], 1.5), 1.0
    ),
    "once late already": lambda held: np.where(
        held["NumberOfTime30-59DaysPastDueNotWorse"] > 0, 1.0, 0.1
    ),
    "income unknown": lambda held: np.where(np.isnan(held["MonthlyIncome"]), 1.0, 0.1),
    "large families": lambda held: tilted(held["NumberOfDependents"], 1.0),
}


def tilted(values: np.ndarray, strength: float) -> np.ndarray:
    """Return weights that grow by a factor e a standard deviation; a missing value is the mean."""
    known = np.where(np.isnan(values), np.nanmean(values), values)
    weights: np.ndarray = np.exp(strength * np.clip((known - known.mean()) / known.std(), -3, 3))
    return weights


def drawn(weights: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows without repetition, each as likely as its weight says (Efraimidis, Spirakis)."""
    keys = np.log(rng.random(len(weights))) / weights
    return np.argsort(-keys)[:number]


class Borrowers:
    """Real rows that a model was not trained on: its answers, their labels and features."""

    def __init__(self, folder: Path, source: Path, training: int, held_out: int) -> None:
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            header = next(lines)
            (folder / "training.csv").write_text(header + "".join(islice(lines, training)))
            self.rows = list(islice(csv.DictReader(lines, header.strip().split(",")), held_out))
        self.document = train(folder / "training.csv", credit_settings(SETTINGS))
        model = open_model(self.document)
        names = list(model.description.columns)
        asked = [{name: _number(row[name]) for name in names} for row in self.rows]
        self.columns = {
            name: np.array([np.nan if row[name] is None else row[name] for row in asked], float)
            for name in names
        }
        answers = [one for part in _portions(asked) for one in model.predict(part)]
        self.scores = np.array([one["probability"] for one in answers])
        self.decided = np.array([one["prediction"] for one in answers])
        self.labels = np.array([float(row[LABEL]) for row in self.rows])

    def windows(self, weights: Weights, rng: np.random.Generator) -> list[np.ndarray]:
        """Return the rows of some windows of another population, a quarter of all each."""
        likely, number = weights(self.columns), len(self.labels) // 4
        return [drawn(likely, number, rng) for _ in range(DRAWS)]


def _number(text: str) -> float | None:
    return None if text in ("", "NA") else float(text)


def _portions(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), 10_000):
        yield rows[start : start + 10_000]


def compared(borrowers: Borrowers, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return of each metric what was estimated without labels, and what the labels say."""
    known = Calibration(error=borrowers.document["metrics"]["ece"]["value"])
    scores, decided = borrowers.scores[rows], borrowers.decided[rows]
    guessed = estimated(scores, decided, calibration=known)
    true = {f.metric: f.value for f in of_classifier(scores, labels, decided, seed=0)}
    names = [figure.metric.replace("estimated", "performance") for figure in guessed]
    return np.array([(f.value, true[name]) for f, name in zip(guessed, names, strict=True)])


def measure(quick: bool) -> Result:
    """Return the figures."""
    training, held_out = (15_000, 20_000) if quick else (50_000, 50_000)
    columns = ("population", "bad", "AUC est.", "AUC true", "F1 est.", "F1 true", "Brier est.",
               "Brier true")  # fmt: skip
    result = Result("Performance estimated without labels", columns)
    rng = np.random.default_rng(SEED)
    with scratch() as folder:
        borrowers = Borrowers(folder, DATA / "credit" / FILE, training, held_out)
    errors, single = [], 0.0
    for name, weights in WORLDS.items():
        windows = borrowers.windows(weights, rng)
        error, worst = _row(result, name, borrowers, [(w, borrowers.labels[w]) for w in windows])
        errors.append(error)
        single = max(single, worst)
    windows = borrowers.windows(WORLDS["as in training"], rng)
    turned = [(w, np.abs(borrowers.labels[w] - (rng.random(len(w)) < 0.3))) for w in windows]
    blind, _ = _row(result, "30% of labels turned over", borrowers, turned)
    asked = f"estimated AUC within {CLOSE} of the true one under covariate shift"
    measured = f"{max(errors):.4f} off at most, each population's mean over {DRAWS} windows"
    result.claims.append(Claim(asked, measured, max(errors) <= CLOSE))
    rows = len(windows[0])
    result.notes.append(
        f"in a single window of {rows:,} rows it is {single:.4f} off at most, with the luck of its "
        "labels"
    )
    result.notes.append(
        f"where labels changed and features did not, it is {blind:.3f} off: it cannot know"
    )
    _speed(result, borrowers, 100_000 if quick else 1_000_000)
    return result.without_verdicts() if quick else result


def _row(
    result: Result,
    name: str,
    borrowers: Borrowers,
    windows: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[float, float]:
    """Add the means of a population's windows; return the error of the AUC: mean, and worst."""
    told = np.array([compared(borrowers, rows, labels) for rows, labels in windows])
    bad = np.mean([labels.mean() for _, labels in windows])
    means = told.mean(axis=0)
    result.rows.append((name, f"{bad:.1%}", *(f"{value:.4f}" for value in means.ravel())))
    error, each = means[0, 0] - means[0, 1], told[:, 0, 0] - told[:, 0, 1]
    return abs(float(error)), float(np.abs(each).max())


def _speed(result: Result, borrowers: Borrowers, number: int) -> None:
    rng = np.random.default_rng(SEED)
    scores = rng.choice(borrowers.scores, number) * (1 - 1e-6 * rng.random(number))
    labels = (rng.random(number) < scores).astype(float)
    decided = scores > 0.2
    works: dict[str, Callable[[], object]] = {
        "estimated": lambda: estimated(scores, decided),
        "measured with labels, with intervals": lambda: of_classifier(
            scores, labels, decided, seed=0
        ),
    }
    for name, work in works.items():
        began = time.perf_counter()
        work()
        taken = time.perf_counter() - began
        result.notes.append(f"{number:,} rows {name} in {taken:.2f} s")


if __name__ == "__main__":
    raise SystemExit(main(measure))
