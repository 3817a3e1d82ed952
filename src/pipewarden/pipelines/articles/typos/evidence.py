"""What speaks for each reading of an unknown word: that it is right, or a slip for another."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from pipewarden.pipelines.articles.typos.language.confusions import MOST, unlikelihood
from pipewarden.pipelines.articles.typos.language.lexicon import Lexicon
from pipewarden.pipelines.articles.typos.language.neighbours import Neighbours
from pipewarden.pipelines.articles.typos.language.spelling import (
    VOWELS,
    is_compound,
    is_derived,
    slips,
    sound,
)
from pipewarden.pipelines.articles.typos.language.wording import FOREIGN_PARTICLES

#: Candidates that are weighed in full; the others are too rare or too far to win.
_WEIGHED = 16
#: What a further edit weighs against frequency in that first choice, in powers of ten.
_FIRST_GLANCE = 1.5
#: Words this long may be three edits away; shorter than four letters, two edits away from the
#: commonest words alone.
_LONG = 7
_VERY_COMMON = 5.5
_STEM = 4
#: Powers of ten in a unit of unlikelihood, and by which slips are rarer still than their words.
_SHARE, _RARER = 0.43, 0.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """An unknown word where it stands.

    Parameters
    ----------
    word
        The word in lower case.
    left, right
        The words beside it, in lower case; empty where punctuation or nothing stands between.
    unknown_beside
        How many of the words beside it are unknown too.
    """

    word: str
    left: str
    right: str
    unknown_beside: int = 0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one document.

    Parameters
    ----------
    lower
        How often each word stands, in lower case.
    capital
        How often each unknown one stands with a capital where no sentence begins, in lower case.
    pairs
        The pairs of neighbouring words, in lower case.
    """

    lower: Counter[str]
    capital: Counter[str]
    pairs: frozenset[str]


NO_VOCABULARY = Vocabulary(Counter(), Counter(), frozenset())


def candidates(
    seen: Sighting, lexicon: Lexicon, index: Neighbours, most: int
) -> list[tuple[str, int]]:
    """Return the words that a sighting may stand for, with their distances, likeliest first.

    Parameters
    ----------
    seen
        The unknown word.
    lexicon, index
        What is known.
    most
        Most edits between the word and a candidate.
    """
    word = seen.word
    near = index.within(word, most if len(word) >= _LONG else min(2, most))
    if len(word) < 4:
        near = [one for one in near if one[1] == 1 or lexicon.words[one[0]] >= _VERY_COMMON]
    ranked = sorted(near, key=lambda one: _FIRST_GLANCE * one[1] - lexicon.words[one[0]])
    if len(ranked) > _WEIGHED:
        kept = ranked[:_WEIGHED]
        fitting = [
            one
            for one in ranked[_WEIGHED:]
            if f"{seen.left} {one[0]}" in lexicon.pairs or f"{one[0]} {seen.right}" in lexicon.pairs
        ]
        ranked = kept + fitting[:_WEIGHED]
    return ranked


def for_candidate(
    seen: Sighting, meant: str, edits: int, lexicon: Lexicon, document: Vocabulary
) -> tuple[float, ...]:
    """Return the figures that speak for a slip; `CANDIDATE_FIGURES` names them."""
    word = seen.word
    made = slips(word, meant)
    left, left_on_record = lexicon.attraction(seen.left, meant)
    right, right_on_record = lexicon.attraction(meant, seen.right)
    beside = (f"{seen.left} {meant}" in document.pairs) + (
        f"{meant} {seen.right}" in document.pairs
    )
    return (
        lexicon.words[meant],
        edits,
        edits / len(word),
        made.swapped,
        made.doubled,
        made.vowels,
        made.keys,
        made.missing,
        made.extra,
        word[0] != meant[0],
        word[-1] != meant[-1],
        sound(word) == sound(meant),
        left_on_record and max(-2.0, min(4.0, left)),
        0.0 if left_on_record else max(-4.0, left),
        not left_on_record and seen.left in lexicon.counts,
        right_on_record and max(-2.0, min(4.0, right)),
        0.0 if right_on_record else max(-4.0, right),
        not right_on_record and seen.right in lexicon.counts,
        math.log1p(document.lower[meant]),
        beside,
        edits == 1,
        word[:2] == meant[:2],
        word[-2:] == meant[-2:],
        sorted(set(word)) == sorted(set(meant)),
        sorted(word) == sorted(meant),
        _inflected(word, meant),
        *by_unlikelihood(word, meant, unlikelihood(word, meant), lexicon),
    )


CANDIDATE_FIGURES = (
    "frequency",
    "edits",
    "edits by length",
    "swapped",
    "doubled",
    "vowels",
    "keys",
    "missing",
    "extra",
    "first letter",
    "last letter",
    "same sound",
    "left pair",
    "left pair missed",
    "no left pair",
    "right pair",
    "right pair missed",
    "no right pair",
    "in the document",
    "pair in the document",
    "one edit",
    "same beginning",
    "same ending",
    "same letters",
    "same letters as often",
    "ending alone",
    "unlikelihood",
    "unlikelihood squared",
    "written as often as expected",
    "written more often than expected",
)


def by_unlikelihood(
    word: str, meant: str, unlikely: float, lexicon: Lexicon
) -> tuple[float, float, float, float]:
    """Return the last figures of a candidate: how unlikely the slip is, and how often it is made.

    Many a common misspelling is on record as if it were a word, just as often as slips explain.

    Parameters
    ----------
    word, meant
        The word as written, and another, both in lower case.
    unlikely
        The cost of writing one for the other.
    lexicon
        What is known of words.
    """
    written = lexicon.written.get(word)
    if written is None:
        return unlikely, unlikely * unlikely / MOST, 0.0, 0.0
    expected = lexicon.words[meant] - _SHARE * unlikely - _RARER
    explained = written * min(1.0, max(0.0, expected - written + 1))
    return unlikely, unlikely * unlikely / MOST, explained, min(0.0, expected - written)


def _inflected(word: str, meant: str) -> bool:
    """Tell whether two words differ in their endings alone."""
    begin = min(len(word), len(meant)) - 1
    return begin >= _STEM and word[:begin] == meant[:begin]


def rate_of_slips(others: float = 0.0, words: int = 0) -> float:
    """Return how often a document's words are misspelt: who slips once slips again.

    Parameters
    ----------
    others
        The expected number of misspelt words, the one in question left out.
    words
        The number of words.

    Returns
    -------
    float
        The natural logarithm of the rate; that of one in 50 where nothing is known.
    """
    return math.log((0.5 + others) / (25 + words))


def for_word(seen: Sighting, lexicon: Lexicon, document: Vocabulary) -> tuple[float, ...]:
    """Return the figures that speak for leaving the word; `WORD_FIGURES` names them.

    The last, the rate of slips, is not among them: it takes a first look at every other word.
    """
    word = seen.word
    written = lexicon.written.get(word)
    return (
        1.0,
        written or 0.0,
        written is not None,
        math.log(max(1, document.lower[word])),
        is_compound(word, lexicon.words),
        is_derived(word, lexicon.words),
        len(word),
        len(word) < 4,
        seen.unknown_beside,
        (seen.left in FOREIGN_PARTICLES) + (seen.right in FOREIGN_PARTICLES),
        VOWELS.isdisjoint(word),
    )


WORD_FIGURES = (
    "always",
    "frequency",
    "written at all",
    "again in the document",
    "compound",
    "derived",
    "letters",
    "short",
    "unknown beside",
    "particle beside",
    "no vowel",
    "rate of slips",
)
