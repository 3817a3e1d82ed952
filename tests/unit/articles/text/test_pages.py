"""Of a whole page the article is left, whatever the page is like."""

from __future__ import annotations

import pytest

from pipewarden.pipelines.articles.text.edits import EditedText
from pipewarden.pipelines.articles.text.pages import PageFacts, boilerplate, is_page, page_facts
from pipewarden.pipelines.articles.text.rules import repair

SENTENCE = "The bank said on Monday that it would leave its main rate where it was for now. "
PAGE = f"""<!DOCTYPE html>
<html><head><title>Rates stay | The Paper</title>
<meta name="author" content="Jane Roe"><meta name="keywords" content="rates, banks">
<meta property="article:published_time" content="2024-05-06T07:08:09Z"></head>
<body><nav><a href="/">Home</a> <a href="/all">All stories</a></nav>
<article><h1>Rates stay</h1><p>{SENTENCE * 3}</p><p>{SENTENCE * 2}</p></article>
<footer>Copyright, terms of use, subscribe</footer></body></html>"""


def cleaned(text: str) -> str:
    edited = EditedText(text)
    repair(edited)
    return edited.text


def test_the_article_is_left() -> None:
    (edit,) = boilerplate(PAGE)
    assert (edit.start, edit.end) == (0, len(PAGE))
    assert edit.after.count(SENTENCE.strip()) == 5
    assert not any(scrap in edit.after for scrap in ("Home", "Copyright", "<"))


def test_the_facts_of_a_page() -> None:
    facts = page_facts(PAGE)
    assert (facts.title, facts.author) == ("Rates stay", "Jane Roe")
    assert (facts.publication_date, facts.tags) == ("2024-05-06", ("rates", "banks"))
    assert page_facts("no page") == PageFacts()


@pytest.mark.parametrize("text", ["plain", "<p>marked</p>", "a < b", "he wrote " * 1000 + "<html>"])
def test_what_is_no_page_stays(text: str) -> None:
    assert not is_page(text)
    assert boilerplate(text) == []


@pytest.mark.parametrize(
    "inner",
    [
        "<div>" * 5_000 + "words" + "</div>" * 5_000,
        "<q><sup>" * 3_000 + "words",
        "<p>words</p>" * 70_000,
        "<" * 50_000 + " words",
        "",
    ],
)
def test_pages_that_cannot_be_read_lose_their_tags_only(inner: str) -> None:
    text = cleaned(f"<html><body>{inner}</body></html>")
    assert ("words" in text) == ("words" in inner)
    assert "<html" not in text


def test_nothing_is_lost_after_a_nul_or_a_lone_surrogate() -> None:
    text = cleaned(f"<html><body><p>{SENTENCE}\x00</p><p>{SENTENCE}\ud800</p><p>End.</p></body>")
    assert text.endswith("End.")
