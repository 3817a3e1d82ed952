"""Text that was decoded wrongly comes back; text that was not is left alone."""

# ruff: noqa: RUF001 - the texts are about such characters

from __future__ import annotations

import ftfy.bad_codecs  # noqa: F401 - registers the codec sloppy-windows-1252
import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.text.edits import EditedText
from pipewarden.pipelines.articles.text.encoding import encoding

TEXTS = (
    "“It’s £5m,” she said — ‘no’… and left the café in São Paulo for €3.",
    "Zürich and München aren’t in España",
    "Łódź, Plzeň and Göteborg: “naïve”",
    "The price – £3 – rose",
    "A smile 😀 from Tokyo 東京 and Москва",
)
CLEAN = (
    "Le cœur a ses raisons ; « Où êtes-vous ? » À l’été, l’Île d’Yeu… ÇA MARCHE !",
    "„SPÄ“, Äpfel, Öl, größer, „Übermut“ – Straße",
    "ALEMANHÃ”, “IRMÃ” and CAFÉ”",
    "Â and Ã are letters; Ân, Ânia, São, MÃE, Ángel",
    "东京的新闻。日本語の文章。한국어 문장. مرحبا بالعالم. Привет, мир! Γειά σου",
    "30 °C ± 2 × 3 ≈ 6 √9 ¬p ƒ(x) ‚low’ ∆x",
    "a\xa0b £5 €6 ¥7 ½ © ® ™ § ¶ • … 😀👍🏽",
)
CODECS = ("latin-1", "mac_roman", "sloppy-windows-1252")


def repaired(text: str) -> str:
    edited = EditedText(text)
    edited.apply("encoding", encoding(text))
    return edited.text


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("text", TEXTS)
def test_what_was_read_wrongly_comes_back(text: str, codec: str, times: int) -> None:
    damaged = text
    for _ in range(times):
        damaged = damaged.encode("utf-8").decode(codec)
    assert repaired(damaged) == text


def test_different_misreadings_on_top_of_each_other_come_back() -> None:
    damaged = TEXTS[0].encode("utf-8").decode("mac_roman").encode("utf-8").decode("latin-1")
    assert repaired(damaged) == TEXTS[0]


def test_windows_characters_read_as_latin_1_come_back() -> None:
    text = "“It’s – well…”"
    assert repaired(text.encode("cp1252").decode("latin-1")) == text


def test_a_closing_quotation_mark_that_lost_its_last_byte_comes_back() -> None:
    damaged = "“Yes,” he said. “No.”".encode().decode("cp1252", errors="replace")
    assert repaired(damaged) == "“Yes,” he said. “No.”"


@pytest.mark.parametrize("text", CLEAN)
def test_clean_text_of_any_language_stays(text: str) -> None:
    assert encoding(text) == []


def test_only_the_damage_is_edited() -> None:
    text = "a long text — with one thing wrong: itâ€™s here"
    (edit,) = encoding(text)
    assert (text[edit.start : edit.end], edit.after) == ("â€™", "’")


WORDS = ("it’s", "“Yes,”", "café", "£5", "–", "señor", "the", "ü", "—", "€3m", "‘no’", "(wait…)")


@given(st.lists(st.sampled_from(WORDS)), st.sampled_from(CODECS), st.integers(1, 3))
def test_typography_and_accents_come_back(words: list[str], codec: str, times: int) -> None:
    text = " ".join(words)
    damaged = text
    for _ in range(times):
        damaged = damaged.encode("utf-8").decode(codec)
    assert repaired(damaged) == text
