"""Typo correction on real news and real misspellings: what it harms, what it repairs, how fast.

The texts are those of ``PIPEWARDEN_DATA``. ``PIPEWARDEN_BENCH_LIST`` names a file for the list of
every correction of clean text. ``--fit`` prints what the model has learned, learned anew on the
other half of the data.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from measuring import Claim, Result, main, peak_mb
from typos_cases import (
    SEED,
    Case,
    Spans,
    articles,
    entity_spans,
    half,
    inject,
    kinds,
    random_slips,
)

from pipewarden.pipelines.articles.typos.corrector import TypoCorrector
from pipewarden.pipelines.articles.typos.settings import TypoSettings

MOST_CORRECTED, LEAST_RESTORED, LEAST_PRECISION, MOST_MS = 3.0, 0.80, 0.97, 2.0
ARTICLES, QUICK_ARTICLES = 300, 60
#: Of those, how many a slow peer is measured on.
SLOW_ARTICLES = 20
Corrected = list[tuple[int, int, str]]


def score(cases: Sequence[Case], corrected: Callable[[str, Spans], Corrected]) -> dict[str, float]:
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


def peers() -> Iterator[tuple[str, int, Callable[[str, Spans], Corrected]]]:
    """Yield each peer with the most articles that it is measured on."""
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

    yield "pyspellchecker", SLOW_ARTICLES, lambda text, _: word_by_word(checked, text, [])
    yield "symspellpy", ARTICLES, lambda text, _: word_by_word(symspelled, text, [])
    # ftfy changes nothing in these texts, whose only damage is misspelling.
    together = "ftfy, entity spans, symspellpy"
    yield together, ARTICLES, lambda text, at: word_by_word(symspelled, text, at)


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
        f"measured on {QUICK_ARTICLES if quick else ARTICLES} articles, pyspellchecker and what "
        f"stands beside it on the first {SLOW_ARTICLES} of them"
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
            _beside(result, name, cases, corrector)
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
    cases: Sequence[Case],
    corrector: TypoCorrector,
) -> None:
    for peer, most, corrected in peers():
        some = cases[:most]
        got, other = score(some, lambda text, at: ours(corrector, text, at)), score(some, corrected)
        if len(some) < len(cases):
            _row(result, f"pipewarden, {len(some)} articles: {name}", got)
        _row(result, f"{peer}, {len(some)} articles: {name}", other)
        better = got["restored"] > other["restored"] and got["precision"] > other["precision"]
        told = f"{got['restored']:.3f}, {got['precision']:.3f} against "
        told += f"{other['restored']:.3f}, {other['precision']:.3f}"
        result.claims.append(Claim(f"{name}: both better than {peer}", told, better))


def _confidences(cases: Sequence[Case]) -> Iterator[tuple[float, bool]]:
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


if __name__ == "__main__":
    if "--fit" in sys.argv:
        from typos_fit import fit

        fit()
    else:
        sys.exit(main(measure))
