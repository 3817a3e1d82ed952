"""What is known of words: how common each is, and beside which neighbours.

Words come from symspellpy's English list (SCOWL words that Google's n-grams know, British
spellings included), frequencies from wordfreq, pairs from symspellpy's bigrams. All are read from
those packages; none is copied.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import pipewarden as pw

_WORDS, _PAIRS = "frequency_dictionary_en_82_765.txt", "frequency_bigramdictionary_en_243_342.txt"
#: log10 of the tokens that symspellpy's counts were taken from: Google's n-grams.
_LOG_TOKENS = 12.01
#: British endings and their American twins, by rule; a twin counts if people write it.
_AMERICAN = (
    ("our", "or"),
    ("yse", "yze"),
    ("ise", "ize"),
    ("isation", "ization"),
    ("ising", "izing"),
    ("ised", "ized"),
    ("ises", "izes"),
    ("lled", "led"),
    ("lling", "ling"),
    ("ller", "ler"),
    ("tre", "ter"),
    ("tred", "tered"),
    ("ogue", "og"),
    ("ence", "ense"),
    ("minium", "minum"),
    ("iality", "ialty"),
    ("sceptic", "skeptic"),
    ("cheque", "check"),
)
_LEAST_WRITTEN = 2.5


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and their frequencies, as Zipf values (log10 of occurrences per billion words).

    Parameters
    ----------
    words
        Every word that a correction may put in, and its frequency.
    written
        Every word that people write, misspellings among them, and its frequency.
    pairs
        How often two words stand side by side.
    counts
        How often a word stands at all, in the same collection.
    rarest
        How often the rarest pair stands.
    """

    words: dict[str, float]
    written: dict[str, float]
    pairs: dict[str, int]
    counts: dict[str, int]
    rarest: int

    def attraction(self, left: str, right: str) -> tuple[float, bool]:
        """Return how much more often two words are neighbours than chance has it.

        A pair that is not on record is rarer than the rarest that is, which says much of two
        common words and nothing of two rare ones.

        Parameters
        ----------
        left, right
            The words, in order.

        Returns
        -------
        tuple
            The pointwise mutual information in powers of ten, at most what the record allows and
            never above 0 for a pair that is not on record; and whether it is.
        """
        pair = self.pairs.get(f"{left} {right}")
        if left not in self.counts or right not in self.counts:
            return 0.0, False
        count = self.rarest if pair is None else pair
        more = math.log10(count / self.counts[left] / self.counts[right]) + _LOG_TOKENS
        return (min(0.0, more), False) if pair is None else (more, True)


@functools.lru_cache(maxsize=1)
def english() -> Lexicon:
    """Return the lexicon of English; the first call reads it.

    Raises
    ------
    MissingExtra
        symspellpy or wordfreq is not installed.
    """
    try:
        import wordfreq

        fields, paired = _read(_WORDS), _read(_PAIRS)
    except ImportError:
        raise pw.MissingExtra("Typo correction", "articles") from None
    counts = dict(zip(fields[::2], map(int, fields[1::2]), strict=True))
    neighbours = map(" ".join, zip(paired[::3], paired[1::3], strict=True))
    pairs = dict(zip(neighbours, map(int, paired[2::3]), strict=True))
    written = dict(_frequencies(wordfreq.get_frequency_list("en", "large")))
    words = {
        word: max(written.get(word, 0.0), math.log10(count) + 8 - _LOG_TOKENS)
        for word, count in counts.items()
        if len(word) > 1 or word in "ai"
    }
    words |= dict(_american(words, written))
    return Lexicon(words, written, pairs, counts, min(pairs.values()))


def _read(name: str) -> list[str]:
    """Return the fields of a list of symspellpy: one or two words and a count, over and over."""
    return resources.files("symspellpy").joinpath(name).read_text("utf-8-sig").split()


def _frequencies(buckets: list[list[str]]) -> Iterator[tuple[str, float]]:
    """Read a list of wordfreq: the words of each hundredth of a power of ten."""
    for below, words in enumerate(buckets):
        zipf = 9 - below / 100
        for word in words:
            yield word, zipf


def _american(words: dict[str, float], written: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Derive the American twins of British words; a plural or adverb follows its word."""
    for british, american in _AMERICAN:
        for word in [word for word in words if british in word]:
            before, _, after = word.rpartition(british)
            twin = before + american + after
            if twin not in words and written.get(twin, 0.0) >= _LEAST_WRITTEN:
                yield twin, written[twin]
