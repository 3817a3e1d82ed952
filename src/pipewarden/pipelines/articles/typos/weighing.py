"""The probability that a word stands for another: a conditional logit over all its readings.

One reading is that the word is right. Each reading has a score, linear in its figures; the
probabilities are the softmax of the scores. The weights are fitted by maximum likelihood, on half
of a set of news articles and half of a set of misspellings, in articles and in sentences by
themselves; ``benchmarks/articles_typos.py`` tells how well the probabilities hold on the other
halves, and fits them again when given ``--fit``.

References
----------
D. McFadden, "Conditional logit analysis of qualitative choice behavior" (1974).
M. D. Kernighan, K. W. Church, W. A. Gale, "A spelling correction program based on a noisy channel
model", COLING (1990).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: The weights of the figures of a candidate, in the order of `evidence.CANDIDATE_FIGURES`.
# fmt: off
CANDIDATE_WEIGHTS = (
    1.75, 1.08, -3.34, 0.33, -0.03, 0.36, 0.73, 0.22, -0.18, -0.83, -0.19, 1.04, 1.03, 2.13, 0.92,
    0.8, 1.5, 0.01, 0.14, 1.31, 0.93, 0.35, 0.77, 0.65, 1.51, 0.63, -0.39, -0.22, 0.63, -0.24,
)
#: The weights of the figures of the word itself, in the order of `evidence.WORD_FIGURES`. The first
#: and the last are moved off the maximum: the rate of slips counts for more than likelihood asks,
#: so that clean documents stay cleaner and careless ones are mended further.
WORD_WEIGHTS = (
    -16.15, 2.64, -1.49, 1.92, -0.28, 1.28, -0.16, -0.96, -0.18, 0.35, 1.44, -5.33,
)
# fmt: on


def probabilities(
    word: Sequence[float], candidates: Sequence[Sequence[float]]
) -> tuple[float, list[float]]:
    """Return the probability that the word is right, and that of each candidate.

    Parameters
    ----------
    word
        The figures of the word itself.
    candidates
        The figures of each candidate.
    """
    scores = [_dot(WORD_WEIGHTS, word), *(_dot(CANDIDATE_WEIGHTS, one) for one in candidates)]
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return powers[0] / total, [power / total for power in powers[1:]]


def _dot(weights: Sequence[float], figures: Sequence[float]) -> float:
    return sum(weight * figure for weight, figure in zip(weights, figures, strict=True))
