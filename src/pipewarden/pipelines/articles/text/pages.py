"""Whole pages of HTML: the article that is in one, and what the page says of it."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from pipewarden.pipelines.articles.text.edits import Edit

_LOG = logging.getLogger(__name__)
_PAGE = re.compile(r"<(?:html|body)(?=[\s>])|<!doctype\s+html", re.IGNORECASE)
#: Where a page begins with nothing but declarations and comments, it says so this early.
_OPENING = 4_000
#: Pages beyond these are left to the rule for tags, which is linear: characters, tags, and open
#: elements of the kinds that a parser does not close by itself.
_MAX_CHARS, _MAX_TAGS, _MAX_DEPTH = 8_000_000, 60_000, 200
_ELEMENT = re.compile(
    r"<(/?)(?:(div|span|section|table|ul|ol|b|i|em|strong|font|blockquote|q|sup|sub)|[a-z][a-z0-9]*)\b",
    re.IGNORECASE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What a page says of its article; None where it says nothing.

    Parameters
    ----------
    title, author, publication_date, excerpt, publisher
        As the page has them; the date is in ISO 8601.
    tags
        Its key words.
    """

    title: str | None = None
    author: str | None = None
    publication_date: str | None = None
    excerpt: str | None = None
    publisher: str | None = None
    tags: tuple[str, ...] = ()


def is_page(text: str) -> bool:
    """Return whether a text is a whole page of HTML, not a marked-up text."""
    return "<" in text[:_OPENING] and _PAGE.search(text, 0, _OPENING) is not None


def boilerplate(text: str) -> list[Edit]:
    """Return one edit that leaves the article of a page; none where the text is no page.

    The reading is trafilatura's (Barbaresi 2021, ACL), told to prefer precision. Where it finds no
    article the text stays, and its tags are for the next rule.

    Parameters
    ----------
    text
        Any text.
    """
    if not is_page(text):
        return []
    article = _read(text)
    return [Edit(0, len(text), article)] if article else []


def _read(page: str) -> str | None:
    tree = _tree(page)
    if tree is None:
        return None
    import trafilatura

    return trafilatura.extract(tree, favor_precision=True, include_comments=False)


def _tree(page: str) -> Any:
    """Return the page as a tree; None where it cannot be read within bounds."""
    if len(page) > _MAX_CHARS or not _is_bounded(page):
        _LOG.warning("a page is too large or too deep to be read", extra={"chars": len(page)})
        return None
    import trafilatura

    # The parser ends at a NUL or a lone surrogate, and all after it would be lost.
    return trafilatura.load_html(_SURROGATE.sub("\ufffd", page.replace("\x00", "")))


def _is_bounded(page: str) -> bool:
    """Return whether a page has neither too many tags nor too many elements open at once."""
    deepest = depth = tags = 0
    for match in _ELEMENT.finditer(page):
        tags += 1
        if match[2]:
            depth = depth - 1 if match[1] else depth + 1
            deepest = max(deepest, depth)
    return tags <= _MAX_TAGS and deepest <= _MAX_DEPTH


def page_facts(page: str) -> PageFacts:
    """Return what a page of HTML says of its article.

    Parameters
    ----------
    page
        A whole page; of other text nothing is known.
    """
    tree = _tree(page) if is_page(page) else None
    if tree is None:
        return PageFacts()
    from trafilatura.metadata import extract_metadata

    found = extract_metadata(tree)
    return PageFacts(
        title=found.title,
        author=found.author,
        publication_date=found.date,
        excerpt=found.description,
        publisher=found.sitename,
        tags=tuple(tag for one in found.tags or () for tag in re.split(r"\s*[,;]\s*", one) if tag),
    )
