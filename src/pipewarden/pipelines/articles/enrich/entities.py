"""Finding entities: names, places, dates and amounts, by spans of characters."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from pipewarden.pipelines.articles.enrich.decoding import GreedyDecoder
from pipewarden.pipelines.articles.enrich.threads import single_threaded
from pipewarden.pipelines.articles.enrich.weights import load_pipeline

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

#: A run of so many characters without a space is no language that is written with spaces. It is
#: not given to the tokenizer, whose time for a single word grows faster than its length.
_LONGEST_WORD = 250
_NO_WORD = re.compile(rf"(?<!\S)\S{{{_LONGEST_WORD},}}")
#: Words that are remembered beyond those of the model: some 10 MB.
_REMEMBERED = 50_000
#: Where a text may be cut, the best place first.
_CUTS = ("\n\n", "\n", ". ", " ")


class EntitySpan(NamedTuple):
    """An entity of a text: its span in characters, half open, and its type."""

    start: int
    end: int
    type: str


class Recogniser:
    """Finds entities with one spaCy pipeline.

    Parameters
    ----------
    pipeline
        The pipeline, with the components that find entities.
    batch_size
        Texts that are given to it at once.
    piece_chars
        Characters above which a text is given in pieces.
    """

    def __init__(self, pipeline: Language, batch_size: int, piece_chars: int) -> None:
        self._pipeline = pipeline
        self._batch_size, self._piece_chars = batch_size, piece_chars
        self.language = pipeline.lang or "xx"
        self._decoder = _decoder(pipeline)
        self._full = len(pipeline.vocab.strings) + _REMEMBERED
        self._lock = (
            threading.Lock()
        )  # the words that are remembered belong to one thread at a time

    def find(self, texts: Sequence[str]) -> list[list[EntitySpan] | Exception]:
        """Return for each text its entities in order, or the error that it alone caused.

        The time is linear in the length of the texts.
        """
        answers: list[list[EntitySpan] | Exception] = [[] for _ in texts]
        waiting: list[tuple[int, int, str]] = []
        for place, text in enumerate(texts):
            for start, end in pieces(text, self._piece_chars):
                waiting.append((place, start, text[start:end]))
                if len(waiting) == self._batch_size:
                    self._answer(waiting, answers)
                    waiting = []
        self._answer(waiting, answers)
        return answers

    def _answer(
        self, waiting: list[tuple[int, int, str]], answers: list[list[EntitySpan] | Exception]
    ) -> None:
        for (place, offset, _), found in zip(waiting, self._tried(waiting), strict=True):
            known = answers[place]
            if isinstance(known, Exception):
                continue
            if isinstance(found, Exception):
                answers[place] = found
            else:
                known.extend(EntitySpan(s + offset, e + offset, label) for s, e, label in found)

    def _tried(self, waiting: list[tuple[int, int, str]]) -> Sequence[list[EntitySpan] | Exception]:
        """Return the entities of each piece; where a batch fails, each is tried alone."""
        texts = [text for _, _, text in waiting]
        try:
            return self._spans(texts)
        except Exception as error:  # noqa: BLE001 - one bad document must not cost the others
            if len(waiting) == 1:
                return [error]
            return [self._tried([one])[0] for one in waiting]

    def _spans(self, texts: list[str]) -> list[list[EntitySpan]]:
        if not texts:
            return []
        with self._lock, single_threaded(), self._memory():
            if self._decoder is None:
                docs = list(self._pipeline.pipe(texts, batch_size=self._batch_size))
                found = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in docs]
            else:
                docs = [self._pipeline.make_doc(text) for text in texts]
                found = self._decoder.entities(docs)
            return [
                list(_characters(doc, text, spans))
                for doc, text, spans in zip(docs, texts, found, strict=True)
            ]

    def _memory(self) -> AbstractContextManager[Any]:
        """Remember words, which saves splitting them again; once they are many, forget new ones."""
        if len(self._pipeline.vocab.strings) < self._full:
            return nullcontext()
        return self._pipeline.memory_zone()


def _characters(doc: Doc, text: str, spans: list[tuple[int, int, str]]) -> Iterator[EntitySpan]:
    """Yield spans of tokens as spans of characters, without white space at their ends."""
    for first, last, label in spans:
        start, end = doc[first].idx, doc[last - 1].idx + len(doc[last - 1])
        held = text[start:end]
        start, end = end - len(held.lstrip()), start + len(held.rstrip())
        if start < end:
            yield EntitySpan(start, end, label)


def _decoder(pipeline: Language) -> GreedyDecoder | None:
    """Return our own decoder for the pipelines that it fits, and NumPy's products for them."""
    if pipeline.pipe_names != ["ner"]:
        return None
    component: Any = pipeline.get_pipe("ner")
    if not GreedyDecoder.fits(component):
        return None
    from thinc.api import NumpyOps

    # BLIS, spaCy's own library of matrix products, is built without the kernels of many processors;
    # NumPy's is not, and gives the same entities in half the time.
    own = NumpyOps(use_blis=False)
    for node in component.model.walk():
        node.ops = own
    return GreedyDecoder(component)


def pieces(text: str, limit: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of a text that are given to the recogniser, none longer than a limit.

    They are cut between paragraphs, else between lines, sentences or words. Runs without any space
    that are too long for words are left out.

    Parameters
    ----------
    text
        Any text.
    limit
        Characters.
    """
    start = 0
    for run in _NO_WORD.finditer(text):
        yield from _cut(text, start, run.start(), limit)
        start = run.end()
    yield from _cut(text, start, len(text), limit)


def _cut(text: str, start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    while end - start > limit:
        places = (text.rfind(cut, start + 1, start + limit) for cut in _CUTS)
        cut = next((place for place in places if place > 0), start + limit - 1) + 1
        yield start, cut
        start = cut
    if start < end:
        yield start, end


@functools.lru_cache(maxsize=2)
def recogniser(model: str, gpu: bool, batch_size: int, piece_chars: int) -> Recogniser:
    """Return the recogniser of these settings, loaded once in a process.

    Raises
    ------
    MissingExtra
        No pipeline is installed.
    InvalidSettings
        The weights are not the known ones.
    DependencyUnavailable
        A GPU is required, and there is none.
    """
    _, pipeline = load_pipeline(model, gpu)
    return Recogniser(pipeline, batch_size, piece_chars)
