"""Which known words are within a few edits of a word: an index that loads at once.

A word's signature is a set of bits, one for each letter that it holds and one for each that it
holds twice. An edit changes few of them, so comparing signatures, all at once, leaves few words;
their distances come from Hyyrö's bit-parallel algorithm, again for all at once.

References
----------
H. Hyyrö, "A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances", Nordic
Journal of Computing 10 (2003).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

#: Longer words are no longer looked up: nobody can misspell them recognisably.
LONGEST = 20
_ONE = np.uint64(1)
#: A column of the table of distances fits in 32 bits, as no word is longer than 20 letters.
_BIT = np.uint32(1)
_Array = npt.NDArray[Any]


class Neighbours:
    """The words that a misspelling may stand for, found by edit distance.

    Parameters
    ----------
    words
        The known words; those with anything but ASCII lower-case letters, or over 20 letters, are
        not indexed.
    """

    def __init__(self, words: Iterable[str]) -> None:
        plain = {w for w in words if len(w) <= LONGEST and w.isascii() and w.isalpha()}
        self._words = sorted((w for w in plain if w.islower()), key=lambda w: (len(w), w))
        count = len(self._words)
        packed = np.array(self._words, dtype=f"S{LONGEST}")
        self._letters = packed.view(np.uint8).reshape(count, LONGEST)
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int64)
        self._begins = np.searchsorted(self._lengths, np.arange(LONGEST + 2))
        self._signatures = _signatures(self._letters)

    def within(self, word: str, distance: int) -> list[tuple[str, int]]:
        """Return the known words within a distance of a word, and each one's distance.

        Parameters
        ----------
        word
            ASCII lower-case letters, at most 20.
        distance
            Most letters inserted, dropped, replaced or swapped with their neighbour.
        """
        signature = _signature(word)
        near = []
        for length in range(max(1, len(word) - distance), min(LONGEST, len(word) + distance) + 1):
            begin, end = self._begins[length], self._begins[length + 1]
            bits = np.bitwise_count(self._signatures[begin:end] ^ signature)
            near.append(np.flatnonzero(bits <= 2 * distance - abs(length - len(word))) + begin)
        rows = np.concatenate(near)
        if not len(rows):
            return []
        distances = _distances(word, self._letters[rows], self._lengths[rows])
        kept = distances <= distance
        found = zip(rows[kept].tolist(), distances[kept].tolist(), strict=True)
        return [(self._words[row], away) for row, away in found]


def _signature(word: str) -> np.uint64:
    """Return the bits of one word: letters held, and letters held at least twice."""
    once = twice = 0
    for letter in word:
        bit = 1 << (ord(letter) - ord("a"))
        twice |= once & bit
        once |= bit
    return np.uint64(once | twice << 26)


def _signatures(letters: _Array) -> _Array:
    """Return the same bits of every word at once."""
    once = np.zeros(len(letters), np.uint64)
    twice = np.zeros(len(letters), np.uint64)
    for column in letters.T:
        place = (column.astype(np.int64) - ord("a")).clip(0, 25).astype(np.uint64)
        bit = np.where(column > 0, _ONE << place, np.uint64(0))
        twice |= once & bit
        once |= bit
    return np.asarray(once | (twice << np.uint64(26)))


def _distances(word: str, letters: _Array, lengths: _Array) -> _Array:
    """Return the distances of one word to many, with swaps of neighbours as one edit."""
    places = np.zeros(256, np.uint32)
    for at, letter in enumerate(word):
        places[ord(letter)] |= _BIT << np.uint32(at)
    top = np.uint32(len(word) - 1)
    count = len(letters)
    diagonal = negative = before = np.zeros(count, np.uint32)
    positive = np.full(count, (1 << len(word)) - 1, np.uint32)
    distance = np.full(count, len(word), np.int32)
    answer = np.full(count, LONGEST + len(word), np.int32)
    for column in range(int(lengths.max())):
        match = places[letters[:, column]]
        swapped = ((~diagonal & match) << _BIT) & before
        diagonal = (((match & positive) + positive) ^ positive) | match | negative | swapped
        up = negative | ~(diagonal | positive)
        down = diagonal & positive
        distance = distance + ((up >> top) & _BIT).astype(np.int32)
        distance -= ((down >> top) & _BIT).astype(np.int32)
        up = (up << _BIT) | _BIT
        positive = (down << _BIT) | ~(diagonal | up)
        negative = up & diagonal
        before = match
        answer = np.where(lengths == column + 1, distance, answer)
    return answer
