"""The language of a text, and its size in words."""

from __future__ import annotations

import re
from itertools import islice

from pipewarden.pipelines.articles.records import Language

UNKNOWN = Language(code="und", confidence=0.0)
WORDS_PER_MINUTE = 200
#: Characters that are looked at: of the beginning, and of the middle of a long text.
_LOOKED_AT = 10_000
#: Letters below which nothing is said.
_FEWEST_LETTERS = 12
#: What the detector takes for a mistake in UTF-8, or counts as evidence although it is no word.
_NO_LANGUAGE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
    r"|<[^<>]{1,200}>|(?:https?://|www\.)\S{1,2000}|\S{1,64}@\S{1,200}"
)
#: Words that are common in English and no words of its neighbours.
_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "the and of that with this have from they their which would there you your what who his she"
        " it been are not were we our can could should about after said",
    )
)
_MARKS = ".,;:!?\"'()"
_OF_WORDS, _BY_WORDS = 5, 0.5
_LETTERS = re.compile(r"[^\W\d_]")
#: The scripts that are written without spaces: there every character counts as a word.
_DENSE = re.compile(
    r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
)


def language_of(text: str) -> Language:
    """Return the language that most of a text is written in.

    The detector is Compact Language Detector 2: quadgrams of letters and a naive Bayes classifier.

    Parameters
    ----------
    text
        Any text; of a long one the beginning and the middle are looked at.

    Returns
    -------
    Language
        ``und`` for what is too short, is no language, or could be several; the confidence is the
        share of the text that is in this language.
    """
    sample = text
    if len(text) > 2 * _LOOKED_AT:
        middle = len(text) // 2
        sample = f"{text[:_LOOKED_AT]} {text[middle : middle + _LOOKED_AT]}"
    sample = _NO_LANGUAGE.sub(" ", sample)
    if sum(1 for _ in islice(_LETTERS.finditer(sample), _FEWEST_LETTERS)) < _FEWEST_LETTERS:
        return _by_words(sample)
    import pycld2  # type: ignore[import-untyped]

    try:
        reliable, _, details = pycld2.detect(sample)
    except pycld2.error:  # a character that the detector does not know
        return UNKNOWN
    _, code, percent, _ = details[0]
    if not reliable or code == "un":
        return _by_words(sample)
    return Language(code=_ISO.get(code, code), confidence=percent / 100)


#: Codes of the detector that are not those of ISO 639-1, or that say more than the language.
_ISO = {"iw": "he", "jw": "jv", "zh-Hant": "zh", "sr-ME": "sr"}


def _by_words(sample: str) -> Language:
    """Take a short text for English where a word in five is one that only English has."""
    words = sample.lower().split()
    hits = sum(word.strip(_MARKS) in _ENGLISH for word in words)
    if sample.isascii() and hits and hits * _OF_WORDS >= len(words):
        return Language(code="en", confidence=_BY_WORDS)
    return UNKNOWN


def word_count(text: str) -> int:
    """Return the number of words: runs with a letter or a digit, and each Chinese character."""
    dense = 0 if text.isascii() else sum(1 for _ in _DENSE.finditer(text))
    spaced = _DENSE.sub(" ", text) if dense else text
    return dense + sum(1 for word in spaced.split() if any(map(str.isalnum, word)))


def reading_minutes(words: int) -> float:
    """Return the minutes that reading takes, at 200 words a minute."""
    return round(words / WORDS_PER_MINUTE, 2)
