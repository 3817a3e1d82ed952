"""Marks are written plainly, once, and with a space where words meet; never inside a word."""

# ruff: noqa: RUF001 - the texts are about such characters

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipewarden.pipelines.articles.text.edits import Edit, EditedText
from pipewarden.pipelines.articles.text.punctuation.quotes import ellipses, quotes
from pipewarden.pipelines.articles.text.punctuation.spacing import (
    punctuation_spacing,
    repeated_punctuation,
)

Rule = Callable[[str], list[Edit]]


def after(rule: Rule, text: str) -> str:
    edited = EditedText(text)
    edited.apply("rule", rule(text))
    return edited.text


@pytest.mark.parametrize(
    ("rule", "dirty", "clean"),
    [
        (quotes, "“It’s,” he said, ‘now’", "\"It's,\" he said, 'now'"),
        (quotes, "1990–2000, 5–3, Paris–Dakar, −5%", "1990-2000, 5-3, Paris-Dakar, -5%"),
        (quotes, "the day – cold – went", "the day - cold - went"),
        (quotes, "the day—cold—went", "the day - cold - went"),
        (quotes, "1914—1918 and “was—”", '1914-1918 and "was -"'),
        (quotes, "—–\nnon‑breaking", "--\nnon-breaking"),
        (ellipses, "so… and . . . then. . . .", "so... and ... then...."),
        (repeated_punctuation, "Stop!!!! Why??? Really?!", "Stop! Why? Really?!"),
        (punctuation_spacing, "White,Mackie and tax,economic", "White, Mackie and tax, economic"),
        (punctuation_spacing, "It is dangerous.The man left.", "It is dangerous. The man left."),
        (punctuation_spacing, "Mr.Benn met the Rev.Samuel", "Mr. Benn met the Rev. Samuel"),
        (punctuation_spacing, "They may ask:When? Wow!That", "They may ask: When? Wow! That"),
        (
            punctuation_spacing,
            "at Commerzbank . “It”, he said , now",
            "at Commerzbank. “It”, he said, now",
        ),
    ],
)
def test_marks_are_put_right(rule: Rule, dirty: str, clean: str) -> None:
    assert after(rule, dirty) == clean


@pytest.mark.parametrize(
    "text",
    [
        "3.14 1,000 10:30 2:1 v1.2.3 U.S. e.g. a.m. Ph.D. J.K. Rowling F.O.B. M.A.S.K.",
        "example.com Example.Com http://a.b/C,D;E?F=Name!G jane.Doe@example.com #tag.Name",
        "foo.txt Report.Pdf Node.Js System.Out.Println java.lang.String std::string f(abc,def)",
        "yahoo!7 Yahoo!News CD:UK SM:tv chairm,an settlem,ent po;ular",
        "left... and so on...mobile 12 . 14 . . . and :-) ? !",
        "see http://a.b/c?d .",
    ],
)
def test_marks_inside_words_get_no_space(text: str) -> None:
    assert punctuation_spacing(text) == []


@pytest.mark.parametrize(
    "text", ["a ?? b", "!!flag", "5!!", "http://a.b/!!c", "......", "..", "?!"]
)
def test_marks_that_are_meant_stay(text: str) -> None:
    assert repeated_punctuation(text) == []


@pytest.mark.parametrize("text", ["« Où ? »", "“新闻”——", "дом — это", "5′ 6″", 'it\'s - "x" -- y'])
def test_marks_of_other_scripts_stay(text: str) -> None:
    assert quotes(text) == []


@pytest.mark.parametrize("text", ["中文……", "TOTAL.....5", "a . . . . . b", "wait..", ". . "])
def test_leaders_are_no_ellipses(text: str) -> None:
    assert ellipses(text) == []
