"""Which letters people confuse: what it costs to write one word for another."""

from __future__ import annotations

from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.typos.language.confusions import (
    LEARNED,
    MOST,
    Confusions,
    differing,
    pieces_of,
    unlikelihood,
)

_LETTERS = st.text("abcxyz", min_size=1, max_size=8)
_PLAIN = Confusions({}, swapped=1.0, missing=2.0, extra=3.0, vowel=4.0, other=5.0)


@given(_LETTERS, _LETTERS)
def test_only_the_word_itself_costs_nothing(word: str, meant: str) -> None:
    assert LEARNED.cost(word, word) == 0
    assert 0 <= LEARNED.cost(word, meant) <= MOST
    assert (LEARNED.cost(word, meant) > 0) == (word != meant)


def test_each_slip_has_its_cost() -> None:
    assert _PLAIN.cost("baord", "board") == 1.0
    assert _PLAIN.cost("bord", "board") == 2.0
    assert _PLAIN.cost("bxoard", "board") == 3.0
    assert _PLAIN.cost("boerd", "board") == 4.0
    assert _PLAIN.cost("boaxd", "board") == 5.0
    assert _PLAIN.cost("bxxxxxoard", "board") == 15.0
    assert _PLAIN.cost("bxxxxxxoard", "board") == MOST


def test_a_piece_is_cheaper_than_its_letters() -> None:
    pieces = pieces_of(["ph/f/0.5", "^kn/^n/0.25", "e$/$/0.75"])
    by_pieces = Confusions(pieces, swapped=1.0, missing=2.0, extra=3.0, vowel=4.0, other=5.0)
    assert by_pieces.cost("fone", "phone") == 0.5
    assert by_pieces.cost("nif", "knife") == 1.0
    assert by_pieces.cost("banow", "baknow") == 2.0


def test_what_differs_keeps_two_letters_beside_it() -> None:
    assert differing("goverment", "government") == ("erme", "ernme")
    assert differing("teh", "the") == ("^teh$", "^the$")


def test_what_people_confuse_is_likelier() -> None:
    assert unlikelihood("recieve", "receive") < unlikelihood("receuve", "receive")
    assert unlikelihood("fotograph", "photograph") < unlikelihood("zzotograph", "photograph")
    assert unlikelihood("comitted", "committed") < unlikelihood("comitted", "omitted")
