"""Our decoding finds what spaCy's own loop finds."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.pipelines.articles.enrich.decoding import GreedyDecoder
from pipewarden.pipelines.articles.enrich.weights import DEFAULT, load_pipeline

WORDS = re.split(
    " ",
    "Apple Google said on Monday the 5 % $ million London , . Mr Smith of U.S. \n\n  Bank and"
    " 1987 John-Paul Café 東京 yesterday three of New York's Court 😀 - ( ) UK",
)


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return load_pipeline(DEFAULT, False)[1]


def ours(pipeline: Any, texts: list[str]) -> list[list[tuple[int, int, str]]]:
    docs = [pipeline.make_doc(text) for text in texts]
    return GreedyDecoder(pipeline.get_pipe("ner")).entities(docs)


def theirs(pipeline: Any, texts: list[str]) -> list[list[tuple[int, int, str]]]:
    return [[(e.start, e.end, e.label_) for e in doc.ents] for doc in pipeline.pipe(texts)]


def test_the_recogniser_is_of_the_kind_that_is_decoded_here(pipeline: Any) -> None:
    assert GreedyDecoder.fits(pipeline.get_pipe("ner"))


@pytest.mark.parametrize("attribute", ["beam_width", "unseen_classes", "name"])
def test_a_recogniser_of_another_kind_is_left_to_spacy(attribute: str) -> None:
    pipeline: Any = load_pipeline.__wrapped__(DEFAULT, False)[1]
    component = pipeline.get_pipe("ner")
    if attribute == "beam_width":
        component.cfg["beam_width"] = 4
    elif attribute == "unseen_classes":
        component.model.attrs["unseen_classes"] = {3}
    else:
        component.model.name = "another"
    assert not GreedyDecoder.fits(component)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join), max_size=4))
@settings(max_examples=60)
def test_any_text_gives_the_entities_of_spacy(texts: list[str]) -> None:
    pipeline = load_pipeline(DEFAULT, False)[1]
    assert ours(pipeline, texts) == theirs(pipeline, texts)


def test_an_entity_may_end_the_text_or_be_all_of_it(pipeline: Any) -> None:
    texts = ["", " ", "London", "He lives in New York", "New York", "\n", "Apple Inc."]
    found = ours(pipeline, texts)
    assert found == theirs(pipeline, texts)
    assert found[3][-1] == (3, 5, "GPE")


@pytest.mark.real_data
def test_real_articles_give_the_entities_of_spacy(pipeline: Any, real_data: Path) -> None:
    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for number, line in enumerate(lines) if number % 90 == 7]
    assert len(texts) >= 40
    assert ours(pipeline, texts) == theirs(pipeline, texts)
