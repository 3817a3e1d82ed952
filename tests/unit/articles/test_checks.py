# ruff: noqa: RUF001 - wrongly decoded text is what it is about
"""The gate: every check passes on a good article and misses on the fault that it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.pipelines.articles.checks import GATE_FILE, articles_gate, text_identity
from pipewarden.pipelines.articles.records import CleanedArticle, Language

REPOSITORY = Path(__file__).parents[3]
TEXT = "Acme said on Monday that it would build a plant near London. " * 10


def article(**changed: Any) -> CleanedArticle:
    facts: dict[str, Any] = {
        "document_id": "a",
        "original_text": TEXT,
        "cleaned_text": TEXT,
        "cleaned_word_count": 120,
        "language": Language(code="en", confidence=1.0),
        "reading_time_minutes": 0.6,
        "entities": [{"text": "Acme", "type": "ORG", "start_char": 0, "end_char": 4}],
    }
    return CleanedArticle(**{**facts, **changed})


def missed(verdict: pw.Verdict) -> dict[str, bool]:
    """The checks that missed, and whether each blocks."""
    return {finding.check: finding.blocks for finding in verdict.misses}


def change(before: str, after: str, rule: str, start: int = 0) -> dict[str, Any]:
    end = start + len(before)
    return {"rule": rule, "start_char": start, "end_char": end, "before": before, "after": after}


def test_a_good_article_passes() -> None:
    assert articles_gate().evaluate(article()).status is pw.Status.PASS


def test_operators_see_the_shipped_gate() -> None:
    assert (REPOSITORY / "config" / "gates" / "articles.yaml").resolve() == GATE_FILE.resolve()


def test_the_gate_file_names_every_check_and_no_other() -> None:
    import yaml

    gate = articles_gate()
    assert gate.unique is not None
    names = [check.name for check in gate.checks] + [gate.unique.name]
    rules = yaml.safe_load(GATE_FILE.read_text(encoding="utf-8"))["checks"]
    assert sorted(rules) == sorted(names)


@pytest.mark.parametrize(
    ("changed", "misses"),
    [
        ({"document_id": " "}, {"id_present": True}),
        ({"cleaned_text": TEXT + "<p>"}, {"markup_left": True}),
        ({"cleaned_text": TEXT + '<a href="x">'}, {"markup_left": True}),
        ({"cleaned_text": TEXT + "&nbsp;"}, {"markup_left": True}),
        ({"cleaned_text": TEXT + "</em>"}, {"markup_left": True}),
        ({"cleaned_text": TEXT + "Marketing Inc <em>"}, {}),
        ({"cleaned_text": TEXT[:200]}, {"length_ratio": True}),
        ({"cleaned_text": TEXT * 2}, {"length_ratio": True}),
        ({"cleaned_text": TEXT + "\ufffd"}, {"replacement_characters": False}),
        ({"cleaned_text": TEXT + "CafÃ©"}, {"mojibake_left": False}),
        ({"cleaned_text": TEXT + "itâ€™s"}, {"mojibake_left": False}),
        ({"language": Language(code="und", confidence=0.0)}, {"language_known": False}),
        ({"cleaned_publication_date": "some day"}, {"dates_readable": False}),
        (
            {"entities": [{"text": "Acmi", "type": "ORG", "start_char": 0, "end_char": 4}]},
            {"offsets_valid": True},
        ),
        ({"changes": [change("Acmi", "Acme", "quotes")]}, {"offsets_valid": True}),
        (
            {"changes": [change("Acme", "A", "quotes"), change("me", "m", "quotes", 2)]},
            {"offsets_valid": True},
        ),
    ],
)
def test_a_fault_is_found(changed: dict[str, Any], misses: dict[str, bool]) -> None:
    assert missed(articles_gate().evaluate(article(**changed))) == misses


def test_no_text_is_refused() -> None:
    empty = article(original_text=" ", cleaned_text=" ", cleaned_word_count=0, entities=[])
    assert missed(articles_gate().evaluate(empty)) == {"text_present": True}


@pytest.mark.parametrize(
    "text",
    [
        "Shares of <CHEM> and <A> rose; a < b and c > d.",
        "vector<object> of <source> and map<a>, x <b> y",
        "if x<y and y>z: print(x) &c. AT&T; R&D;",
        "Café, naïve, Ångström, façade, São Paulo, £5, 50 €",
        "«Voilà» – “quoted” … ‘so’",
        "東京 и Москва",
    ],
)
def test_what_only_looks_like_a_fault_passes(text: str) -> None:
    held = TEXT + text
    verdict = articles_gate().evaluate(article(original_text=held, cleaned_text=held))
    assert verdict.status is pw.Status.PASS, missed(verdict)


@pytest.mark.parametrize(
    ("number", "status"), [(6, "PASS"), (7, "WARN"), (18, "WARN"), (19, "FAIL")]
)
def test_many_corrections_warn_and_then_block(number: int, status: str) -> None:
    changes = [change(TEXT[n], "z", "quotes+typos", n) for n in range(number)]
    held = article(changes=changes)
    assert str(articles_gate().evaluate(held).status) == status


def test_what_markup_took_away_does_not_count_as_lost() -> None:
    page = "<div class='x'>" * 200
    held = article(original_text=page + TEXT, changes=[change(page, "", "markup+whitespace")])
    assert missed(articles_gate().evaluate(held)) == {}


def test_articles_with_the_same_words_are_the_same() -> None:
    again = article(document_id="b", cleaned_text=TEXT.replace(". ", ".\n\n"))
    assert text_identity(article()) == text_identity(again)
    assert text_identity(article(cleaned_text=" ")) is None
    assert text_identity(article(cleaned_text=TEXT + "x")) != text_identity(article())
