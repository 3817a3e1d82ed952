"""How one spelling came of another: the slips between a word and what it may stand for."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from pipewarden.pipelines.articles.typos.language.wording import KEY_NEIGHBOURS, PREFIXES, SUFFIXES

#: The letters for vowels.
VOWELS = frozenset("aeiouy")
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^wh", "w"),
        (r"^ps", "s"),
        (r"[tsc]i(?=[aou])|sh|ch|ss?ur(?=e)", "x"),
        (r"ph|gh(?=$)", "f"),
        (r"ght", "t"),
        (r"dge|j|g(?=[eiy])", "j"),
        (r"c(?=[eiy])|z|sc(?=[eiy])", "s"),
        (r"ck|c|q", "k"),
        (r"mb$", "m"),
        (r"(?<=.)[aeiouywh]+", ""),
        (r"(.)\1+", r"\1"),
    )
)


@dataclass(frozen=True, slots=True)
class Slips:
    """The slips of a word against what it may stand for, counted by kind.

    Parameters
    ----------
    swapped
        Neighbouring letters that changed places.
    doubled
        Letters written twice, or once, against the rule.
    vowels
        Vowels written for one another.
    keys
        Keys hit for, or with, their neighbour.
    missing, extra, other
        Letters left out, put in, and replaced, of no kind above.
    """

    swapped: int = 0
    doubled: int = 0
    vowels: int = 0
    keys: int = 0
    missing: int = 0
    extra: int = 0
    other: int = 0


def slips(word: str, meant: str) -> Slips:
    """Return the slips by which a word was written for another.

    Parameters
    ----------
    word, meant
        The word as written, and another, both in lower case.
    """
    first = 0
    while first < min(len(word), len(meant)) and word[first] == meant[first]:
        first += 1
    a, b = len(word), len(meant)
    while min(a, b) > first and word[a - 1] == meant[b - 1]:
        a, b = a - 1, b - 1
    costs = _costs(word[first:a], meant[first:b])
    counts = dict.fromkeys(Slips.__dataclass_fields__, 0)
    i, j = a - first, b - first
    while i or j:
        kind, i, j = _step(costs, word, meant, first, i, j)
        if kind:
            counts[kind] += 1
    return Slips(**counts)


def _costs(word: str, meant: str) -> list[list[int]]:
    """Fill the table of distances between all beginnings of two words."""
    costs = [list(range(len(meant) + 1))]
    for i, letter in enumerate(word, 1):
        row, above = [i], costs[i - 1]
        for j, other in enumerate(meant, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and word[i - 2] == other:
                best = min(best, costs[i - 2][j - 2] + 1)
            row.append(best)
        costs.append(row)
    return costs


def _step(
    costs: list[list[int]], word: str, meant: str, first: int, i: int, j: int
) -> tuple[str, int, int]:
    """Go one step back through the table; return the kind of slip, and where it leads."""
    here = costs[i][j]
    letter, other = word[first + i - 1 : first + i], meant[first + j - 1 : first + j]
    if i and j and letter == other and costs[i - 1][j - 1] == here:
        return "", i - 1, j - 1
    if i > 1 and j > 1 and costs[i - 2][j - 2] + 1 == here:
        before = word[first + i - 2], meant[first + j - 2]
        if letter == before[1] and other == before[0]:
            return "swapped", i - 2, j - 2
    if i and costs[i - 1][j] + 1 == here:
        around = _around(word, first + i - 1)
        kind = "doubled" if letter in around else "keys" if _near(letter, around) else "extra"
        return kind, i - 1, j
    if j and costs[i][j - 1] + 1 == here:
        return "doubled" if other in _around(meant, first + j - 1) else "missing", i, j - 1
    if letter in VOWELS and other in VOWELS:
        return "vowels", i - 1, j - 1
    return "keys" if letter + other in KEY_NEIGHBOURS else "other", i - 1, j - 1


def _around(word: str, at: int) -> str:
    return word[max(0, at - 1) : at] + word[at + 1 : at + 2]


def _near(letter: str, others: str) -> bool:
    return any(letter + other in KEY_NEIGHBOURS for other in others)


@functools.lru_cache(maxsize=1 << 16)
def sound(word: str) -> str:
    """Return how a word sounds, roughly: its consonants, alike ones written alike.

    Parameters
    ----------
    word
        A word in lower case.
    """
    for pattern, said in _SOUNDS:
        word = pattern.sub(said, word)
    return word


def is_derived(word: str, words: dict[str, float]) -> bool:
    """Tell whether a word is a known one with a known beginning or ending, spelt by the rules.

    Parameters
    ----------
    word
        A word in lower case.
    words
        The known words.
    """
    for prefix in PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) > 3 and word[len(prefix) :] in words:
            return True
    for suffix in SUFFIXES:
        stem = word.removesuffix(suffix)
        if len(word) > len(stem) > 2 and _takes(stem, suffix, words):
            return True
    return False


def _takes(stem: str, suffix: str, words: dict[str, float]) -> bool:
    """Tell whether a stem takes a suffix as it is: e falls before vowels, y becomes ie."""
    if suffix[0] not in VOWELS:
        return stem in words and not (suffix == "s" and stem[-1] in "shxzy")
    if stem[-1] == "e":
        return False
    if stem in words:
        return stem[-1] != "y" or stem[-2] in VOWELS or suffix[0] == "i"
    return f"{stem}e" in words


def is_compound(word: str, words: dict[str, float], least: float = 3.4) -> bool:
    """Tell whether a word is two common ones written together.

    Parameters
    ----------
    word
        A word in lower case.
    words
        The known words and their Zipf frequencies.
    least
        The least frequency of either part.
    """
    return any(
        words.get(word[:at], 0) >= least and words.get(word[at:], 0) >= least
        for at in range(3, len(word) - 2)
    )
