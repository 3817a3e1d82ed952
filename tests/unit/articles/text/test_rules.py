"""All rules together: nothing is repaired twice, nothing is lost, nothing else is touched."""

# ruff: noqa: RUF001 - the texts are about such characters

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.pipelines.articles.settings import RuleSettings
from pipewarden.pipelines.articles.text.edits import EditedText, moved, repaired, restore
from pipewarden.pipelines.articles.text.rules import RULES, repair

#: What sets rules off, and what must not.
PIECES = (
    "word", "The", "said", " ", "  ", "\n", "\n    ", "\n\n\n", "\t", "\xa0", ".", ",", ";", ":",
    "!", "!!", "??", "...", "…", ". . .", "’", "“", "”", "„", "—", "–", "-", "--", "<p>", "</p>",
    "<b>", "</b>", "<br/>", "<", ">", "<F>", "<DD>", "<!--", "-->", "<a href='x'>", "<script>",
    "</script>", "&amp;", "&", "amp;", "lt;", "&lt;", "&gt;", "&#146;", "&nbsp;", "&quot", "#39;",
    "â€™", "â€", "Ã©", "Ã", "‚Äô", "\x85", "\x92", "é", "e\u0301", "Ô", "中文", "ש", "😀", "\u200d",
    "\u200b", "\ufeff", "\xad", "\x00", "\ud800", "\u202e", "$", "£", "€", "5", "100", ",000", "m",
    "bn", " million", "km", " km", "kg", "/h", "°C", "USD ", "US", "http://a.b/c?d=e", "a@b.com",
    "example.com", "U.S.", "3.14", "10:30",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)

UNHARMED = (
    "Shares of Ford Motor Co <F> and DuPont's <DD> rose; a < b and c > d, and I <3 it.",
    "Use vector<int> or List<String>, mail <jane@example.com>, copy <source> to <target>.",
    "Pi is 3.14, not 3,14; at 10:30 a.m. the U.S. index stood at 1,000.50 (up 2:1).",
    "See example.com, www.dec.org.uk/a?b=c;d, foo.txt, v1.2.3, @jane, #news, J.K. Rowling, Ph.D.",
    "yahoo!7 and Yahoo!News, Node.Js, AT&T, a&b;, R&D, S&P; M.A.S.K. and e.g. this, i.e. that.",
    "The M25, a G7 summit, 5G, 10K, 4x4, 747s, 5m, 9mm, 512MB, ¥500, kr 20, 50p, $x, $$$, A$AP.",
    "He paid in yen... and left?! A 12-6 score; F-15 km markers; 5km-long.",
    "Le café était fermé ; l'été arrive ! « Où ? » Äpfel und Öl, SPÄ, ALEMANHÔ, À.",
    "东京的“新闻”——中文……。日本語「引用」。한국어. Русский текст — проверка.",
    "مرحبا\u200f (abc) بالعالم می\u200cخواهم 👨\u200d👩\u200d👧 🏳️\u200d🌈 क्\u200dष",
    "PORK\n\nBEANS\n\n1. one\n2. two\n- three",
    "Roses are red,\nviolets are blue,\nsugar is sweet,\nand so are you.",
)


def cleaned(text: str) -> EditedText:
    edited = EditedText(text)
    repair(edited)
    return edited


def test_every_rule_has_a_switch_of_its_name() -> None:
    assert set(RULES) <= set(RuleSettings.model_fields)


@given(TEXTS)
@settings(max_examples=300)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = cleaned(text).text
    assert cleaned(once).text == once


@given(TEXTS | st.text(max_size=60))
@settings(max_examples=300)
def test_the_log_leads_to_the_text_and_back(text: str) -> None:
    edited = cleaned(text)
    assert restore(edited.text, edited.changes()) == text
    assert repaired(text, edited.changes()) == edited.text
    edited.text.encode("utf-8")


@given(TEXTS)
def test_every_rule_answers_with_edits_that_hold(text: str) -> None:
    for name, rule in RULES.items():
        edited = EditedText(text)
        edits = rule(text)
        edited.apply(name, edits)
        assert moved([(0, len(text))], edits)[0][1] <= len(edited.text)


@pytest.mark.parametrize("text", UNHARMED)
def test_what_is_right_is_not_touched(text: str) -> None:
    assert cleaned(text).changes() == ()


@pytest.mark.parametrize(
    "unit",
    [
        *(" ", ".", "<", "<a ", '<a href="', "<!--", "&", "&amp;", "\n", " \n", "!", ". ", "…"),
        *("1", "1,000", "$1", "€ 1 ", "â€", "Ã", "\u0301", "\u200d", "—", "word,word", " ,", "("),
        *("<script>", "some lower words\n", "a.B", "5km ", "\ud800", "\x00", "中", "‚Äô", "aaa!!"),
    ],
)
def test_a_flood_of_anything_is_answered(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    edited = EditedText(text)
    for name, rule in RULES.items():
        edited.apply(name, rule(edited.text))
    assert restore(edited.text, edited.changes()) == text


def test_a_million_spaces_are_none() -> None:
    assert cleaned(" " * 1_000_000).text == ""
