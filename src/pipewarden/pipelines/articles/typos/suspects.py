"""Which words of a text may be misspelt: unknown ones, unprotected, in running English text."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from pipewarden.pipelines.articles.typos.evidence import Sighting, Vocabulary
from pipewarden.pipelines.articles.typos.language.neighbours import LONGEST
from pipewarden.pipelines.articles.typos.language.wording import FOREIGN_PARTICLES

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
#: What may stand between two words of one phrase.
_SPACE = frozenset((" ", "\n", "  ", "\r\n", " \n", "\t"))
_OPENING = re.compile(r"(?:[.!?][\"'\u201d\u2019)\]]*\s+|\n\s*\n\s*|^\s*)[\"'\u201c\u2018(\[]*$")
_LOOK_BACK = 8
#: A passage of so many words with so many unknown is not English prose, or beyond repair.
#: Short ones may hold more.
_PASSAGE, _MOST_UNKNOWN = 200, 0.2
_SHORT_PASSAGE, _MOST_UNKNOWN_OF_FEW = 60, 0.5


@dataclass(frozen=True, slots=True)
class Suspect:
    """A word that may be misspelt.

    Parameters
    ----------
    start, end
        Its span in the text, without a possessive ending.
    sighting
        The word and what stands beside it.
    opens
        Whether it has a capital, as it opens a sentence.
    """

    start: int
    end: int
    sighting: Sighting
    opens: bool


class Words:
    """The words of a text, and which of them are unknown.

    Parameters
    ----------
    text
        Any text.
    known
        The known words, in lower case.
    own
        The user's own words, in lower case.
    """

    def __init__(self, text: str, known: Container[str], own: Container[str] = ()) -> None:
        self._text, self._known, self._own = text, known, own
        self._found = list(_WORD.finditer(text))
        self._words = [match.group() for match in self._found]
        self._unknown = {
            at: stem
            for at, word in enumerate(self._words)
            if word not in known and (stem := self._unknown_stem(word))
        }

    def _unknown_stem(self, word: str) -> str:
        """Return a word without its possessive ending, or nothing if it is known or no word."""
        stem = word[:-2] if word.endswith(("'s", "\u2019s")) else word
        lower = stem.lower()
        if not (stem.isascii() and stem.isalpha() and stem[1:].islower()):
            return ""
        return "" if lower in self._known or lower in self._own else stem

    def __len__(self) -> int:
        return len(self._words)

    @property
    def any_unknown(self) -> bool:
        """Whether any word is unknown at all."""
        return bool(self._unknown)

    def doubtful(self) -> Iterator[int]:
        """Yield where the unknown words begin that a capital does not make names, in order."""
        for at, stem in self._unknown.items():
            if stem.islower() or self._opens(at):
                yield self._found[at].start()

    def suspects(self, protected: Sequence[tuple[int, int]], shortest: int) -> Iterator[Suspect]:
        """Yield the unknown words that may be misspelt, in order.

        Parameters
        ----------
        protected
            Spans in order, none touching another, in which no word is a suspect.
        shortest
            Fewest letters of a suspect.
        """
        begins = [start for start, _ in protected]
        strange = self._strange_passages()
        for at, stem in self._unknown.items():
            start = self._found[at].start()
            end = start + len(stem)
            if at // _PASSAGE in strange or not shortest <= len(stem) <= LONGEST:
                continue
            if stem in FOREIGN_PARTICLES:
                continue
            before = bisect_right(begins, end - 1) - 1
            if before >= 0 and protected[before][1] > start:
                continue
            if stem.islower() or self._opens(at):
                yield Suspect(start, end, self._sighting(at, stem), not stem.islower())

    def vocabulary(self) -> Vocabulary:
        """Return the document's own words."""
        lower = [word.lower() for word in self._words]
        capital = Counter(
            stem.lower()
            for at, stem in self._unknown.items()
            if stem[0].isupper() and not self._opens(at)
        )
        pairs = frozenset(f"{left} {right}" for left, right in itertools.pairwise(lower))
        return Vocabulary(Counter(lower), capital, pairs)

    def _opens(self, at: int) -> bool:
        """Tell whether a word opens a sentence that goes on in lower case."""
        start = self._found[at].start()
        if not _OPENING.search(self._text, max(0, start - _LOOK_BACK), start):
            return False
        return at + 1 < len(self._words) and self._words[at + 1][0].islower()

    def _sighting(self, at: int, stem: str) -> Sighting:
        left = self._words[at - 1].lower() if at and self._adjoin(at - 1) else ""
        right = self._words[at + 1].lower() if self._adjoin(at) else ""
        if len(stem) < len(self._words[at]):
            right = ""
        beside = (bool(left) and at - 1 in self._unknown) + (
            bool(right) and at + 1 in self._unknown
        )
        return Sighting(stem.lower(), left, right, beside)

    def _adjoin(self, at: int) -> bool:
        """Tell whether nothing but space stands between a word and the next."""
        if at + 1 >= len(self._found):
            return False
        start, end = self._found[at].end(), self._found[at + 1].start()
        return end - start <= 2 and self._text[start:end] in _SPACE

    def _strange_passages(self) -> frozenset[int]:
        """Return the numbers of the passages with too many unknown words."""
        strange = set()
        for passage in {at // _PASSAGE for at in self._unknown}:
            span = range(passage * _PASSAGE, min((passage + 1) * _PASSAGE, len(self._words)))
            plain = [at for at in span if not self._words[at][0].isupper()]
            unknown = sum(at in self._unknown or not self._words[at].isascii() for at in plain)
            most = _MOST_UNKNOWN if len(plain) > _SHORT_PASSAGE else _MOST_UNKNOWN_OF_FEW
            if unknown > max(1, most * len(plain)):
                strange.add(passage)
        return frozenset(strange)
