"""Gradient boosting by LightGBM: the same trees on every machine, with any number of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipewarden as pw
from pipewarden.pipelines.credit.data.table import Numbers

#: One thread a fit, and several fits side by side: faster than the reverse on a busy machine.
_FIXED: Mapping[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "bagging_freq": 1,
}


def lightgbm() -> Any:
    """Return the library.

    Raises
    ------
    MissingExtra
        The extra ``credit`` is not installed.
    """
    try:
        import lightgbm as library
    except ImportError:
        raise pw.MissingExtra("Training and opening credit models", "credit") from None
    return library


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """How trees are grown.

    Parameters
    ----------
    parameters
        LightGBM's, chosen by search.
    categories
        The places of the features that are categories.
    """

    parameters: Mapping[str, Any]
    categories: Sequence[int]
    seed: int

    def dataset(self, features: Numbers, labels: Numbers) -> Any:
        """Return binned rows; subsets of them share the bins, which need no label."""
        library = lightgbm()
        data = library.Dataset(
            features,
            labels,
            categorical_feature=list(self.categories),
            params=self._all(0),
            free_raw_data=False,
        )
        return data.construct()

    def _all(self, member: int) -> dict[str, Any]:
        return {**self.parameters, **_FIXED, "seed": self.seed + member}

    def fit(self, data: Any, rounds: int, member: int = 0) -> Any:
        """Return a booster of ``rounds`` trees; members differ by their random draws."""
        return lightgbm().train(self._all(member), data, rounds)

    def watched(
        self, data: Any, training: NDArray[Any], held: NDArray[Any], rounds: int, patience: int
    ) -> tuple[Any, list[float]]:
        """Return a booster and its log-loss on held-out rows after each round, stopped early."""
        library = lightgbm()
        told: dict[str, Any] = {}
        booster = library.train(
            self._all(0),
            data.subset(training),
            rounds,
            valid_sets=[data.subset(held)],
            valid_names=["held"],
            callbacks=[
                library.early_stopping(patience, verbose=False),
                library.record_evaluation(told),
            ],
        )
        return booster, list(told["held"]["binary_logloss"])


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What held-out rows say: raw scores of each, log-loss by round, and the rounds to use."""

    scores: Numbers
    losses: Sequence[float]
    rounds: int
    boosters: Sequence[Any]


def cross_validated(
    boosting: Boosting,
    features: Numbers,
    labels: Numbers,
    fold: NDArray[np.int64],
    rounds: int,
    patience: int,
    workers: int,
) -> CrossValidated:
    """Fit a booster a fold, and score each row by the booster that has not seen it.

    All folds use one number of rounds, that with the least mean loss; a fold's own best number
    would be chosen on the very rows that it is judged by.
    """
    data = boosting.dataset(features, labels)
    numbers = range(int(fold.max()) + 1)

    def one(number: int) -> tuple[Any, list[float]]:
        rows = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        return boosting.watched(data, *rows, rounds, patience)

    with ThreadPoolExecutor(workers) as pool:
        fits = list(pool.map(one, numbers))
    shortest = min(len(losses) for _, losses in fits)
    mean = np.mean([losses[:shortest] for _, losses in fits], axis=0)
    chosen = int(np.argmin(mean)) + 1
    scores = np.empty(len(labels))
    for number, (booster, _) in zip(numbers, fits, strict=True):
        held = fold == number
        scores[held] = booster.predict(features[held], raw_score=True, num_iteration=chosen)
    losses = [float(told[chosen - 1]) for _, told in fits]
    return CrossValidated(scores, losses, chosen, [booster for booster, _ in fits])


def members(
    boosting: Boosting, features: Numbers, labels: Numbers, rounds: int, number: int, workers: int
) -> list[Any]:
    """Return boosters that differ by their random draws only; the model is their mean."""
    data = boosting.dataset(features, labels)
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda member: boosting.fit(data, rounds, member), range(number)))


def merged(boosters: Sequence[Any]) -> str:
    """Return one model, as LightGBM's text, whose raw score is the sum of those of the boosters.

    All of them must be of the same features. One model answers a row in one call.
    """
    texts: list[str] = [booster.model_to_string(num_iteration=-1) for booster in boosters]
    head, _, _ = texts[0].partition("\nTree=0\n")
    tail = texts[0].partition("end of trees")[2]
    trees: list[str] = []
    for text in texts:
        body = "\nTree=" + text.partition("\nTree=")[2].partition("end of trees")[0]
        trees += [block.partition("\n")[2] for block in body.split("\nTree=")[1:]]
    # A block ends where the next begins: the newline before "Tree=" belongs to the one before it.
    blocks = [f"Tree={at}\n{tree}\n" for at, tree in enumerate(trees)]
    blocks[-1] = blocks[-1].removesuffix("\n")
    sizes = " ".join(str(len(block.encode())) for block in blocks)
    lines = [
        f"tree_sizes={sizes}" if line.startswith("tree_sizes=") else line
        for line in head.split("\n")
    ]
    return "\n".join(lines) + "\n" + "".join(blocks) + "end of trees" + tail
