"""Invisible characters go where they mean nothing; letters are composed and never folded."""

# ruff: noqa: RUF001 - the texts are about such characters

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.text.characters import controls, unicode
from pipewarden.pipelines.articles.text.edits import Edit, EditedText


def after(edits: list[Edit], text: str) -> str:
    edited = EditedText(text)
    edited.apply("rule", edits)
    return edited.text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("a\x00b\x07c\x1b\x7f", "abc"),
        ("\ufeffzero\u200bwidth\u2060", "zerowidth"),
        ("co\xadoperate", "cooperate"),
        ("one\r\ntwo\rthree\x85four\u2028five\u2029six", "one\ntwo\nthree\nfour\nfive\n\nsix"),
        ("left\u200eto\u202eright", "lefttoright"),
        ("word\u200dword", "wordword"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("tab\tstays\n", "tab\tstays\n"),
    ],
)
def test_controls_go(dirty: str, clean: str) -> None:
    assert after(controls(dirty), dirty) == clean


@pytest.mark.parametrize(
    "text",
    [
        "👨\u200d👩\u200d👧",
        "🏳\ufe0f\u200d🌈",
        "می\u200cخواهم",
        "क्\u200dष",
        "שלום\u200f (a)",
        "🏴\U000e0067\U000e007f",
    ],
)
def test_controls_stay_where_scripts_and_emoji_need_them(text: str) -> None:
    assert controls(text) == []


@pytest.mark.parametrize(
    "text", ["Café", "東京", "ﬁ and ﬂ", "ｆｕｌｌ", "²³½", "Łódź", "ß ẞ", "Ὀδυσσεύς"]
)
def test_composed_letters_stay(text: str) -> None:
    assert unicode(text) == []


def test_only_what_is_decomposed_is_edited() -> None:
    assert unicode("a cafe\u0301 in Mu\u0308nchen") == [Edit(5, 7, "é"), Edit(12, 14, "ü")]


@given(st.text(st.characters(codec="utf-8")) | st.text("aeo\u0301\u0308\u0327ᄀ ᅡᆨ가\u212b"))
def test_the_result_is_what_the_standard_says(text: str) -> None:
    assert after(unicode(text), text) == unicodedata.normalize("NFC", text)
