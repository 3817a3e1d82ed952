"""Entities by spans of characters, whatever the text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.articles.enrich import entities, weights
from pipewarden.pipelines.articles.enrich.entities import EntitySpan, Recogniser, pieces, recogniser
from pipewarden.pipelines.articles.settings import EntitySettings

TEXT = "Tim Cook of Apple said in London on Monday that it would pay $5 million."


@pytest.fixture
def finder() -> Recogniser:
    return recogniser("en_core_web_sm", False, 4, 50_000)


def told(text: str, spans: Any) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.type) for span in spans]


def test_entities_are_spans_of_the_text(finder: Recogniser) -> None:
    (found,) = finder.find([TEXT])
    assert ("Tim Cook", "PERSON") in told(TEXT, found)
    assert ("London", "GPE") in told(TEXT, found)
    assert ("Monday", "DATE") in told(TEXT, found)
    assert found == sorted(found)


def test_each_text_gets_its_own_answer_in_order(finder: Recogniser) -> None:
    texts = [TEXT if number % 3 else "" for number in range(11)]
    answers = finder.find(texts)
    assert [bool(answer) for answer in answers] == [bool(text) for text in texts]


def test_a_text_that_fails_costs_only_itself(finder: Recogniser, monkeypatch: Any) -> None:
    real = Recogniser._spans

    def fails(self: Recogniser, texts: list[str]) -> Any:
        if any("poison" in text for text in texts):
            raise ValueError("poisoned")
        return real(self, texts)

    monkeypatch.setattr(Recogniser, "_spans", fails)
    answers = finder.find([TEXT, "poison", TEXT, "London", "Paris"])
    assert isinstance(answers[1], ValueError)
    assert answers[0] == answers[2]
    assert told("London", answers[3]) == [("London", "GPE")]
    assert not isinstance(answers[4], Exception)


def test_a_long_text_is_taken_in_pieces_with_exact_offsets() -> None:
    paragraph = TEXT + "\n\n"
    text = paragraph * 40
    whole = recogniser("en_core_web_sm", False, 4, 50_000).find([text])[0]
    cut = recogniser("en_core_web_sm", False, 4, 1_000).find([text])[0]
    assert told(text, cut)[:3] == told(text, whole)[:3]
    assert len(cut) == len(whole)
    assert all(text[start:end].strip() == text[start:end] for start, end, _ in cut)


@given(st.text(alphabet="ab .\n😀x", max_size=400), st.integers(10, 60))
def test_pieces_cover_the_text_and_keep_the_limit(text: str, limit: int) -> None:
    spans = list(pieces(text, limit))
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(0 < end - start <= limit for start, end in spans)


def test_pieces_are_cut_between_paragraphs() -> None:
    text = "one two. three\n\nfour five\nsix"
    assert [text[a:b] for a, b in pieces(text, 20)] == ["one two. three\n", "\nfour five\nsix"]


def test_runs_that_are_no_words_are_left_out(finder: Recogniser) -> None:
    text = "London " + "(" * 100_000 + " Paris"
    assert [text[start:end] for start, end in pieces(text, 50_000)] == ["London ", " Paris"]
    assert told(text, finder.find([text])[0])[0] == ("London", "GPE")


@pytest.mark.parametrize("text", ["", " \n ", "😀" * 9, "\x00", "a" * 5_000, "\u202e"])
def test_odd_texts_have_an_answer(finder: Recogniser, text: str) -> None:
    assert not isinstance(finder.find([text])[0], Exception)


@given(st.lists(st.sampled_from(["(", "a.", "x" * 249, "y" * 251, " ", "\n"]), max_size=400))
def test_no_word_is_long_enough_to_cost_more_than_its_length(parts: list[str]) -> None:
    text = "".join(parts)
    words = [word for start, end in pieces(text, 1_000) for word in text[start:end].split()]
    assert max(map(len, words), default=0) < 250


def test_what_utf8_has_not_is_the_error_of_that_text_alone(finder: Recogniser) -> None:
    answers = finder.find(["\ud800 London", "Paris"])
    assert isinstance(answers[0], UnicodeEncodeError)
    assert answers[1] == finder.find(["Paris"])[0]


def test_words_are_remembered_up_to_a_number_and_then_forgotten_again() -> None:
    finder = Recogniser(weights.load_pipeline("en_core_web_sm", False)[1], 4, 50_000)
    strings = finder._pipeline.vocab.strings
    finder.find(["Quxzzle blorpqed"])
    assert "Quxzzle" in strings
    finder._full = len(strings)
    finder.find([f"Vexxil{number} drumpq{number}" for number in range(50)])
    assert len(strings) == finder._full
    assert "Vexxil7" not in strings


def test_pipelines_of_another_kind_are_asked_in_spacys_own_way() -> None:
    import spacy

    blank = spacy.blank("en")
    ruler: Any = blank.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Acme"}])
    found = Recogniser(blank, 4, 1_000).find(["Acme grows", "nothing"])
    assert found == [[EntitySpan(0, 4, "ORG")], []]


def test_weights_that_were_not_released_are_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(weights, "_digest", lambda folder: "other")
    with pytest.raises(pw.InvalidSettings, match="are not the released ones"):
        weights.find_weights(weights.DEFAULT)


def test_weights_that_are_named_explicitly_are_trusted(monkeypatch: Any) -> None:
    folder = weights.find_weights(weights.DEFAULT).folder
    monkeypatch.setattr(weights, "_digest", lambda folder: "other")
    assert weights.find_weights(str(folder)).digest == "other"


def test_a_model_that_is_not_there_is_replaced_and_told(caplog: Any) -> None:
    facts = weights.engine_facts(EntitySettings(model="en_core_web_trf"), load=False)
    assert facts["configured"]["model"] == "en_core_web_trf"
    assert "en_core_web_trf" not in facts["available"]["models"]
    assert facts["in_use"]["model"] in weights.KNOWN
    assert any("another spaCy pipeline" in record.message for record in caplog.records)


def test_without_any_model_the_missing_extra_is_named(monkeypatch: Any) -> None:
    monkeypatch.setattr(weights, "KNOWN", {})
    with pytest.raises(pw.MissingExtra, match="articles"):
        weights.find_weights("nothing_of_this_name")
    facts = weights.engine_facts(EntitySettings(model="nothing_of_this_name"), load=False)
    assert facts["in_use"] is None
    assert "articles" in facts["problem"]


def test_a_gpu_that_is_required_and_absent_is_an_error() -> None:
    try:
        import cupy  # noqa: F401
    except ImportError:
        with pytest.raises(pw.DependencyUnavailable, match="GPU"):
            weights.load_pipeline.__wrapped__(weights.DEFAULT, True)
    else:
        pytest.skip("there is a GPU library")


def test_the_facts_of_a_loaded_model_say_what_works() -> None:
    facts = weights.engine_facts(EntitySettings())
    assert facts["in_use"]["components"] == ["ner"]
    assert facts["in_use"]["device"] == "cpu"
    assert facts["in_use"]["weights_sha256"] == weights.KNOWN[facts["in_use"]["model"]][1]
    assert entities.recogniser("en_core_web_sm", False, 4, 50_000).language == "en"
