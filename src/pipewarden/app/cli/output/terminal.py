"""What the commands print, and how: for a person at a terminal, for a pipe, for a machine.

Rich is imported only where there is a terminal to draw on. A reader that went away (``| head``)
silences the output and nothing else: a run goes on, and its exit code stays what it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console

#: Columns whose words are copied into the next command: on one line where that is possible.
_COPIED = ("run", "item", "check", "subject")
#: What is as short as this is never folded.
_SHORT = 16
#: To how much a column is folded at most.
_LEAST = 8
#: How wide sentences are that are folded here: as wide as any terminal.
_WIDTH = 80
#: Style by tone of voice; see `report.account.ending` for the tones of a run.
_COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}


def prepare() -> None:
    """Let no name of a file that the terminal's encoding lacks end the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def is_terminal(*, error: bool = False) -> bool:
    """Say whether a person looks at the output."""
    stream = sys.stderr if error else sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str = "", *, tone: str = "", error: bool = False) -> None:
    """Print one line, coloured by its tone where a person looks at it.

    ``text`` is already harmless: foreign text in it went through `report.untrusted.visible`.
    """
    if tone and is_terminal(error=error) and not os.environ.get("NO_COLOR"):
        text = typer.style(text, fg=_COLOURS.get(tone), bold=True)
    write(text + "\n", error=error)


def say_folded(text: str, *, first: str = "", rest: str = "", tone: str = "") -> None:
    """Print a sentence folded between its words; no name is broken that could be copied.

    Parameters
    ----------
    first, rest
        What the first line, and each one after it, begins with.
    """
    import textwrap

    lines = textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    for line in lines:
        say(line, tone=tone)


def write(text: str, *, error: bool = False) -> None:
    """Write text and flush it; a reader that went away silences this and what follows."""
    stream = sys.stderr if error else sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Send a stream whose reader went away to nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say_json(value: Any, *, error: bool = False, line: bool = False) -> None:
    """Print a value as JSON: indented, or as one line of a stream."""
    import orjson

    layout = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    option = layout if line else layout | orjson.OPT_INDENT_2
    try:
        data = orjson.dumps(value, default=_plain, option=option)
    except orjson.JSONEncodeError:  # bytes of a file's name that are no UTF-8
        import json

        text = json.dumps(value, default=_plain, indent=None if line else 2)
        data = text.encode("ascii", "backslashreplace") + b"\n"
    write(data.decode("utf-8"), error=error)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def console() -> Console:
    """Return the terminal to draw on."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def say_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Print a table: folded to the terminal's width, or aligned and never cut in a pipe.

    Parameters
    ----------
    headers, rows
        Plain text, foreign text made visible; a row may be shorter than the headers.
    right
        The headers whose columns hold numbers.
    """
    held = [[*row, *[""] * (len(headers) - len(row))] for row in rows]
    if is_terminal():
        _draw_table(headers, held, right)
        return
    lines = [list(headers), *held]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    for line in lines:
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(line, widths, headers, strict=True)
        ]
        say("  ".join(cells).rstrip())


def _draw_table(headers: Sequence[str], rows: list[list[str]], right: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    whole = _kept_whole(headers, widths, screen.width - 2 * len(headers))
    for name in headers:
        side: Literal["left", "right"] = "right" if name in right else "left"
        table.add_column(name, justify=side, no_wrap=name in whole, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with suppress(BrokenPipeError):
        screen.print(table)


def _kept_whole(headers: Sequence[str], widths: Sequence[int], room: int) -> set[str]:
    """Return the columns that need not be folded, with room left for a little of each other."""
    whole: set[str] = set()
    columns = sorted(zip(headers, widths, strict=True), key=lambda column: column[0] not in _COPIED)
    others = len(columns)
    for name, width in columns:
        if (name in _COPIED or width <= _SHORT) and width <= room - _LEAST * (others - 1):
            whole.add(name)
            room, others = room - width, others - 1
    return whole


def say_facts(facts: Mapping[str, str]) -> None:
    """Print names and values one a line, the values below each other; empty ones are left out."""
    held = {name: value for name, value in facts.items() if value}
    width = max(map(len, held), default=0)
    for name, value in held.items():
        say(f"{name.ljust(width)}  {value}")


def say_next(commands: Mapping[str, str], *, error: bool = False) -> None:
    """Print what can be typed next, each command with what it is for; never folded."""
    if not commands:
        return
    say(error=error)
    say("Next", tone="head", error=error)
    for command, purpose in commands.items():
        say(f"  {command}", error=error)
        say(f"      {purpose}", error=error)
