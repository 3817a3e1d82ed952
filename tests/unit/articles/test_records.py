"""What an article is: what comes in, what is refused, and what is always writable."""

from __future__ import annotations

import json
import logging
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.articles import records
from pipewarden.pipelines.articles.records import Article, CleanedArticle, article_of, writable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("a\ud800b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def refusal(raw: Any) -> pw.BadInput:
    with pytest.raises(pw.BadInput) as caught:
        article_of(raw)
    return caught.value


def test_the_schema_file_is_fresh() -> None:
    assert records.SCHEMA_FILE.read_text(encoding="utf-8") == records.schema_text()


def test_the_output_has_the_names_that_were_promised() -> None:
    promised = (
        "document_id version original_text cleaned_text cleaned_title cleaned_excerpt"
        " cleaned_author cleaned_publication_date cleaned_revision_date cleaned_source_url"
        " cleaned_categories cleaned_tags cleaned_media_asset_urls cleaned_geographical_data"
        " cleaned_embargo_date cleaned_sentiment cleaned_word_count cleaned_publisher entities"
        " temporal_metadata language reading_time_minutes cleaned_additional_metadata changes"
    )
    assert " ".join(CleanedArticle.model_fields) == promised


def test_unknown_fields_are_kept() -> None:
    article = article_of({"document_id": "a", "text": "x", "desk": "sport", "rank": 3})
    assert article.additional_metadata == {"desk": "sport", "rank": 3}


def test_an_unknown_field_never_displaces_metadata() -> None:
    raw = {"text": "x", "desk": "sport", "additional_metadata": {"desk": "news", "rank": 3}}
    kept = article_of(raw).additional_metadata
    assert kept == {"desk": "news", "rank": 3, "record.desk": "sport"}


@pytest.mark.parametrize(
    ("field", "value", "held"),
    [
        ("document_id", 17, "17"),
        ("document_id", None, ""),
        ("publication_date", 20240115, "20240115"),
        ("publication_date", 1705312800.0, "1705312800"),
        ("publication_date", float("inf"), None),
        ("author", ["A. One", "B. Two"], "A. One, B. Two"),
        ("tags", "news", ("news",)),
        ("tags", None, ()),
        ("categories", ["a", "b"], ("a", "b")),
        ("geographical_data", {"city": "Oslo"}, {"city": "Oslo"}),
        ("sentiment", 0.5, 0.5),
        ("additional_metadata", None, {}),
    ],
)
def test_a_value_of_a_near_type_is_understood(field: str, value: Any, held: Any) -> None:
    assert getattr(article_of({"text": "x", field: value}), field) == held


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("document_id", {}),
        ("document_id", True),
        ("text", 3),
        ("text", ["a"]),
        ("title", ["a"]),
        ("author", [1]),
        ("publication_date", {}),
        ("tags", 3),
        ("tags", [1]),
        ("word_count", "many"),
        ("additional_metadata", []),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_the_name_of_its_field(
    field: str, value: Any
) -> None:
    error = refusal({"text": "x", field: value})
    assert error.reason == "wrong_type"
    assert field in error.message


def test_all_wrong_fields_are_named_at_once() -> None:
    message = refusal({"text": "x", "title": 1, "publisher": {}}).message
    assert "title" in message
    assert "publisher" in message


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ([], "not_an_object"),
        ("text", "not_an_object"),
        (None, "not_an_object"),
        ({}, "missing_text"),
        ({"text": None}, "missing_text"),
    ],
)
def test_what_is_no_record_is_refused(raw: Any, reason: str) -> None:
    assert refusal(raw).reason == reason


def test_lone_surrogates_are_replaced_one_for_one_and_logged(caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        article = article_of({"document_id": "a", "text": "x\ud800y\udfffz", "k\ud800": "v\udc00"})
    assert article.text == "x\ufffdy\ufffdz"
    assert article.additional_metadata == {"k\ufffd": "v\ufffd"}
    assert {record.item for record in caplog.records} == {"a"}


def test_nul_bytes_stay_for_the_rules_to_remove() -> None:
    assert article_of({"text": "a\x00b"}).text == "a\x00b"


@given(JSON)
def test_whatever_comes_in_can_be_written(value: Any) -> None:
    held = writable(value)
    try:
        orjson.dumps(held)
    except orjson.JSONEncodeError as error:
        assert "Integer exceeds 64-bit range" in str(error)
    json.dumps(held, allow_nan=False).encode()


@given(st.dictionaries(st.sampled_from([*Article.model_fields, "other"]), JSON))
def test_any_object_is_an_article_or_is_refused_for_a_reason(raw: dict[str, Any]) -> None:
    try:
        article = article_of(raw)
    except pw.BadInput as error:
        assert error.reason in {"missing_text", "wrong_type"}
    else:
        orjson.dumps(article.text)
