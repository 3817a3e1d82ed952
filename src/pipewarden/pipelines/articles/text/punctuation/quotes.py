"""Typographic quotation marks, dashes and ellipses, written with the marks of a keyboard."""

# ruff: noqa: RUF001 - the rules are about such characters

from __future__ import annotations

import re

from pipewarden.pipelines.articles.text.edits import Edit

_MARKS = re.compile("[‘’‚‛“”„‟]|[-‐‑‒–—―−]*[‐‑‒–—―−][-‐‑‒–—―−]*")
_SINGLE, _LONG = "‘’‚‛", "—―"
#: Scripts with typographic marks of their own: Hebrew, Arabic, Chinese, Japanese, Korean, ….
_OWN_MARKS = re.compile("[\u0400-\u1dff\u2e80-\ud7ff\uf900-\ufdff\ufe30-\ufeff\uff00-\uffef]")
_ELLIPSIS = re.compile(r"…|(?<![.…])(?<![.…] )\.(?: \.){2,3}(?! ?[.…])")


def quotes(text: str) -> list[Edit]:
    """Return edits that write typographic quotation marks and dashes plainly.

    Guillemets stay, and so does every mark beside a letter of a script that is not Latin or Greek.
    A dash without spaces becomes a hyphen; an em dash between words gets spaces around it.

    Parameters
    ----------
    text
        Any text.
    """
    if text.isascii():
        return []
    edits = []
    for match in _MARKS.finditer(text):
        start, end = match.span()
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        mark = match[0]
        is_quote = mark in "‘’‚‛“”„‟"
        # A dash may have a space between itself and the letters beside it.
        reach = 1 if is_quote else 2
        if _OWN_MARKS.search(text[max(0, start - reach) : start] + text[end : end + reach]):
            continue
        if is_quote:
            edits.append(Edit(start, end, "'" if mark in _SINGLE else '"'))
        else:
            edits.append(Edit(start, end, _dash(mark, before, after)))
    return edits


def _dash(mark: str, before: str, after: str) -> str:
    if len(mark) > 1:
        return "--" if len(mark) < 4 else "-" * len(mark)
    if mark not in _LONG or (before.isdigit() and after.isdigit()):
        return "-"
    left = " " if before and not before.isspace() else ""
    right = " " if after.isalnum() or (after in "\"'“‘([$£€#" and after) else ""
    if not left and not right:
        return "-"
    return f"{left}-{right}"


def ellipses(text: str) -> list[Edit]:
    """Return edits that write an ellipsis as points without spaces between them.

    Leaders of more than four points stay, and so does the sign beside Chinese and the like.

    Parameters
    ----------
    text
        Any text.
    """
    if "…" not in text and ". . ." not in text:
        return []
    edits = []
    for match in _ELLIPSIS.finditer(text):
        start, end = match.span()
        around = text[max(0, start - 2) : start] + text[end : end + 2]
        if not _OWN_MARKS.search(around):
            edits.append(Edit(start, end, "..." if match[0] == "…" else match[0].replace(" ", "")))
    return edits
