"""Training a credit model on real borrowers, beside plain LightGBM and logistic regression.

The rows are the 100,000 of ``PIPEWARDEN_DATA`` (a folder with ``credit/``). Each of five folds is
scored by models that have not seen it in any way: search, rounds, calibration and imputation are of
the other four. Plain LightGBM has its default parameters, and the columns as they are.
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measuring import ROOT, Claim, Result, main

from pipewarden.pipelines.credit.data.description import TableDescription, load_description
from pipewarden.pipelines.credit.data.reading import read_table
from pipewarden.pipelines.credit.data.splitting import folds
from pipewarden.pipelines.credit.data.table import Numbers, Table, table_of
from pipewarden.pipelines.credit.evaluation.scores import Scored, metrics_of
from pipewarden.pipelines.credit.fitting.boosting import lightgbm
from pipewarden.pipelines.credit.fitting.features import expanded, matrix
from pipewarden.pipelines.credit.fitting.fit import fit
from pipewarden.pipelines.credit.fitting.logistic import LogisticBaseline
from pipewarden.pipelines.credit.settings import CreditSettings, credit_settings
from pipewarden.pipelines.credit.training import train

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data") / "credit"
FILE = "cs-training.first100000.csv.gz"
AUC, BRIER, ECE, SECONDS, BATCH_MS, ONE_MS = 0.865, 0.049, 0.005, 60.0, 200.0, 5.0
FOLDS = 5
Predicts = Callable[[Table], Numbers]


def measure(quick: bool) -> Result:
    """Return the figures."""
    columns = ("model", "AUC", "PR-AUC", "Brier", "log-loss", "calibration error", "fit, a fold")
    result = Result("The credit pipeline, cross-validated", columns)
    if not (DATA / FILE).is_file():
        result.claims.append(Claim("real borrowers", "no table; set PIPEWARDEN_DATA", None))
        return result
    description, settings = load_description(), credit_settings()
    table = table_of(read_table(DATA / FILE), description)
    if quick:
        table = table.take(np.arange(20_000))
    means = _side_by_side(result, table, description, settings, 2 if quick else FOLDS)
    _claims(result, means)
    _whole(result, settings, quick)
    return result if not quick else result.without_verdicts()


def _side_by_side(
    result: Result,
    table: Table,
    description: TableDescription,
    settings: CreditSettings,
    number: int,
) -> Mapping[str, float]:
    """Add a row for each model; return the metrics of ours."""
    fits: dict[str, Callable[[Table], Predicts]] = {
        "logistic regression": lambda rows: _logistic(rows, description),
        "LightGBM, its defaults": _plain,
        "pipewarden": lambda rows: _ours(rows, description, settings),
    }
    fold = folds(table, number)
    means: dict[str, float] = {}
    for name, fitting in fits.items():
        told, seconds = [], []
        for held in range(number):
            began = time.perf_counter()
            predicts = fitting(table.take(np.flatnonzero(fold != held)))
            seconds.append(time.perf_counter() - began)
            test = table.take(np.flatnonzero(fold == held))
            told.append(metrics_of(Scored(test.labels, predicts(test), 0.5)))
        means = {metric: float(np.mean([row[metric][0] for row in told])) for metric in told[0]}
        shown = [f"{means[m]:.5f}" for m in ("auc", "pr_auc", "brier", "log_loss", "ece")]
        result.rows.append((name, *shown, f"{np.median(seconds):.1f} s"))
    return means


def _logistic(rows: Table, description: TableDescription) -> Predicts:
    def inputs(table: Table) -> Numbers:
        return expanded(matrix(table.values, description), description, table.levels)

    fitted = LogisticBaseline.of(inputs(rows), rows.labels)
    return lambda table: fitted.probabilities(inputs(table))


def _plain(rows: Table) -> Predicts:
    library = lightgbm()
    fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    booster = library.train(fixed, library.Dataset(rows.values, rows.labels), 100)
    return lambda table: np.asarray(booster.predict(table.values))


def _ours(rows: Table, description: TableDescription, settings: CreditSettings) -> Predicts:
    fitted = fit(rows, description, settings)

    def predicts(table: Table) -> Numbers:
        features = matrix(table.values, description)
        raw = [booster.predict(features, raw_score=True) for booster in fitted.boosters]
        return fitted.calibration.probabilities(np.asarray(np.mean(raw, axis=0)))

    return predicts


def _claims(result: Result, means: Mapping[str, float]) -> None:
    for asked, name, holds in (
        (f"AUC ≥ {AUC}", "auc", means["auc"] >= AUC),
        (f"Brier ≤ {BRIER}", "brier", means["brier"] <= BRIER),
        (f"calibration error ≤ {ECE}", "ece", means["ece"] <= ECE),
    ):
        result.claims.append(Claim(asked, f"{means[name]:.5f}", holds))


def _whole(result: Result, settings: CreditSettings, quick: bool) -> None:
    """Train as the pipeline does, on the whole file: how long, and how quick it answers."""
    path = DATA / FILE
    with tempfile.TemporaryDirectory() as folder:
        if quick:
            path = _shorter(path, Path(folder) / "few.csv")
        cpu = time.process_time()
        document: dict[str, Any] = train(path, settings)
        cpu = time.process_time() - cpu
    timings, metrics = document["timings"], document["metrics"]
    rows = document["dataset"]["rows"]
    for asked, name, limit, unit in (
        (f"training {rows:,} rows ≤ {SECONDS:.0f} s", "train_seconds", SECONDS, "s"),
        (f"10,000 rows ≤ {BATCH_MS:.0f} ms", "predict_10000_ms", BATCH_MS, "ms"),
        (f"one row ≤ {ONE_MS:.0f} ms", "predict_1_ms", ONE_MS, "ms"),
    ):
        held = float(timings[name])
        result.claims.append(Claim(asked, f"{held:.3g} {unit}", held <= limit))
    result.notes.append(
        f"training used {cpu:.0f} s of processor time; on its own test rows: AUC "
        f"{metrics['auc']['value']:.4f}, Brier {metrics['brier']['value']:.4f}, F1 "
        f"{metrics['f1']['value']:.3f}; the trees are {metrics['size_bytes'] / 1e6:.1f} MB"
    )


def _shorter(path: Path, short: Path) -> Path:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        short.write_text("".join(islice(lines, 20_001)), encoding="utf-8")
    return short


if __name__ == "__main__":
    sys.exit(main(measure))
