"""The fit: parameters, rounds, boosters, their calibration, and the baselines beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipewarden.pipelines.credit.data.description import TableDescription
from pipewarden.pipelines.credit.data.splitting import folds
from pipewarden.pipelines.credit.data.table import Table
from pipewarden.pipelines.credit.fitting.boosting import (
    Boosting,
    CrossValidated,
    cross_validated,
    members,
)
from pipewarden.pipelines.credit.fitting.features import categories, expanded, matrix
from pipewarden.pipelines.credit.fitting.logistic import Calibration, LogisticBaseline
from pipewarden.pipelines.credit.fitting.search import Found, search
from pipewarden.pipelines.credit.settings import CreditSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What training rows gave, and they alone.

    Parameters
    ----------
    held
        Each row's score by a booster that has not seen it; calibration is fitted on these.
    rate
        The share of positive rows: the answer of having no model.
    """

    found: Found
    held: CrossValidated
    boosting: Boosting
    boosters: list[Any]
    calibration: Calibration
    logistic: LogisticBaseline
    rate: float


def fit(training: Table, description: TableDescription, settings: CreditSettings) -> Fitted:
    """Return what training rows give.

    Raises
    ------
    MissingExtra
        The extra ``credit`` is not installed.
    """
    found = search(training, description, settings)
    features = matrix(training.values, description)
    boosting = Boosting(
        parameters={**found.parameters, "learning_rate": settings.fit.learning_rate},
        categories=categories(description),
        seed=settings.seed,
    )
    held = cross_validated(
        boosting,
        features,
        training.labels,
        folds(training, settings.fit.folds),
        settings.fit.max_rounds,
        settings.fit.early_stopping,
        settings.workers,
    )
    return Fitted(
        found=found,
        held=held,
        boosting=boosting,
        boosters=members(
            boosting, features, training.labels, held.rounds, settings.fit.members, settings.workers
        ),
        calibration=Calibration.of(held.scores, training.labels),
        logistic=LogisticBaseline.of(
            expanded(features, description, training.levels), training.labels
        ),
        rate=float(training.labels.mean()),
    )
