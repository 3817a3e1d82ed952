"""Typo correction: what is put right, what is left alone, and what cannot break it."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import pipewarden as pw
from pipewarden.pipelines.articles.typos.corrector import Correction, TypoCorrector
from pipewarden.pipelines.articles.typos.language.neighbours import Neighbours
from pipewarden.pipelines.articles.typos.language.spelling import is_compound, is_derived, slips
from pipewarden.pipelines.articles.typos.protection import merged, protected_spans
from pipewarden.pipelines.articles.typos.settings import TypoSettings


@pytest.fixture(scope="module")
def corrector() -> TypoCorrector:
    return TypoCorrector()


def applied(text: str, made: list[Correction]) -> str:
    for correction in reversed(made):
        assert text[correction.start : correction.end] == correction.before
        text = text[: correction.start] + correction.after + text[correction.end :]
    return text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Officials said teh, new plan.", "Officials said the, new plan."),
        ("The plan (of the goverment) failed.", "The plan (of the government) failed."),
        ("It is the goverment's plan.", "It is the government's plan."),
        ("Howver, we are confident.", "However, we are confident."),
        ("The bank whihc lends money.", "The bank which lends money."),
    ],
)
def test_surely_misspelt_words_are_put_right(
    corrector: TypoCorrector, wrong: str, right: str
) -> None:
    assert applied(wrong, corrector.corrections(wrong)) == right


@pytest.mark.parametrize(
    "text",
    [
        "The eurozone carmaker said its colour and favorite labor were fine.",
        "Mr Recieve met Bushh in Goverment House.",
        "Visit goverment.com or write to teh@goverment.org today.",
        "Use `recieve` and teh_goverment or recieveMoney(x).",
        "The TEH and the McGoverment and the café's goverment-led plan.",
        "Shares of recieve2 rose by 3teh points, see #goverment and @goverment.",
        "The firm said dlrs and mln and bpd and vs were normal.",
        "He lives in the casa de recieve now.",
    ],
)
def test_what_may_be_right_is_left_alone(corrector: TypoCorrector, text: str) -> None:
    assert corrector.corrections(text) == []


def test_protection_is_by_span(corrector: TypoCorrector) -> None:
    text = "The goverment said that the goverment agreed."
    made = corrector.corrections(text, [(4, 13)])
    assert [(c.start, c.after) for c in made] == [(28, "government")]
    assert corrector.corrections(text, [(28, 30), (0, 6)]) == []


def test_other_languages_are_left_alone(corrector: TypoCorrector) -> None:
    text = "The goverment said so."
    assert corrector.corrections(text, language="de") == []
    assert corrector.corrections(text, language=None) == []
    german = "Die Regierung hat gestern beschlossen, dass die neuen Regeln bald gelten sollen."
    assert corrector.corrections(german) == []


def test_own_words_are_left_alone(tmp_path: Path) -> None:
    listed = tmp_path / "own.txt"
    listed.write_text("# ours\nGoverment\n", encoding="utf-8")
    own = TypoCorrector(TypoSettings(dictionary=("Recieve",), dictionary_file=listed))
    assert own.corrections("The goverment will recieve money.") == []


def test_a_dictionary_that_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pw.InvalidSettings, match="does not read"):
        TypoCorrector(TypoSettings(dictionary_file=tmp_path / "absent.txt"))


def test_a_name_of_the_document_is_no_typo(corrector: TypoCorrector) -> None:
    text = "The firm Goverment said so. It was goverment that agreed."
    assert corrector.corrections(text) == []


def test_a_word_that_returns_is_a_term(corrector: TypoCorrector) -> None:
    text = "The goverment said that the goverment agreed."
    assert len(corrector.corrections(text)) == 2
    assert corrector.corrections(f"{text} They asked the goverment again.") == []


def test_a_surer_threshold_corrects_less() -> None:
    text = "The bank said that teh goverment wold recieve the monye in Febuary."
    counts = [
        len(TypoCorrector(TypoSettings(min_confidence=least)).corrections(text))
        for least in (0.5, 0.9, 0.999, 1.0)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_corrections_are_sorted_spans_of_the_text(text: str) -> None:
    text = f"The goverment said {text} and teh bank agreed"
    protected = protected_spans(text)
    made = TypoCorrector().corrections(text, [(4, 13)])
    at = 0
    for correction in made:
        assert at <= correction.start < correction.end <= len(text)
        assert text[correction.start : correction.end] == correction.before
        assert not any(a < correction.end and correction.start < b for a, b in protected)
        assert correction.start >= 13
        assert correction.before != correction.after
        at = correction.end


@given(st.text("ab .,-@`1Aé\n", max_size=40))
def test_a_look_at_one_place_protects_it_as_a_look_at_all(text: str) -> None:
    places = [at for at, sign in enumerate(text) if sign.isalpha()]
    everywhere = {at for a, b in protected_spans(text) for at in range(a, b)}
    for place in places:
        here = {at for a, b in protected_spans(text, [place]) for at in range(a, b)}
        assert (place in here) == (place in everywhere)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_merged_spans_cover_the_same(spans: list[tuple[int, int]]) -> None:
    cover = merged(spans)
    assert {i for a, b in cover for i in range(a, b)} == {i for a, b in spans for i in range(a, b)}
    assert all(one[1] < two[0] for one, two in pairwise(cover))


@pytest.mark.parametrize(
    "text",
    [
        "😀" * 5_000,
        "中文" * 5_000,
        "مرحبا بالعالم " * 1_000,
        "a" * 1_000_000,
        "(a+)+$ " * 5_000,
        "`" * 100_000,
        "a." * 100_000,
        "\n" * 100_000,
        "xqzt " * 20_000,
        "\x00\ud800\udfff",
        "",
    ],
    ids=str.__len__,
)
def test_odd_texts_pass_unharmed(corrector: TypoCorrector, text: str) -> None:
    assert corrector.corrections(text) == []


def test_odd_signs_beside_a_word_do_not_hide_it(corrector: TypoCorrector) -> None:
    text = "\x00 \ud800 The bank said that the goverment agreed."
    assert [c.after for c in corrector.corrections(text)] == ["government"]


_LETTERS = st.text("abc", min_size=1, max_size=7)


@given(_LETTERS, st.lists(_LETTERS, min_size=1, max_size=20), st.integers(1, 3))
def test_the_index_finds_what_a_plain_search_finds(word: str, known: list[str], most: int) -> None:
    found = dict(Neighbours(known).within(word, most))
    assert found == {k: d for k in known if (d := distance(word, k)) <= most}


@given(_LETTERS, _LETTERS)
def test_slips_add_up_to_the_distance(word: str, meant: str) -> None:
    made = slips(word, meant)
    assert sum(getattr(made, kind) for kind in made.__slots__) == distance(word, meant)


def distance(one: str, two: str) -> int:
    """Return the restricted Damerau-Levenshtein distance by its definition."""
    rows = [list(range(len(two) + 1))]
    for i, a in enumerate(one, 1):
        rows.append([i])
        for j, b in enumerate(two, 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i].append(best)
    return rows[-1][-1]


def test_words_by_rule() -> None:
    words = {"car": 5.0, "maker": 4.5, "tweet": 4.0, "make": 5.0, "country": 5.0, "zone": 4.5}
    assert is_compound("carmaker", words)
    assert not is_compound("carzz", words)
    assert is_derived("eurozone", words)
    assert is_derived("tweeting", words)
    assert not is_derived("makeing", words)
    assert not is_derived("countrys", words)


@pytest.mark.real_data
def test_clean_news_stays_as_it_is(corrector: TypoCorrector, real_data: Path) -> None:
    """The rules alone protect: no entity spans are given."""
    words, made = 0, []
    with gzip.open(real_data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 8 == 0:
                text = json.loads(line)["text"]
                words += len(text.split())
                made += corrector.corrections(text)
    assert len(made) / words <= 4e-4
    assert sum(c.before[0].isupper() for c in made) / words <= 2e-5
