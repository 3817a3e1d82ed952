# ruff: noqa: RUF001 - the texts are in their own languages
"""Which language a text is in, and how long it is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.enrich.language import (
    language_of,
    reading_minutes,
    word_count,
)

SENTENCES = {
    "en": "The president said on Monday that taxes would be cut.",
    "de": "Der Präsident hat am Montag angekündigt, dass die Steuern gesenkt werden.",
    "es": "El presidente anunció el lunes que bajarán los impuestos.",
    "fr": "Le président a annoncé lundi une baisse des impôts.",
    "pt": "O presidente anunciou na segunda-feira uma redução de impostos.",
    "ru": "Президент объявил в понедельник о снижении налогов.",
    "zh": "总统周一宣布减税。这是一个重要的决定。",
    "ja": "大統領は月曜日に減税を発表した。これは重要です。",
    "ko": "대통령은 월요일 세금 인하를 발표했다.",
    "ar": "أعلن الرئيس يوم الاثنين تخفيض الضرائب.",
    "he": "הנשיא הודיע ביום שני על הפחתת מיסים.",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_tells_its_language(code: str) -> None:
    found = language_of(SENTENCES[code])
    assert found.code == code
    assert 0.5 < found.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "😀" * 40,
        "1234 5678 $%",
        "<p>&nbsp;</p>",
        "https://example.com/the/and",
        "\x00" * 30,
    ],
)
def test_what_is_no_language_is_unknown(text: str) -> None:
    assert language_of(text).code == "und"


def test_short_english_is_told_by_its_words() -> None:
    found = language_of("It was the UK")
    assert (found.code, found.confidence) == ("en", 0.5)
    assert language_of("Apple UK").code == "und"


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    found = language_of(text)
    assert found.code
    assert 0 <= found.confidence <= 1


def test_a_long_text_is_judged_by_a_part() -> None:
    assert language_of(SENTENCES["fr"] * 50_000).code == "fr"


def test_words_are_counted() -> None:
    assert word_count("It's a well-known fact: 3.14 – really!") == 6
    assert word_count("") == 0
    assert word_count("😀 … –") == 0
    assert word_count("东京 is 東京") == 5
    assert reading_minutes(390) == 1.95


@pytest.mark.real_data
def test_no_english_article_is_taken_for_another_language(real_data: Path) -> None:
    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [language_of(json.loads(line)["text"]).code for line in list(lines)[::9]]
    assert found.count("en") >= 0.995 * len(found)
