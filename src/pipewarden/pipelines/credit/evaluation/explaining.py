"""What the model goes by: SHAP values as LightGBM computes them (Lundberg, Erion, Lee 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipewarden.pipelines.credit.data.description import TableDescription
from pipewarden.pipelines.credit.data.table import Numbers

#: How many features stand for "the top".
TOP = 5
#: Below this correlation of value and contribution a feature goes neither up nor down.
_FLAT = 0.1


def explanation(
    boosters: Sequence[Any],
    fold_boosters: Sequence[Any],
    features: Numbers,
    description: TableDescription,
) -> dict[str, Any]:
    """Return the features by their mean absolute contribution to the score, in log-odds.

    ``sign`` says whether the score rises (1) or falls (-1) with the value, 0 where neither is clear
    or the feature is a category; ``stability`` is the mean share of the top features that a booster
    fitted on a part of the rows has in common with the model.
    """
    mean = np.mean([contributions(booster, features) for booster in boosters], axis=0)
    weights = np.abs(mean).mean(axis=0)
    names = list(description.features)
    expected = [
        *(column.sign for column in description.columns.values()),
        *(derived.sign for derived in description.derived.values()),
    ]
    order = np.argsort(-weights, kind="stable")
    told = [
        {
            "name": names[at],
            "importance": round(float(weights[at]), 6),
            "sign": _sign(features[:, at], mean[:, at], names[at], description),
            "expected_sign": int(expected[at]),
        }
        for at in order
    ]
    top = {int(at) for at in order[:TOP]}
    shared = []
    for booster in fold_boosters:
        held = np.abs(contributions(booster, features)).mean(axis=0)
        other = {int(at) for at in np.argsort(-held, kind="stable")[:TOP]}
        shared.append(len(top & other) / len(top))
    conflicts = [
        row["name"]
        for row in told[:TOP]
        if row["expected_sign"] and row["sign"] == -row["expected_sign"]
    ]
    return {
        "method": "TreeSHAP, mean absolute contribution to the log-odds",
        "rows": len(features),
        "features": told,
        "top": [row["name"] for row in told[:TOP]],
        "sign_conflicts": conflicts,
        "stability": round(float(np.mean(shared)), 6),
    }


def contributions(booster: Any, features: Numbers) -> Numbers:
    """Return the contribution of each feature to each row's raw score, without the expected one."""
    return np.asarray(booster.predict(features, pred_contrib=True))[:, :-1]


def _sign(values: Numbers, held: Numbers, name: str, description: TableDescription) -> int:
    column = description.columns.get(name)
    if column is not None and column.type == "category":
        return 0
    told = ~np.isnan(values)
    if told.sum() < 10 or np.ptp(values[told]) == 0 or np.ptp(held[told]) == 0:
        return 0
    ranks = np.searchsorted(np.sort(values[told]), values[told])
    correlation = float(np.corrcoef(ranks, held[told])[0, 1])
    return 0 if abs(correlation) < _FLAT else int(np.sign(correlation))
