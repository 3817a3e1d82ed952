"""Titles, excerpts, authors and tags."""

from __future__ import annotations

import pytest

from pipewarden.pipelines.articles.text.fields import (
    clean_author,
    clean_excerpt,
    clean_tags,
    clean_title,
)


def test_a_title_keeps_its_words_and_sums() -> None:
    assert clean_title("  <b>Bank&#146;s</b>\n $5m “deel” ") == 'Bank\'s $5m "deel"'
    assert clean_title(None) is None


def test_an_excerpt_keeps_its_lines() -> None:
    assert clean_excerpt("One  line.\n\nItâ€™s two.") == "One line.\n\nIt's two."
    assert clean_excerpt(None) is None


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("By John Smith", "John Smith"),
        ("by  JOHN SMITH, Reuters", "JOHN SMITH, Reuters"),
        ("Written by: Jane Roe", "Jane Roe"),
        ("View All Posts,Leonora Cravotta", "Leonora Cravotta"),
        ("Philip Hodges,View All Posts", "Philip Hodges"),
        ("Rich Witmer,Doug Giles", "Rich Witmer, Doug Giles"),
        ("Ann Lee, ann lee", "Ann Lee"),
        ("Byron Smith", "Byron Smith"),
        ("Jos&eacute; Núñez", "José Núñez"),
        ("View All Posts", None),
        ("", None),
        (None, None),
    ],
)
def test_authors(dirty: str | None, clean: str | None) -> None:
    assert clean_author(dirty) == clean


def test_tags_are_trimmed_and_each_is_there_once() -> None:
    assert clean_tags([" Oil ", "oil", "", "R&amp;D", "New\nYork"]) == ["Oil", "R&D", "New York"]
