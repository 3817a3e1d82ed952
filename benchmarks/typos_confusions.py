"""Learning which letters people confuse, for `language.confusions`, from pairs of words."""

from __future__ import annotations

import math
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pipewarden.pipelines.articles.typos.language.confusions import LONGEST_PIECE, Confusions
from pipewarden.pipelines.articles.typos.language.spelling import VOWELS

#: The share of misspellings that must hold a confusion; what its occasions are raised by.
SEEN, PRIOR = 0.002, 5.0
#: What edits cost to align two words: vowels go with vowels, and swaps before two edits.
_VOWEL, _OTHER, _SWAP = 0.9, 1.2, 0.9
#: Pairs that differ in more than so much of the word meant teach nothing.
_FARTHEST, _ONE = 0.5, 1.3
#: The letters that may stand for another, by kind: so much rarer is each of them.
_CHOICES = {"swapped": 1, "missing": 1, "extra": 26, "vowel": 5, "other": 25}
_OFTEN_VOWEL = 0.4
Pieces = list[tuple[str, str]]  # meant, written
Costs = tuple[Mapping[str, Mapping[str, float]], Mapping[str, float]]


def learned(of: Mapping[str, Sequence[str]]) -> Costs:
    """Return the costs of pieces, and those of the rest by kind.

    Parameters
    ----------
    of
        The misspellings of each word. A word with four times as many counts twice as much.
    """
    seen: dict[tuple[str, str], float] = defaultdict(float)
    occasions: dict[str, float] = defaultdict(float)
    kinds: dict[str, float] = defaultdict(float)
    for meant, wrongs in of.items():
        for wrong in wrongs:
            aligned, distance = align(f"^{wrong}$", f"^{meant}$")
            if distance <= max(_ONE, _FARTHEST * len(meant)):
                for piece in _all_pieces(f"^{meant}$"):
                    occasions[piece] += len(wrongs) ** -0.5
                for one in _pieces(aligned):
                    seen[one] += len(wrongs) ** -0.5
                for one in aligned:
                    kinds[_kind(*one)] += len(wrongs) ** -0.5
    letters = sum(occasions[one] for one in "abcdefghijklmnopqrstuvwxyz")
    rest = {
        kind: -math.log(
            (kinds[kind] + 1) / letters / among / (_OFTEN_VOWEL if kind == "vowel" else 1)
        )
        for kind, among in _CHOICES.items()
    }
    least = SEEN * occasions["^"]
    pieces: dict[str, dict[str, float]] = defaultdict(dict)
    for (meant, written), count in sorted(seen.items()):
        if count >= least:
            pieces[meant][written] = -math.log(count / (occasions[meant] + PRIOR))
    return pieces, rest


def as_confusions(costs: Costs) -> Confusions:
    return Confusions(costs[0], **costs[1])


def as_code(costs: Costs) -> str:
    """Return the costs as `language.confusions` lists them."""
    listed = (f"{m}/{w}/{cost:.1f}" for m, of in costs[0].items() for w, cost in of.items())
    rest = ", ".join(f"{kind}={cost:.2f}" for kind, cost in costs[1].items())
    return textwrap.fill(" ".join(listed), 100, break_on_hyphens=False) + f"\n{rest}"


def align(word: str, meant: str) -> tuple[Pieces, float]:
    """Return how one word was written for another, letter by letter, and the cost of all."""
    costs: list[list[tuple[float, int, int]]] = []
    for i in range(len(meant) + 1):
        costs.append([])
        for j in range(len(word) + 1):
            costs[i].append(min(_steps(word, meant, i, j, costs), default=(0.0, 0, 0)))
    pieces, i, j = [], len(meant), len(word)
    while i or j:
        _, a, b = costs[i][j]
        pieces.append((meant[a:i], word[b:j]))
        i, j = a, b
    return pieces[::-1], costs[-1][-1][0]


def _steps(
    word: str, meant: str, i: int, j: int, costs: Sequence[Sequence[tuple[float, int, int]]]
) -> Iterator[tuple[float, int, int]]:
    """Yield the ways to a place of the table: their costs, and where they come from."""
    if i:
        yield costs[i - 1][j][0] + 1, i - 1, j
    if j:
        yield costs[i][j - 1][0] + 1, i, j - 1
    if i and j:
        one, other = meant[i - 1], word[j - 1]
        alike = _VOWEL if (one in VOWELS) == (other in VOWELS) else _OTHER
        yield costs[i - 1][j - 1][0] + (0 if one == other else alike), i - 1, j - 1
        turned = word[j - 2 : j][::-1] == meant[i - 2 : i]
        if i > 1 and j > 1 and turned and one != other:
            yield costs[i - 2][j - 2][0] + _SWAP, i - 2, j - 2


def _all_pieces(meant: str) -> Iterator[str]:
    """Yield every piece of a word."""
    for long in range(1, LONGEST_PIECE + 1):
        yield from (meant[at : at + long] for at in range(len(meant) - long + 1))


def _pieces(aligned: Pieces) -> Iterator[tuple[str, str]]:
    """Yield the pieces that hold a difference, with and without what stands beside it."""
    for begin in range(len(aligned)):
        meant = written = ""
        for one in aligned[begin : begin + LONGEST_PIECE + 1]:
            meant, written = meant + one[0], written + one[1]
            if max(len(meant), len(written)) > LONGEST_PIECE:
                break
            if meant and meant != written:
                yield meant, written


def _kind(meant: str, written: str) -> str:
    if meant == written:
        return "right"
    if len(meant) == 2:
        return "swapped"
    if not (meant and written):
        return "extra" if written else "missing"
    return "vowel" if {meant, written} <= VOWELS else "other"
