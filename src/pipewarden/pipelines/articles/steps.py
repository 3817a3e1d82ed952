"""The steps that a text goes through, from what it was to what it should be."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pipewarden as pw
from pipewarden.pipelines.articles.enrich.entities import EntitySpan, Recogniser, recogniser
from pipewarden.pipelines.articles.enrich.language import language_of
from pipewarden.pipelines.articles.records import Language
from pipewarden.pipelines.articles.settings import ArticleSettings, RuleSettings
from pipewarden.pipelines.articles.text.edits import Edit, EditedText, moved
from pipewarden.pipelines.articles.text.rules import RULES, repair
from pipewarden.pipelines.articles.typos.corrector import TypoCorrector
from pipewarden.pipelines.articles.typos.settings import TypoSettings

#: The rules that work after entities are found; all others repair the text before.
AFTER_ENTITIES = ("currency", "units")
#: The language of a pipeline that knows many.
_ANY_LANGUAGE = "xx"
_LOG = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Worked:
    """A text on its way, with what is known of it.

    Parameters
    ----------
    edited
        The text, and the log of its changes.
    language
        The language of the repaired text.
    spans
        The entities of every type, by spans of the text as it now is.
    """

    edited: EditedText
    language: Language
    spans: list[EntitySpan] = field(default_factory=list)


def worked(texts: Sequence[str], settings: ArticleSettings) -> list[Worked | pw.BadInput]:
    """Return texts repaired, with their entities, and corrected where nothing is protected.

    Parameters
    ----------
    texts
        The texts, which share nothing but the time in which they are worked at.
    settings
        Which rules work, and how.

    Returns
    -------
    list
        For each text, in order, what became of it or why nothing could.
    """
    with pw.stage("clean"):
        begun = [_tried(functools.partial(_repaired, text, settings)) for text in texts]
    waiting = [one for one in begun if isinstance(one, Worked)]
    with pw.stage("entities"):
        found = iter(_entities(waiting, settings))
    ended: list[Worked | pw.BadInput] = []
    with pw.stage("correct"):
        for one in begun:
            if isinstance(one, Worked):
                spans = next(found)
                ended.append(_tried(functools.partial(_corrected, one, spans, settings)))
            else:
                ended.append(one)
    return ended


def _tried(step: Callable[[], Answer]) -> Answer | pw.BadInput:
    """Let no text cost the others: what it raises is its own answer."""
    try:
        return step()
    except pw.BadInput as error:
        return error
    except Exception as error:  # noqa: BLE001 - logged, and told in the answer
        _LOG.exception("a text could not be cleaned")
        words = " ".join(str(error).split())[:200]
        return pw.BadInput("cleaning_failed", f"{type(error).__name__}: {words}")


def _repaired(text: str, settings: ArticleSettings) -> Worked:
    if len(text) > settings.max_chars:
        raise pw.BadInput(
            "text_too_long",
            f"the text has {len(text):,} characters; max_chars is {settings.max_chars:,}",
        )
    edited = EditedText(text)
    repair(edited, _repairs(settings.rules))
    if settings.language:
        return Worked(edited, Language(code=settings.language, confidence=1.0))
    return Worked(edited, language_of(edited.text))


@functools.lru_cache(maxsize=64)
def _repairs(rules: RuleSettings) -> frozenset[str]:
    """Return the rules that work before entities are found."""
    return frozenset(name for name in RULES if name not in AFTER_ENTITIES and getattr(rules, name))


def _entities(
    begun: Sequence[Worked], settings: ArticleSettings
) -> list[list[EntitySpan] | Exception]:
    """Return the entities of texts in a language that the recogniser knows."""
    held = settings.entities
    if not held.enabled or not begun:
        return [[] for _ in begun]
    finder = recogniser(held.model, held.gpu, held.batch_size, held.piece_chars)
    texts = [one.edited.text if _reads(finder, one.language) else "" for one in begun]
    return finder.find(texts)


def _reads(finder: Recogniser, language: Language) -> bool:
    return finder.language in (_ANY_LANGUAGE, language.code) or language.code == "und"


def _corrected(
    one: Worked, spans: list[EntitySpan] | Exception, settings: ArticleSettings
) -> Worked:
    if isinstance(spans, Exception):
        raise spans
    one.spans = spans
    for name in AFTER_ENTITIES:
        if getattr(settings.rules, name):
            _apply(one, name, RULES[name](one.edited.text))
    if settings.rules.typos:
        protected = [(span.start, span.end) for span in one.spans]
        found = corrector(settings.typos).corrections(one.edited.text, protected, one.language.code)
        _apply(one, "typos", [correction.as_edit() for correction in found])
    return one


def _apply(one: Worked, rule: str, edits: list[Edit]) -> None:
    """Make edits, and take the entities along to where they are then."""
    if not edits:
        return
    if rule == "currency":
        one.spans = _whole_amounts(one.spans, edits)
    places = moved([(span.start, span.end) for span in one.spans], edits)
    one.edited.apply(rule, edits)
    pairs = zip(places, one.spans, strict=True)
    one.spans = [EntitySpan(s, e, span.type) for (s, e), span in pairs if s < e]


def _whole_amounts(spans: list[EntitySpan], edits: Sequence[Edit]) -> list[EntitySpan]:
    """Take the sign before an amount, and the letter after it, for a part of its entity."""
    before = {edit.end: edit.start for edit in edits}
    after = {edit.start: edit.end for edit in edits}
    return [
        EntitySpan(before.get(span.start, span.start), after.get(span.end, span.end), span.type)
        if span.type == "MONEY"
        else span
        for span in spans
    ]


@functools.lru_cache(maxsize=2)
def corrector(settings: TypoSettings) -> TypoCorrector:
    """Return the corrector of these settings, loaded once in a process."""
    return TypoCorrector(settings)
