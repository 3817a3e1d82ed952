"""On real news: nothing but what a rule is for is changed, and nothing is changed twice."""

# ruff: noqa: RUF001 - the patterns are about such characters

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipewarden.pipelines.articles.text.edits import EditedText, restore
from pipewarden.pipelines.articles.text.rules import RULES, repair

STEP = 4
#: What one rule alone may change: these write sums and measures, and the rest may not touch them.
WRITTEN_OUT = frozenset(("currency", "units"))
PROTECTED = {
    "number": re.compile(r"(?<![\w.,])\d[\d.,:/]*\d|\d"),
    "address": re.compile(
        r"https?://[\w./?=&%#:;~+-]+|\b[\w.]+@[\w.]+\w|\b(?:\w+\.)+(?:com|org|uk)\b"
    ),
    "ticker": re.compile(r"<[A-Z]{1,5}(?:\.[A-Z]{1,3})?>"),
    "abbreviation": re.compile(r"\b(?:[A-Z]\.){2,}|\b(?:e\.g\.|i\.e\.|a\.m\.|p\.m\.|Ph\.D\.)"),
    "name": re.compile(r"\b[A-Z][a-z]+(?:-[A-Z][a-z]+)*\b"),
    "foreign word": re.compile(r"\w*[^\W\d_a-zA-Z]+\w*"),
}
#: Characters that are no letters to the eye, so words of them were damaged before.
DAMAGED = re.compile(r"[√∂ÃÂ\xad]|&#?\w+;")


@pytest.fixture(scope="module")
def news(real_data: Path) -> list[str]:
    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return [text for text in texts if not text.isascii()] + texts[::STEP]


def found(kind: re.Pattern[str], text: str) -> list[str]:
    """Return what a pattern finds, whatever lines it stands on."""
    return kind.findall(" ".join(text.split()))


@pytest.mark.real_data
@pytest.mark.slow
def test_numbers_names_addresses_and_foreign_words_stay(news: list[str]) -> None:
    names = frozenset(RULES) - WRITTEN_OUT
    harmed = [
        (kind, one, other)
        for text in news
        if not DAMAGED.search(text)
        for kind, one, other in differences(text, repaired(text, names))
    ]
    assert harmed == []


def repaired(text: str, names: frozenset[str]) -> str:
    edited = EditedText(text)
    repair(edited, names)
    return edited.text


def differences(before: str, after: str) -> Iterator[tuple[str, list[str], list[str]]]:
    # A word that was broken at a line end is one again, with or without its hyphen.
    before = re.sub(r"(?<=[a-z])-\n(?=[a-z])", "-", before.replace("’", "'"))
    for kind, pattern in PROTECTED.items():
        one, other = found(pattern, before), found(pattern, after)
        if one != other:
            yield kind, [x for x in one if x not in other], [x for x in other if x not in one]


@pytest.mark.real_data
@pytest.mark.slow
def test_sums_and_measures_keep_their_figures(news: list[str]) -> None:
    for text in news:
        edited = EditedText(text)
        for name in WRITTEN_OUT:
            edits = RULES[name](edited.text)
            replaced = "".join(edited.text[edit.start : edit.end] for edit in edits)
            assert not re.search(r"\d", replaced), edits
            edited.apply(name, edits)


@pytest.mark.real_data
@pytest.mark.slow
def test_nothing_is_repaired_twice_and_everything_comes_back(news: list[str]) -> None:
    for text in news:
        edited = EditedText(text)
        repair(edited)
        assert restore(edited.text, edited.changes()) == text
        assert repaired(edited.text, frozenset(RULES)) == edited.text
