"""The parts of a run report, before they are Markdown or HTML.

Text in them is as it came: the renderers make it visible and escape it.
"""

from __future__ import annotations

from typing import NamedTuple

from pipewarden.report.account import Ending, Proof


class Cell(NamedTuple):
    """A text, where it leads, and its tone: ``good``, ``warn``, ``bad``, ``idle`` or nothing."""

    text: str
    href: str = ""
    tone: str = ""
    #: Stands flush right, as its column does.
    numeric: bool = False


class Column(NamedTuple):
    """The head of a column; numbers stand flush right."""

    name: str
    numeric: bool = False


class Table(NamedTuple):
    """Rows under columns; the first cell of a row names it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Count(NamedTuple):
    """A number with its name, and what it means."""

    name: str
    number: int
    meaning: str = ""
    tone: str = ""


class Card(NamedTuple):
    """One quarantined item: why, where everything is, and what to type."""

    name: Cell
    reason: str
    message: str
    detail: str
    links: tuple[Cell, ...]
    commands: tuple[str, ...]


class Section(NamedTuple):
    """One heading of a report and what stands under it; what is empty is left out."""

    id: str
    title: str
    lead: str = ""
    counts: tuple[Count, ...] = ()
    points: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    table: Table | None = None
    lines: tuple[str, ...] = ()
    #: How many rows are not shown, as a sentence.
    more: str = ""
    #: A chart as an SVG element of our own drawing, for the media that show one.
    figure: str = ""
    #: Long and rarely read: folded away where the medium can.
    folded: bool = False


class RunView(NamedTuple):
    """A whole run report."""

    run_id: str
    pipeline: str
    ending: Ending
    summary: str
    error: tuple[str, ...]
    proof: Proof
    totals: tuple[Count, ...]
    header: tuple[tuple[str, Cell], ...]
    sections: tuple[Section, ...]
