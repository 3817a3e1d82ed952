"""Markdown built from foreign text that must stay text.

CommonMark 0.31 with GitHub's tables and autolinks is what counts; whatever could open a construct
is escaped, and ``<``, ``>`` and ``&`` become entities because Markdown lets HTML through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipewarden.report.untrusted import visible, visible_lines
from pipewarden.report.view.values import Cell, Column, Table

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
#: Characters that open a construct anywhere; underscores inside words do not, and stay readable.
_ACTIVE = re.compile(r"[\\`*\[\]|~<>&$]|(?<![^\W_])_|_(?![^\W_])")
#: What starts a block at the beginning of a line: a heading, list, rule, quote.
_BLOCK_START = re.compile(r"(?:#{1,6}|[+\-]|\d{1,9}[.)])(?=\s|$)|[-=]{2}|=$")
#: Where GitHub makes a link out of plain text.
_AUTOLINK = re.compile(r"(?i)(?<=https)[:]|(?<=http)[:]|(?<=ftp)[:]|(?<=www)[.]")


def text(foreign: str) -> str:
    """Return foreign text as one line of Markdown that renders as exactly that text."""
    shown = _ACTIVE.sub(_escaped, visible(foreign))
    if _AUTOLINK.search(shown):
        shown = _AUTOLINK.sub(lambda match: f"&#{ord(match[0])};", shown)
    if _BLOCK_START.match(shown):
        shown = f"&#{ord(shown[0])};{shown[1:]}"
    return shown


def _escaped(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0]) or "\\" + match[0]


def link(label: str, href: str) -> str:
    """Return a link; ``href`` is percent-encoded already. Without one, only the text."""
    return f"[{text(label)}]({href})" if href else text(label)


def cell(held: Cell) -> str:
    """Return a cell's text, linked and in bold where it is bad."""
    shown = link(held.text, held.href)
    return f"**{shown}**" if held.tone == "bad" and held.text else shown


def table(held: Table) -> list[str]:
    """Return the lines of a table, one for each row, whatever the cells hold."""
    return [
        _row(text(column.name) for column in held.columns),
        _row("---:" if column.numeric else "---" for column in held.columns),
        *(_row(map(cell, row)) for row in held.rows),
    ]


def pairs(rows: Iterable[tuple[str, Cell]]) -> list[str]:
    """Return a table of names and values."""
    named = tuple((Cell(name), value) for name, value in rows)
    return table(Table((Column("What"), Column("Value")), named))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """Return lines as a code block whose fence is longer than any run of backticks in it."""
    shown = visible_lines("\n".join(lines))
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, *shown, fence]
