"""Finding the misspelt words of a text, and what each one should be."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pipewarden as pw
from pipewarden.pipelines.articles.text.edits import Edit
from pipewarden.pipelines.articles.typos.evidence import (
    Sighting,
    Vocabulary,
    candidates,
    for_candidate,
    for_word,
    rate_of_slips,
)
from pipewarden.pipelines.articles.typos.language.lexicon import Lexicon, english
from pipewarden.pipelines.articles.typos.language.neighbours import Neighbours
from pipewarden.pipelines.articles.typos.language.spelling import VOWELS
from pipewarden.pipelines.articles.typos.language.wording import FOREIGN_ONLY, OPENERS
from pipewarden.pipelines.articles.typos.protection import merged, protected_spans
from pipewarden.pipelines.articles.typos.settings import TypoSettings
from pipewarden.pipelines.articles.typos.suspects import Suspect, Words
from pipewarden.pipelines.articles.typos.weighing import probabilities

_REMEMBERED = 20_000
#: A word that stands so often in one document is its author's name or term for something;
#: little words are not, as they return with their slips.
_TERM, _SHORT = 3, 4
#: The Zipf frequency from which a word without a vowel is an abbreviation.
_WRITTEN = 3.0


@dataclass(frozen=True, slots=True)
class Correction:
    """One word that should be another.

    Parameters
    ----------
    start, end
        The word's span in characters of the text, half open.
    before, after
        The word as it stands, and as it should.
    confidence
        The probability that this is right, between 0 and 1.
    """

    start: int
    end: int
    before: str
    after: str
    confidence: float

    def as_edit(self) -> Edit:
        """Return the replacement as every rule asks for it."""
        return Edit(self.start, self.end, self.after)


class TypoCorrector:
    """Corrects the words of English text that are surely misspelt, and no others.

    Capitalised words are left alone, unless one opens a sentence and can only be a little word
    such as *however*.

    Parameters
    ----------
    settings
        What is protected, and how sure a correction must be.

    Raises
    ------
    MissingExtra
        symspellpy or wordfreq is not installed.
    InvalidSettings
        The dictionary file does not read.
    """

    def __init__(self, settings: TypoSettings | None = None) -> None:
        self._settings = settings or TypoSettings()
        self._lexicon, self._index = _knowledge()
        self._own = frozenset(word.lower() for word in _own_words(self._settings))
        self._near = functools.lru_cache(_REMEMBERED)(self._candidates)

    def corrections(
        self, text: str, protected: Sequence[tuple[int, int]] = (), language: str | None = "en"
    ) -> list[Correction]:
        """Return the corrections of a text in order, none overlapping another.

        Parameters
        ----------
        text
            Any text; the time is linear in its length.
        protected
            Spans in which nothing is corrected, such as those of entities; in any order.
        language
            The text's language as an ISO 639-1 code; only ``en`` is corrected.
        """
        if language != "en":
            return []
        words = Words(text, self._lexicon.words, self._own)
        if not words.any_unknown:
            return []
        spans = merged([*protected, *protected_spans(text, words.doubtful())])
        suspects = list(words.suspects(spans, self._settings.min_word_length))
        if not suspects:
            return []
        readings = self._readings(suspects, words.vocabulary())
        first = [1 - reading.right(rate_of_slips()) for reading in readings]
        total = sum(first)
        rates = (rate_of_slips(total - own, len(words)) for own in first)
        made = (reading.best(rate) for reading, rate in zip(readings, rates, strict=True))
        least = self._settings.min_confidence
        return [correction for correction in made if correction.confidence >= least]

    def _readings(self, suspects: Sequence[Suspect], document: Vocabulary) -> list[_Reading]:
        """Return what each suspect may stand for; those without a candidate are left out."""
        readings = []
        for suspect in suspects:
            seen = suspect.sighting
            known = _is_term(seen.word, document) or self._is_abbreviation(seen.word, document)
            if known or seen.left in FOREIGN_ONLY:
                continue
            near = self._near(seen.word, seen.left, seen.right)
            if suspect.opens:
                near = [one for one in near if one[0] in OPENERS]
            if near:
                figures = [for_candidate(seen, *one, self._lexicon, document) for one in near]
                own = for_word(seen, self._lexicon, document)
                readings.append(_Reading(suspect, own, [one[0] for one in near], figures))
        return readings

    def _is_abbreviation(self, word: str, document: Vocabulary) -> bool:
        """Tell whether a word without a vowel is written again here, or often elsewhere."""
        written = document.lower[word] > 1 or self._lexicon.written.get(word, 0.0) >= _WRITTEN
        return written and VOWELS.isdisjoint(word)

    def _candidates(self, word: str, left: str, right: str) -> list[tuple[str, int]]:
        seen = Sighting(word, left, right)
        return candidates(seen, self._lexicon, self._index, self._settings.max_edit_distance)


def _is_term(word: str, document: Vocabulary) -> bool:
    """Tell whether a word is the document's own: it is also a name there, or returns often."""
    often = len(word) > _SHORT and document.lower[word] >= _TERM
    return often or document.capital[word] > 0


@dataclass(frozen=True, slots=True)
class _Reading:
    """A suspect with all that it may stand for, before it is weighed."""

    suspect: Suspect
    own: tuple[float, ...]
    meant: list[str]
    figures: list[tuple[float, ...]]

    def right(self, rate: float) -> float:
        """Return the probability that the word is right as it is."""
        return probabilities((*self.own, rate), self.figures)[0]

    def best(self, rate: float) -> Correction:
        """Return the likeliest correction."""
        _, chances = probabilities((*self.own, rate), self.figures)
        confidence, after = max(zip(chances, self.meant, strict=True))
        before, suspect = self.suspect.sighting.word, self.suspect
        if suspect.opens:
            before, after = before.capitalize(), after.capitalize()
        return Correction(suspect.start, suspect.end, before, after, confidence)


@functools.lru_cache(maxsize=1)
def _knowledge() -> tuple[Lexicon, Neighbours]:
    lexicon = english()
    return lexicon, Neighbours(lexicon.words)


def _own_words(settings: TypoSettings) -> Iterable[str]:
    """Yield the words of the settings and of the file that they name."""
    yield from settings.dictionary
    if settings.dictionary_file is None:
        return
    try:
        lines = settings.dictionary_file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise pw.InvalidSettings(
            f"the dictionary {settings.dictionary_file} does not read: {error}",
            next_step="name a UTF-8 text file with one word a line",
        ) from None
    yield from (word for line in lines if (word := line.strip()) and not word.startswith("#"))
