"""Dirty news text to clean, enriched documents: the built-in pipeline ``articles``.

Names are loaded on first use, so that naming the pipeline costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipewarden.pipelines.articles.cleaner import (
        ArticleCleaner as ArticleCleaner,
        CleanResult as CleanResult,
        clean as clean,
    )
    from pipewarden.pipelines.articles.records import (
        Article as Article,
        CleanedArticle as CleanedArticle,
    )
    from pipewarden.pipelines.articles.settings import ArticleSettings as ArticleSettings

_HOMES = {
    "Article": "records",
    "ArticleCleaner": "cleaner",
    "ArticleSettings": "settings",
    "CleanResult": "cleaner",
    "CleanedArticle": "records",
    "clean": "cleaner",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - the table is the one list of names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
