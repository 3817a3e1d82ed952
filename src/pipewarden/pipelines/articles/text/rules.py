"""The rules in the order in which they work, and all of them on one text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipewarden.pipelines.articles.text.amounts.currency import currency
from pipewarden.pipelines.articles.text.amounts.units import units
from pipewarden.pipelines.articles.text.characters import controls, unicode
from pipewarden.pipelines.articles.text.edits import Edit, EditedText
from pipewarden.pipelines.articles.text.encoding import encoding
from pipewarden.pipelines.articles.text.layout import whitespace, wrapped_lines
from pipewarden.pipelines.articles.text.markup import markup
from pipewarden.pipelines.articles.text.pages import boilerplate
from pipewarden.pipelines.articles.text.punctuation.quotes import ellipses, quotes
from pipewarden.pipelines.articles.text.punctuation.spacing import (
    punctuation_spacing,
    repeated_punctuation,
)
from pipewarden.pipelines.articles.text.references import references

Rule = Callable[[str], list[Edit]]

#: Each rule by its name, in the order of work: a page before its tags, what is written before how.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "boilerplate": boilerplate,
        "references": references,
        "markup": markup,
        "encoding": encoding,
        "controls": controls,
        "unicode": unicode,
        "quotes": quotes,
        "ellipses": ellipses,
        "repeated_punctuation": repeated_punctuation,
        "wrapped_lines": wrapped_lines,
        "punctuation_spacing": punctuation_spacing,
        "whitespace": whitespace,
        "currency": currency,
        "units": units,
    }
)
#: What one rule uncovers another may repair; more rounds than this no text has needed.
MAX_ROUNDS = 4


def repair(edited: EditedText, names: frozenset[str] | None = None) -> None:
    """Let the rules work on a text until none has anything to do.

    Parameters
    ----------
    edited
        The text; its log tells what was done.
    names
        The rules that work; all of them by default.
    """
    for _ in range(MAX_ROUNDS):
        before = edited.text
        for name, rule in RULES.items():
            if names is None or name in names:
                edited.apply(name, rule(edited.text))
        if edited.text == before:
            return
