"""The face of the ``articles`` pipeline: from dirty news text to clean, enriched documents.

Everything heavy is imported on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipewarden as pw

if TYPE_CHECKING:
    from pipewarden.pipelines.articles.records import CleanedArticle
    from pipewarden.pipelines.articles.settings import ArticleSettings

#: The declared version of the logic.
VERSION = "1"
KEY = "document_id"
LINES = "processed_articles_{date}.jsonl"
_TIMEOUT_SECONDS = 120.0
_MEMORY_BYTES = 2 << 30


def build(settings: Mapping[str, Any] | None = None) -> pw.Pipeline:
    """Return the pipeline under its own settings (``pipelines.articles``).

    Its sources are files of records (JSON lines) and folders of pages, texts and JSON records.

    Raises
    ------
    InvalidSettings
        A setting does not hold.
    """
    from pipewarden.pipelines.articles.checks import articles_gate
    from pipewarden.pipelines.articles.files import PATTERNS
    from pipewarden.pipelines.articles.settings import article_settings

    held = article_settings(settings)
    return pw.Pipeline(
        name="articles",
        process=functools.partial(process, settings=held),
        pattern=PATTERNS,
        records=KEY,
        lines=LINES,
        gate=articles_gate(),
        version=VERSION,
        settings=held.output_settings(),
        setup=functools.partial(_setup, held),
        facts=facts,
        engine_facts=functools.partial(_engine_facts, held),
        timeout=_TIMEOUT_SECONDS,
        memory_limit=_MEMORY_BYTES,
        path_sensitive=True,
    )


def process(item: Path | Mapping[str, Any], settings: ArticleSettings) -> CleanedArticle:
    """Return a record, or the article that a file holds, cleaned.

    Raises
    ------
    BadInput
        It is no article, or it cannot be cleaned.
    MissingExtra
        The extra ``articles`` is not installed.
    """
    from pipewarden.pipelines.articles.cleaner import process_record
    from pipewarden.pipelines.articles.files import record_of_file

    if not isinstance(item, Path):
        return process_record(item, settings)
    record = record_of_file(item)
    if record[KEY] == item.name:  # it has no id of its own: its place in the folder is one
        record = {**record, KEY: pw.item_key() or item.name}
    return process_record(record, settings)


def facts(article: CleanedArticle) -> dict[str, Any]:
    """Return the short facts about an article that manifests and reports show."""
    return {
        "title": (article.cleaned_title or "")[:120],
        "language": article.language.code,
        "words": article.cleaned_word_count,
        "changes": len(article.changes),
        "entities": len(article.entities),
    }


def _setup(settings: ArticleSettings) -> None:
    from pipewarden.pipelines.articles.cleaner import prepare_worker

    prepare_worker(settings)


def _engine_facts(settings: ArticleSettings) -> dict[str, Any]:
    from pipewarden.pipelines.articles.enrich.weights import engine_facts

    return engine_facts(settings.entities)
