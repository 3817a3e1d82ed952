"""The face of the cleaning: one text, one record, or a stream of records."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import pipewarden as pw
from pipewarden.pipelines.articles.enrich.dates import day_of, iso_date
from pipewarden.pipelines.articles.enrich.language import reading_minutes, word_count
from pipewarden.pipelines.articles.enrich.relative import relative_dates
from pipewarden.pipelines.articles.records import (
    Article,
    CleanedArticle,
    Entity,
    Language,
    LoggedChange,
    TemporalExpression,
    article_of,
)
from pipewarden.pipelines.articles.settings import ArticleSettings, article_settings, merged

Record = Mapping[str, Any] | Article
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanResult:
    """What became of one text.

    Parameters
    ----------
    original_text
        The text as it came; lone surrogates are U+FFFD.
    cleaned_text
        The repaired text.
    entities, temporal_metadata
        Names and the like, and relative dates, by spans of ``cleaned_text``.
    changes
        Every edit, by spans of ``original_text``.
    language
        Its code and the confidence.
    word_count, reading_time_minutes
        The size of ``cleaned_text``.
    """

    original_text: str
    cleaned_text: str
    entities: tuple[Entity, ...]
    changes: tuple[LoggedChange, ...]
    language: Language
    temporal_metadata: tuple[TemporalExpression, ...]
    word_count: int
    reading_time_minutes: float


def clean(text: str, **overrides: Any) -> CleanResult:
    """Return a text repaired, with its entities and the log of every change.

    Parameters
    ----------
    text
        Any text.
    overrides
        Settings that differ from the defaults: ``rules={"typos": False}``.

    Raises
    ------
    BadInput
        The text is longer than ``max_chars``, or no text.
    InvalidSettings
        A setting is unknown or does not hold.
    MissingExtra
        The extra ``articles`` is not installed.
    """
    record = ArticleCleaner(merged(_defaults(), overrides)).clean({"text": text})
    return CleanResult(
        original_text=record.original_text,
        cleaned_text=record.cleaned_text,
        entities=record.entities,
        changes=record.changes,
        language=record.language,
        temporal_metadata=record.temporal_metadata,
        word_count=record.cleaned_word_count,
        reading_time_minutes=record.reading_time_minutes,
    )


@functools.cache
def _defaults() -> ArticleSettings:
    return article_settings()


class ArticleCleaner:
    """Cleans articles under one set of settings, which nothing changes.

    Parameters
    ----------
    settings
        The settings, whole or what differs from the defaults.

    Raises
    ------
    InvalidSettings
        A setting is unknown or does not hold.
    """

    def __init__(self, settings: ArticleSettings | Mapping[str, Any] | None = None) -> None:
        held = settings if isinstance(settings, ArticleSettings) else article_settings(settings)
        self.settings = held

    def clean(self, record: Record, **overrides: Any) -> CleanedArticle:
        """Return one record cleaned.

        Parameters
        ----------
        record
            An article; fields that are unknown become additional metadata.
        overrides
            Settings that hold for this record only.

        Raises
        ------
        BadInput
            The record is no article, or it cannot be cleaned.
        """
        return process_record(record, merged(self.settings, overrides))

    def clean_many(
        self, records: Iterable[Record], **overrides: Any
    ) -> Iterator[CleanedArticle | pw.BadInput]:
        """Yield records cleaned, in their order; no more than a batch is held.

        A record that cannot be cleaned is yielded, in its place, as the `BadInput` that says why.
        """
        settings = merged(self.settings, overrides)
        rest = iter(records)
        while batch := list(itertools.islice(rest, settings.entities.batch_size)):
            yield from process_records(batch, settings)


def process_record(raw: Any, settings: ArticleSettings) -> CleanedArticle:
    """Return one record cleaned.

    Raises
    ------
    BadInput
        The record is no article, or it cannot be cleaned.
    """
    answer = process_records([raw], settings)[0]
    if isinstance(answer, pw.BadInput):
        raise answer
    return answer


def process_records(
    raws: Sequence[Any], settings: ArticleSettings
) -> list[CleanedArticle | pw.BadInput]:
    """Return records cleaned, or why they cannot be, each in its place.

    Parameters
    ----------
    raws
        Mappings with the fields of `Article`, or articles.
    settings
        How all of them are cleaned.
    """
    _needed()
    from pipewarden.pipelines.articles.steps import worked

    articles = [_article(raw) for raw in raws]
    texts = [article.text for article in articles if isinstance(article, Article)]
    ready = iter(worked(texts, settings))
    answers: list[CleanedArticle | pw.BadInput] = []
    with pw.stage("describe"):
        for article in articles:
            done = next(ready) if isinstance(article, Article) else article
            if isinstance(article, Article) and not isinstance(done, pw.BadInput):
                answers.append(_record(article, done, settings))
            else:
                assert isinstance(done, pw.BadInput)
                answers.append(done)
    return answers


def _article(raw: Any) -> Article | pw.BadInput:
    try:
        return article_of(raw)
    except pw.BadInput as error:
        return error


def _record(article: Article, done: Any, settings: ArticleSettings) -> CleanedArticle:
    """Return the output record of an article and its finished text."""
    from pipewarden.pipelines.articles.text import fields

    text: str = done.edited.text
    rules, day_first = settings.rules, settings.dates.day_first
    published = _date(article.publication_date, day_first)
    words = word_count(text)
    title, excerpt, author, tags = (
        fields.clean_title if rules.title else _same,
        fields.clean_excerpt if rules.excerpt else _same,
        fields.clean_author if rules.author else _same,
        fields.clean_tags if rules.tags else _same,
    )
    return CleanedArticle(
        document_id=article.document_id,
        original_text=article.text,
        cleaned_text=text,
        cleaned_title=title(article.title),
        cleaned_excerpt=excerpt(article.excerpt),
        cleaned_author=author(article.author),
        cleaned_publication_date=published,
        cleaned_revision_date=_date(article.revision_date, day_first),
        cleaned_source_url=article.source_url and article.source_url.strip(),
        cleaned_categories=tuple(tags(article.categories)),
        cleaned_tags=tuple(tags(article.tags)),
        cleaned_media_asset_urls=tuple(url.strip() for url in article.media_asset_urls),
        cleaned_geographical_data=article.geographical_data,
        cleaned_embargo_date=_date(article.embargo_date, day_first),
        cleaned_sentiment=article.sentiment,
        cleaned_word_count=words,
        cleaned_publisher=title(article.publisher),
        entities=_reported(text, done.spans, settings.entities.types),
        temporal_metadata=_temporal(text, done.language, published, settings),
        language=done.language,
        reading_time_minutes=reading_minutes(words),
        cleaned_additional_metadata=article.additional_metadata,
        changes=_logged(done),
    )


def _logged(done: Any) -> tuple[LoggedChange, ...]:
    return tuple(
        LoggedChange(
            rule=change.rule,
            start_char=change.start_char,
            end_char=change.end_char,
            before=change.before,
            after=change.after,
        )
        for change in done.edited.changes()
    )


def _same(value: Any) -> Any:
    return value


def _date(raw: str | None, day_first: bool) -> str | None:
    """Return a date in ISO 8601, or as it came."""
    return raw and (iso_date(raw, day_first) or raw)


def _reported(text: str, spans: Iterable[Any], types: Sequence[str]) -> tuple[Entity, ...]:
    return tuple(
        Entity(text=text[s.start : s.end], type=s.type, start_char=s.start, end_char=s.end)
        for s in spans
        if s.type in types
    )


def _temporal(
    text: str, language: Language, published: str | None, settings: ArticleSettings
) -> tuple[TemporalExpression, ...]:
    if not settings.dates.relative or language.code not in ("en", "und"):
        return ()
    return relative_dates(text, day_of(published))


@functools.cache
def _needed() -> None:
    """Say which extra is missing, before anything else is imported."""
    from importlib.util import find_spec

    for library in (
        "spacy",
        "ftfy",
        "pycld2",
        "dateparser",
        "symspellpy",
        "trafilatura",
        "wordfreq",
    ):
        if find_spec(library) is None:
            raise pw.MissingExtra("the articles pipeline", "articles")


def prepare_worker(
    settings: ArticleSettings, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Load in a worker what its first article would otherwise wait for.

    Matrix products get one thread: the workers are the parallelism. This works only before NumPy is
    imported.

    Parameters
    ----------
    settings
        What the worker will need.
    environment
        Where the number of threads is told.
    """
    for name in _THREADS:
        environment.setdefault(name, "1")
    process_records([{"text": "Prices rose in London on Monday."}], settings)
