"""The fields beside an article's text: title, excerpt, author, tags."""

# ruff: noqa: SIM905 - long lists of words are read best as text

from __future__ import annotations

import re
from collections.abc import Iterable

from pipewarden.pipelines.articles.text.edits import EditedText
from pipewarden.pipelines.articles.text.rules import repair

#: The rules that change how a line is written and never what it says.
_SAFE = frozenset(
    "references markup encoding controls unicode quotes ellipses repeated_punctuation "
    "whitespace".split()
)
_BY = re.compile(
    r"(?:(?:written|posted|story|reported|words)\s+)?by(?:\s*:\s*|\s+)(?=\S)", re.IGNORECASE
)
_SCRAP = re.compile(
    r"(?:view|see|read|more|all)\b.{0,30}\b(?:posts?|articles?|stories)(?:\s+by\b.{0,60})?"
    r"|(?:follow|contact|email|e-mail)(?:\s+(?:the|this|on|us)\b.{0,30})?"
    r"|(?:about )?(?:the )?author(?:\(s\)|s)?|posted (?:on|in)\b.{0,40}|share this.{0,20}",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[,;|]\s*")


def clean_title(title: str | None) -> str | None:
    """Return a title on one line, with its characters repaired; its words are never corrected.

    Parameters
    ----------
    title
        As it came; None where there is none.
    """
    return None if title is None else " ".join(_safe(title).split())


def clean_excerpt(excerpt: str | None) -> str | None:
    """Return an excerpt with its characters repaired; its words are never corrected.

    Parameters
    ----------
    excerpt
        As it came; None where there is none.
    """
    return None if excerpt is None else _safe(excerpt)


def clean_author(author: str | None) -> str | None:
    """Return who wrote it, without ``By`` and without what pages put beside the name.

    Parameters
    ----------
    author
        As it came: a name, or several, with scraps of the page between commas.

    Returns
    -------
    str or None
        The names, each once, joined by a comma; None where nothing but scraps was there.
    """
    if author is None:
        return None
    line = " ".join(_safe(author).split())
    names = [
        _BY.sub("", part, count=1) if _BY.match(part) else part for part in _BETWEEN.split(line)
    ]
    return ", ".join(_once(name for name in names if not _SCRAP.fullmatch(name))) or None


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags trimmed, each once whatever its capitals, empty ones left out.

    Parameters
    ----------
    tags
        As they came.
    """
    return _once(" ".join(_safe(tag).split()) for tag in tags)


def _safe(text: str) -> str:
    edited = EditedText(text)
    repair(edited, _SAFE)
    return edited.text


def _once(texts: Iterable[str]) -> list[str]:
    """Return what is not empty, the first of each, in order."""
    kept: dict[str, str] = {}
    for text in texts:
        if text:
            kept.setdefault(text.casefold(), text)
    return list(kept.values())
