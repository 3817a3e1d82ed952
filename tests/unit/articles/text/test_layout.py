"""Wrapped lines are joined; whatever ends where it should is not."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.text.edits import EditedText
from pipewarden.pipelines.articles.text.layout import whitespace, wrapped_lines

RATES = (
    "The central bank said on Monday that it would leave its main rate where it was, since prices "
    "had risen less than it had expected and the economy was growing slowly."
)
ANALYSTS = (
    "Analysts were not surprised. They had said for weeks that nothing would happen before the "
    "summer, when the new figures for wages and for the price of oil will be known to everybody."
)
SHARES = "Shares rose in London, and the pound fell a little against the dollar, traders said."
PARAGRAPHS = (RATES, ANALYSTS, SHARES)


def joined(text: str) -> str:
    edited = EditedText(text)
    edited.apply("wrapped_lines", wrapped_lines(text))
    edited.apply("whitespace", whitespace(edited.text))
    return edited.text


@pytest.mark.parametrize("width", [45, 60, 64, 72, 80])
def test_wrapped_paragraphs_become_lines(width: int) -> None:
    wrapped = "\n\n".join(textwrap.fill(one, width) for one in PARAGRAPHS)
    assert joined(wrapped) == "\n\n".join(PARAGRAPHS)


@pytest.mark.parametrize("width", [60, 64, 72])
def test_an_indent_begins_a_paragraph(width: int) -> None:
    wrapped = "\n".join(textwrap.fill(one, width, initial_indent="    ") for one in PARAGRAPHS)
    assert joined(wrapped) == "\n\n".join(PARAGRAPHS)


@given(st.permutations(PARAGRAPHS), st.integers(45, 90))
def test_joining_twice_joins_nothing_more(paragraphs: list[str], width: int) -> None:
    once = joined("\n".join(textwrap.fill(one, width, initial_indent="   ") for one in paragraphs))
    assert joined(once) == once


def test_lists_tables_and_headlines_survive_among_wrapped_lines() -> None:
    text = (
        "MARKETS AT A GLANCE\n\n"
        + textwrap.fill(PARAGRAPHS[0], 64)
        + "\n\n- one thing\n- another thing\n1. a third\n\n"
        + "London      1.51   2.60\nNew York    2.71   ---\nTokyo 3 4\n"
    )
    assert joined(text).splitlines() == [
        *("MARKETS AT A GLANCE", "", PARAGRAPHS[0], "", "- one thing", "- another thing"),
        *("1. a third", "", "London 1.51 2.60", "New York 2.71 ---", "Tokyo 3 4"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Roses are red,\nviolets are blue,\nsugar is sweet,\nand so are you.",
        "\n".join(PARAGRAPHS),
        "One line.\nAnother line.\nA third.",
        "milk\neggs\nbread\nbutter\ncheese",
    ],
)
def test_lines_that_are_meant_stay(text: str) -> None:
    assert wrapped_lines(text) == []


def test_a_hyphen_at_a_line_end_goes_only_when_the_whole_word_is_known() -> None:
    text = (
        "The union said that it would do all it could in order to orga-\n"
        "nise the strike, and that nobody but the union may organise a well-\n"
        "known strike of that kind in a country that has had two of them in\n"
        "as many years of peace.\n"
    )
    assert joined(text) == (
        "The union said that it would do all it could in order to organise the strike, and that "
        "nobody but the union may organise a well-known strike of that kind in a country that has "
        "had two of them in as many years of peace."
    )


def test_a_name_that_was_broken_at_its_hyphen_is_one_again() -> None:
    text = (
        "The engines that were ordered last year are made by the firm Rolls-\n"
        "Royce and will be built into thirty aircraft of the make Boeing 747-\n"
        "400 that were ordered by both of them, as well as into some of the\n"
        "older ones, which are in use in Europe and of which the firm that\n"
        "owns them thinks highly.\n"
    )
    assert "Rolls-Royce" in joined(text)
    assert "747-400" in joined(text)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("  a  b\t c\xa0d  ", "a b c d"),
        ("a \n b\n\n\n\nc\n", "a\nb\n\nc"),
        ("1\u202f000\u2009km", "1 000 km"),
        ("   \n \t ", ""),
        ("\u3000東京", "\u3000東京"),
    ],
)
def test_space_is_put_right(dirty: str, clean: str) -> None:
    edited = EditedText(dirty)
    edited.apply("whitespace", whitespace(dirty))
    assert edited.text == clean
