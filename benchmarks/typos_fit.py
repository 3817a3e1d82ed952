"""Fitting typo correction: the costs of confusions, and the weights of the model.

Both are learned on the half of the texts and of the words that nothing is measured on. The weights
must not trust costs that know their very examples: while they are fitted, the costs of a word are
those learned from the words of the other half of that half.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from typos_cases import (
    SEED,
    Case,
    articles,
    entity_spans,
    half,
    inject,
    kinds,
    misspellings,
    random_slips,
)
from typos_confusions import as_code, as_confusions, learned

from pipewarden.pipelines.articles.typos import evidence
from pipewarden.pipelines.articles.typos.corrector import TypoCorrector
from pipewarden.pipelines.articles.typos.language.confusions import Confusions
from pipewarden.pipelines.articles.typos.language.lexicon import english
from pipewarden.pipelines.articles.typos.protection import merged, protected_spans
from pipewarden.pipelines.articles.typos.suspects import Words

#: How sure a word of the news is misspelt that is left out; what squared weights cost.
SURE, PENALTY = 0.9, 0.05
#: How many sentences by themselves are misspelt in each way.
SENTENCES = 150
#: What is changed in the fitted weights: leaving a word costs so much more, and the rate of slips
#: counts so many times more, beside that of one in 90, which keeps clean documents cleaner.
EASE, STEEPER, PIVOT = 1.4, 1.3, -4.5
UNLIKELIHOOD = evidence.CANDIDATE_FIGURES.index("unlikelihood")


class Examples:
    """The figures of the unknown words of documents, with the number of each right reading.

    The number is 0 for a word that is right, and that of a candidate from 1 on. A word that is no
    candidate's and was put in by us counts as right: there is nothing to mend it with.

    The figures of unlikelihood are those of ``strange[k]``, of which a word of half ``k`` has
    taught nothing.
    """

    def __init__(
        self, corrector: TypoCorrector, cases: Sequence[Case], strange: Sequence[Confusions]
    ) -> None:
        import numpy as np

        own, figures, labels, ours_, at, self.lengths = [], [], [], [], [], []
        for number, (text, spans, marks) in enumerate(cases):
            answers = {(start, end): right.lower() for start, end, right in marks}
            words = Words(text, english().words)
            suspects = list(words.suspects(merged([*spans, *protected_spans(text)]), 3))
            self.lengths.append(len(words))
            for reading in corrector._readings(suspects, words.vocabulary()):
                right = answers.get((reading.suspect.start, reading.suspect.end), "")
                own.append(reading.own)
                figures.append(np.array(reading.figures, float))
                word = reading.suspect.sighting.word
                by = strange[quarter(right or word)]
                costs = [by.cost(word, meant) for meant in reading.meant]
                figures[-1][:, UNLIKELIHOOD:] = [
                    evidence.by_unlikelihood(word, meant, cost, english())
                    for meant, cost in zip(reading.meant, costs, strict=True)
                ]
                labels.append(reading.meant.index(right) + 1 if right in reading.meant else 0)
                ours_.append(bool(right))
                at.append(number)
        self.own, self.figures = np.array(own, float), np.concatenate(figures)
        self.group = np.repeat(np.arange(len(own)), [len(one) for one in figures])
        self.first = np.searchsorted(self.group, np.arange(len(own)))
        self.label, self.marked, self.at = np.array(labels), np.array(ours_), np.array(at)

    def shares(self, word_scores: Any, scores: Any) -> tuple[Any, Any]:
        """Return the probability that each word is right, and that of each candidate."""
        import numpy as np

        top = np.maximum(np.maximum.reduceat(scores, self.first), word_scores)
        right, powers = np.exp(word_scores - top), np.exp(scores - top[self.group])
        total = right + np.add.reduceat(powers, self.first)
        return right / total, powers / total[self.group]

    def with_rates(self, weights: Any) -> Any:
        """Return the figures of the words, the rate of slips of each among them."""
        import numpy as np

        count = self.own.shape[1] + 1
        blank = np.column_stack([self.own, np.full(len(self.own), evidence.rate_of_slips())])
        right, _ = self.shares(blank @ weights[:count], self.figures @ weights[count:])
        doubt = np.bincount(self.at, 1 - right, len(self.lengths))[self.at] - (1 - right)
        words = np.array(self.lengths)[self.at]
        rates = [evidence.rate_of_slips(*one) for one in zip(doubt, words, strict=True)]
        return np.column_stack([self.own, rates])

    def slope(self, weights: Any, dropping: bool) -> tuple[Any, Any]:
        """Return the slope of the likelihood and its curvature, both for all weights.

        ``dropping`` leaves out the words of the news that are surely misspelt there: they would
        teach that misspellings are right.
        """
        import numpy as np

        own = self.with_rates(weights)
        count = own.shape[1]
        right, chances = self.shares(own @ weights[:count], self.figures @ weights[count:])
        kept = np.ones(len(own), bool)
        if dropping:
            kept = self.marked | (np.maximum.reduceat(chances, self.first) <= SURE)
        mean, truth = np.zeros((2, len(own), len(weights)))
        mean[:, :count] = own * right[:, None]
        mean[:, count:] = np.add.reduceat(self.figures * chances[:, None], self.first)
        slipped = self.label > 0
        truth[~slipped, :count] = own[~slipped]
        truth[slipped, count:] = self.figures[self.first[slipped] + self.label[slipped] - 1]
        curve = -(mean * kept[:, None]).T @ mean
        curve[:count, :count] += (own * (right * kept)[:, None]).T @ own
        spread = self.figures * (chances * kept[self.group])[:, None]
        curve[count:, count:] += spread.T @ self.figures
        return ((truth - mean) * kept[:, None]).sum(axis=0), curve


def quarter(word: str) -> int:
    return half(f"again {word}")


def _learned_apart() -> list[Confusions]:
    """Print the costs of all confusions; return those that each half's words are strange to."""
    of = misspellings(0, "codespell", "birkbeck")
    print(as_code(learned(of)))
    return [
        as_confusions(learned({word: of[word] for word in of if quarter(word) != one}))
        for one in (0, 1)
    ]


def sentences(texts: Sequence[str]) -> list[str]:
    """Return the first whole sentence of each text that is neither very short nor long."""
    found = (re.search(r"(?<=\. )[A-Z][^.\n]{20,120}\.(?= )", text) for text in texts)
    return [match.group() for match in found if match]


def fit(injected: int = 300, clean: int = 2200) -> None:
    """Print the costs, and the weights of greatest likelihood (Newton's method)."""
    import numpy as np

    corrector, chance = TypoCorrector(), random.Random(SEED)
    texts = [row["text"] for row in articles() if half(row["document_id"]) == 0]
    chance.shuffle(texts)
    some = texts[:injected]
    spans = entity_spans(some)
    sets = [*kinds(0).values(), random_slips(some, chance)]
    cases: list[Case] = [(text, [], []) for text in texts[:clean]]
    for of in sets:
        cases += [inject(text, at, of, chance) for text, at in zip(some, spans, strict=True)]
    short = sentences(texts[injected:])
    cases += [(text, [], []) for text in short]
    for of in sets:
        cases += [inject(text, [], of, chance) for text in chance.sample(short, SENTENCES)]
    strange = _learned_apart()
    examples = Examples(corrector, cases, strange)
    own = len(evidence.WORD_FIGURES)
    weights = np.zeros(own + len(evidence.CANDIDATE_FIGURES))
    for turn in range(20):
        slope, curve = examples.slope(weights, dropping=turn >= 10)
        step = np.linalg.solve(curve + PENALTY * np.eye(len(weights)), slope - weights * PENALTY)
        weights += step * min(1, 5 / np.abs(step).max())
    weights[0] += (1 - STEEPER) * weights[own - 1] * PIVOT - EASE
    weights[own - 1] *= STEEPER
    print("WORD_WEIGHTS", [round(float(w), 2) for w in weights[:own]])
    print("CANDIDATE_WEIGHTS", [round(float(w), 2) for w in weights[own:]])
