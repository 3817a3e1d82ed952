"""The search for the trees' parameters: Optuna's TPE over cross-validated log-loss, under a budget.

The budget is counted in trials and rounds, never in seconds, so that a search can be repeated. The
best of several trials is partly the luckiest: it takes the place of the start only where it is
better by more than twice the standard error of the difference over the folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.credit.data.description import TableDescription
from pipewarden.pipelines.credit.data.splitting import folds
from pipewarden.pipelines.credit.data.table import Table
from pipewarden.pipelines.credit.fitting.boosting import Boosting, cross_validated
from pipewarden.pipelines.credit.fitting.features import categories, matrix
from pipewarden.pipelines.credit.settings import CreditSettings

#: The search begins here: small trees, and much averaging, for a weak signal.
START: Mapping[str, Any] = {
    "num_leaves": 8,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.6,
    "lambda_l2": 10.0,
    "path_smooth": 20.0,
    "max_bin": 127,
}
#: Small steps, and as much more patience, are for the fit that counts.
_LEARNING_RATE = 0.1
_RARE_ROWS = 20_000
_STANDARD_ERRORS = 2.0
_FOLDS = "fold_losses"


@dataclass(frozen=True, slots=True)
class Found:
    """The parameters to use, and how they were found.

    Parameters
    ----------
    loss, start_loss
        Of the best trial, and of the parameters that the search began with.
    chosen
        ``best``, or ``start`` where the best is not better beyond chance.
    """

    parameters: Mapping[str, Any]
    trials: int
    loss: float
    start_loss: float
    chosen: str
    stopped: str


@dataclass(slots=True)
class _Watch:
    """Ends a search that no longer finds anything."""

    patience: int
    without: int = 0
    best: float = field(default=float("inf"))

    def __call__(self, study: Any, _trial: Any) -> None:
        if study.best_value < self.best - 1e-9:
            self.best, self.without = study.best_value, 0
        else:
            self.without += 1
        if self.without >= self.patience:
            study.stop()


def search(training: Table, description: TableDescription, settings: CreditSettings) -> Found:
    """Return the parameters with the least cross-validated log-loss on training rows.

    Raises
    ------
    MissingExtra
        The extra ``credit`` is not installed.
    """
    optuna = _optuna()
    sample = training.take(_spread(training, settings.search.rows))
    features, fold = matrix(sample.values, description), folds(sample, settings.search.folds)
    scale = min(1.0, len(sample) / _RARE_ROWS)

    def loss(trial: Any) -> float:
        boosting = Boosting(
            parameters={**_asked(trial, scale), "learning_rate": _LEARNING_RATE},
            categories=categories(description),
            seed=settings.seed,
        )
        held = cross_validated(
            boosting,
            features,
            sample.labels,
            fold,
            settings.fit.max_rounds,
            max(1, settings.fit.early_stopping // 2),
            settings.workers,
        )
        trial.set_user_attr(_FOLDS, list(held.losses))
        return float(np.mean(held.losses))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed))
    study.enqueue_trial(start(scale))
    watch = _Watch(settings.search.patience)
    study.optimize(loss, n_trials=settings.search.trials, callbacks=[watch])
    tried, first, best = len(study.trials), study.trials[0], study.best_trial
    better = beyond_chance(first.user_attrs[_FOLDS], best.user_attrs[_FOLDS])
    return Found(
        parameters=dict((best if better else first).params),
        trials=tried,
        loss=float(study.best_value),
        start_loss=float(np.mean(first.user_attrs[_FOLDS])),
        chosen="best" if better else "start",
        stopped="patience" if tried < settings.search.trials else "budget",
    )


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise pw.MissingExtra("Searching for parameters", "credit") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def beyond_chance(before: Sequence[float], after: Sequence[float]) -> bool:
    """Say whether losses on the same folds fell by more than chance explains."""
    falls = np.asarray(before) - np.asarray(after)
    error = float(falls.std(ddof=1)) / np.sqrt(len(falls))
    return bool(falls.mean() > _STANDARD_ERRORS * error)


def start(scale: float) -> dict[str, Any]:
    """Return where the search begins, for a share of the rows that it was meant for."""
    scaled = {"min_data_in_leaf": max(5, round(START["min_data_in_leaf"] * scale))}
    return {**START, **scaled, "path_smooth": START["path_smooth"] * scale}


def _asked(trial: Any, scale: float) -> dict[str, Any]:
    least = start(scale)["min_data_in_leaf"]
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 24),
        "min_data_in_leaf": trial.suggest_int(
            "min_data_in_leaf", max(2, least // 4), least * 3, log=True
        ),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.25, 0.9),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.3, 0.95),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "path_smooth": trial.suggest_float("path_smooth", 0.0, 100.0),
        "max_bin": trial.suggest_categorical("max_bin", [63, 127, 255]),
    }


def _spread(training: Table, most: int) -> Any:
    """Return at most so many rows, drawn by their hashes."""
    return np.sort(np.argsort(training.hashes, kind="stable")[:most])
