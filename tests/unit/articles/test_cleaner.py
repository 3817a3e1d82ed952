# ruff: noqa: RUF001, E501 - texts are in their own languages, and a table of them
"""The whole cleaning: what it promises of any text, of any record, and of bad ones."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

import pipewarden as pw
from pipewarden.engine.metering import measuring
from pipewarden.pipelines.articles import ArticleCleaner, clean, records
from pipewarden.pipelines.articles.checks import articles_gate
from pipewarden.pipelines.articles.cleaner import (
    _needed,
    prepare_worker,
    process_record,
    process_records,
)
from pipewarden.pipelines.articles.enrich.entities import Recogniser
from pipewarden.pipelines.articles.records import CleanedArticle
from pipewarden.pipelines.articles.settings import RuleSettings, article_settings
from pipewarden.pipelines.articles.steps import AFTER_ENTITIES
from pipewarden.pipelines.articles.text.edits import repaired, restore
from pipewarden.pipelines.articles.text.rules import RULES
from pipewarden.pipelines.articles.typos.corrector import TypoCorrector

PIECES = st.sampled_from(
    [
        "Tim Cook ", "Apple ", "in London ", "the goverment ", "recieved ", "$5m ", "€50 ", "5km ",
        "£600m ", "“said” ", "Café ", "東京 ", "<p>", "</p>", "<CHEM> ", "a < b ", "&amp; ", "cafÃ© ",
        "\x00", "\u200b", "...", "!!!", ",and ", "\n", "\n\n", "  ", "3.14 ", "U.S. ", "example.com ",
        "yesterday ", "on Monday ", "\u202e", "e\u0301", "\ufffd", "@user ", "https://a.b/c?d=e ", "😀",
        "itâ€™s ", "<script>x</script>", "teh ", "Smiht ", "1,000 ", ". ",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=120)
#: Switches that are no rules of the text itself.
FIELDS = {"title", "excerpt", "author", "tags"}


def good(record: CleanedArticle) -> None:
    """Assert what holds for every output record."""
    assert restore(record.cleaned_text, record.changes) == record.original_text  # type: ignore[arg-type]
    assert repaired(record.original_text, record.changes) == record.cleaned_text  # type: ignore[arg-type]
    for span in (*record.entities, *record.temporal_metadata):
        assert record.cleaned_text[span.start_char : span.end_char] == span.text != ""
    VALID.validate(json.loads(record.model_dump_json()))


VALID = jsonschema.Draft202012Validator(records.json_schema())


@pytest.fixture(scope="module")
def cleaner() -> ArticleCleaner:
    return ArticleCleaner()


@given(TEXTS)
@settings(max_examples=150)
def test_every_edit_is_logged_and_every_offset_is_exact(text: str) -> None:
    good(ArticleCleaner().clean({"document_id": "a", "text": text}))


@given(TEXTS, st.sets(st.sampled_from(list(RuleSettings.model_fields))))
@settings(max_examples=60)
def test_a_rule_that_is_off_leaves_no_trace(text: str, off: set[str]) -> None:
    result = ArticleCleaner().clean({"text": text}, rules=dict.fromkeys(off, False))
    good(result)
    used = set(itertools.chain.from_iterable(change.rule.split("+") for change in result.changes))
    assert not used & off


@given(TEXTS)
@settings(max_examples=40)
def test_without_rules_a_text_stays_as_it_is(text: str) -> None:
    result = ArticleCleaner().clean(
        {"text": text}, rules=dict.fromkeys(RuleSettings.model_fields, False)
    )
    assert result.cleaned_text == result.original_text
    assert result.changes == ()


def test_the_switches_are_the_rules() -> None:
    assert set(RuleSettings.model_fields) == {*RULES, *FIELDS, "typos"}
    assert set(AFTER_ENTITIES) < set(RULES)


def test_an_entity_is_found_where_it_is_after_all_edits(cleaner: ArticleCleaner) -> None:
    result = clean("<p>“Tim  Cook” of Apple paid £600m  in London.</p>")
    told = {(entity.text, entity.type) for entity in result.entities}
    assert ("London", "GPE") in told
    assert "GBP 600 million" in result.cleaned_text
    assert result.entities == tuple(sorted(result.entities, key=lambda entity: entity.start_char))


@pytest.mark.parametrize("amount", ["$5m", "£600m", "$1.13bn"])
def test_an_amount_is_one_entity_with_its_currency(amount: str) -> None:
    result = clean(f"The firm said that profits rose to {amount} in the last quarter of 2004.")
    found = [entity.text for entity in result.entities if entity.type == "MONEY"]
    assert len(found) == 1
    assert found[0].startswith(("USD ", "GBP "))
    assert found[0].endswith("illion")


def test_names_are_protected_wherever_they_stand_and_their_twins_are_not(monkeypatch: Any) -> None:
    seen: list[tuple[str, Any]] = []

    def note(self: Any, text: str, protected: Any = (), language: Any = "en") -> list[Any]:
        seen.append((text, list(protected)))
        return []

    monkeypatch.setattr(TypoCorrector, "corrections", note)
    clean("Tim Cook said in London that the cook of the house was late on Monday.")
    ((text, protected),) = seen
    held = [text[start:end] for start, end in protected]
    assert "Tim Cook" in held
    assert "London" in held
    assert "cook" not in held


def test_entities_of_every_type_are_protected_but_only_those_asked_for_are_told(
    monkeypatch: Any,
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        TypoCorrector,
        "corrections",
        lambda self, text, protected=(), language="en": seen.extend(protected) or [],
    )
    result = clean("Tim Cook of Apple flew to London on Monday.", entities={"types": ["GPE"]})
    assert {entity.type for entity in result.entities} == {"GPE"}
    assert len(seen) > len(result.entities)


def test_overrides_hold_for_one_record_and_change_nothing(cleaner: ArticleCleaner) -> None:
    record = {"text": "It was $100 in London."}
    before = cleaner.settings.model_dump()
    assert "USD 100" in cleaner.clean(record).cleaned_text
    assert "$100" in cleaner.clean(record, rules={"currency": False}).cleaned_text
    assert "$100" in cleaner.clean(record, **{"rules.currency": False}).cleaned_text
    assert "USD 100" in cleaner.clean(record).cleaned_text
    assert cleaner.settings.model_dump() == before


def test_two_threads_with_other_overrides_do_not_mix(cleaner: ArticleCleaner) -> None:
    from concurrent.futures import ThreadPoolExecutor

    record = {"text": "It was $100 in London."}

    def one(on: bool) -> bool:
        return "USD 100" in cleaner.clean(record, rules={"currency": on}).cleaned_text

    asked = [bool(number % 2) for number in range(40)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(one, asked)) == asked


def test_records_come_out_in_order_and_a_bad_one_keeps_its_place(cleaner: ArticleCleaner) -> None:
    raws: list[Any] = [{"document_id": str(n), "text": f"London number {n}"} for n in range(11)]
    raws[4] = {"document_id": "4"}
    raws[7] = ["no record"]
    found = list(cleaner.clean_many(raws))
    told = [one.reason if isinstance(one, pw.BadInput) else one.document_id for one in found]
    assert told == ["0", "1", "2", "3", "missing_text", "5", "6", "not_an_object", "8", "9", "10"]
    for raw, one in zip(raws, found, strict=True):
        if isinstance(one, CleanedArticle):
            assert one.original_text == raw["text"]


def test_records_are_taken_one_batch_at_a_time() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield {"document_id": str(taken), "text": "London"}

    found = ArticleCleaner({"entities.batch_size": 3}).clean_many(endless())
    assert [one.document_id for one in itertools.islice(found, 4)] == ["1", "2", "3", "4"]  # type: ignore[union-attr]
    assert taken == 6


def test_one_bad_document_neither_kills_nor_shifts_a_batch(monkeypatch: Any) -> None:
    real = Recogniser._spans

    def fails(self: Recogniser, texts: list[str]) -> Any:
        if any("poison" in text for text in texts):
            raise ValueError("poisoned")
        return real(self, texts)

    monkeypatch.setattr(Recogniser, "_spans", fails)
    raws = [{"document_id": name, "text": f"{name} in London."} for name in ("a", "poison", "c")]
    first, second, third = process_records(raws, article_settings())
    assert isinstance(second, pw.BadInput)
    assert "poisoned" in second.message
    for one, name in ((first, "a"), (third, "c")):
        assert isinstance(one, CleanedArticle)
        assert one.document_id == name
        assert one.cleaned_text == f"{name} in London."
        assert [entity.text for entity in one.entities] == ["London"]


def test_fields_are_cleaned_safely_and_dates_are_read(cleaner: ArticleCleaner) -> None:
    record = cleaner.clean(
        {
            "document_id": "a",
            "text": "It happened on Monday.",
            "title": "Smiht  wins",
            "author": "Jon Smyht",
            "publication_date": "March 13, 2024",
            "revision_date": "some day",
            "source_url": " https://example.com/a ",
            "geographical_data": {"city": "Oslo"},
            "sentiment": -0.5,
            "word_count": 7,
            "desk": "world",
        }
    )
    assert "Smiht" in (record.cleaned_title or "")
    assert record.cleaned_author == "Jon Smyht"
    assert record.cleaned_publication_date == "2024-03-13"
    assert record.cleaned_revision_date == "some day"
    assert record.cleaned_source_url == "https://example.com/a"
    assert record.cleaned_geographical_data == {"city": "Oslo"}
    assert record.cleaned_sentiment == -0.5
    assert record.cleaned_word_count == 4
    assert record.cleaned_additional_metadata == {"desk": "world"}
    assert [told.date for told in record.temporal_metadata] == ["2024-03-11"]
    assert {finding.check for finding in articles_gate().evaluate(record).misses} == {
        "dates_readable"
    }


@pytest.mark.parametrize("day_first", [True, False])
def test_which_number_is_the_day_is_a_setting(cleaner: ArticleCleaner, day_first: bool) -> None:
    raw = {"text": "x", "publication_date": "03/04/2024"}
    found = cleaner.clean(raw, dates={"day_first": day_first}).cleaned_publication_date
    assert found == ("2024-04-03" if day_first else "2024-03-04")


def test_text_of_another_language_gets_no_english_names_and_no_corrections() -> None:
    text = (
        "El presidente anunció el lunes en Madrid que bajarán los impuestos de toda la población."
    )
    result = clean(text)
    assert (result.language.code, result.entities, result.changes) == ("es", (), ())
    assert clean(text, language="en").language.confidence == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "😀" * 500,
        "<div></div>" * 200,
        "a\x00b " * 100,
        "x\ud800y " * 50,
        "\u202eשלום עולם, זה מאמר חדשות על ירושלים\u202c " * 20,
        "总统周一宣布减税。这是一个重要的决定。" * 50,
        " " * 1_000_000,
        "(" * 20_000,
        "a" * 30_000,
        "<" * 10_000,
        "&" * 10_000,
        "!?" * 10_000,
        "\n" * 30_000,
        "$" * 10_000,
        "1," * 10_000,
        "Ã" * 5_000,
        "<a " * 5_000,
        "“" * 5_000,
        "http://" * 3_000,
        "a@" * 5_000,
        "aaaaaaaaaaaaaaaaaaaaaaaa! " * 1_000,
        "\r" * 10_000,
        "\u200b" * 10_000,
        "." * 20_000,
        "e\u0301" * 5_000,
    ],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
def test_odd_texts_pass_or_are_refused_by_the_gate(text: str) -> None:
    record = process_record({"document_id": "a", "text": text}, article_settings())
    good(record)
    articles_gate().evaluate(record)


def test_an_article_says_where_its_time_went() -> None:
    taken: dict[str, float] = {}
    with measuring(taken):
        process_record({"document_id": "a", "text": "Prices rose."}, article_settings())
    assert set(taken) == {"clean", "entities", "correct", "describe"}


def test_a_text_that_is_too_long_is_refused_at_once(cleaner: ArticleCleaner) -> None:
    with pytest.raises(pw.BadInput) as caught:
        cleaner.clean({"document_id": "a", "text": "word " * 1_000_001})
    assert caught.value.reason == "text_too_long"


def test_only_markup_is_nothing_to_publish(cleaner: ArticleCleaner) -> None:
    record = cleaner.clean({"document_id": "a", "text": "<div><br/></div>" * 30})
    verdict = articles_gate().evaluate(record)
    assert "text_present" in verdict.reason


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(pw.BadInput, match="text"):
        clean(5)  # type: ignore[arg-type]


def test_a_worker_gets_one_thread_for_products_of_matrices() -> None:
    environment: dict[str, str] = {"OMP_NUM_THREADS": "3"}
    prepare_worker(article_settings(), environment)
    assert environment == {
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def test_naming_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, pipewarden.pipelines.articles as a; "
        "print([m for m in ('pydantic', 'spacy', 'numpy', 'lxml') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_missing_library_is_one_sentence_with_the_command(monkeypatch: Any) -> None:
    _needed.cache_clear()
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(pw.MissingExtra, match="articles"):
        clean("x")
    monkeypatch.undo()
    assert clean("x").cleaned_text == "x"


@pytest.mark.real_data
def test_real_articles_are_published_with_their_names_unharmed(real_data: Path) -> None:
    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        raws = [json.loads(line) for number, line in enumerate(lines) if number % 100 == 3]
    cleaner, gate = ArticleCleaner(), articles_gate()
    untouched = ArticleCleaner({"rules": {"typos": False}})
    for record, other in zip(cleaner.clean_many(raws), untouched.clean_many(raws), strict=True):
        assert isinstance(record, CleanedArticle)
        assert isinstance(other, CleanedArticle)
        good(record)
        assert [entity.text for entity in record.entities] == [e.text for e in other.entities]
        assert not [finding for finding in gate.evaluate(record).misses if finding.blocks]
