"""``pipewarden demo``: the five-minute tour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    folder: Annotated[
        Path,
        typer.Option("--dir", metavar="DIR", help="Where; with a number added if it is in use."),
    ] = Path("demo"),
) -> None:
    """Show everything once, on sample data that it generates; takes less than a minute."""
    from pipewarden.app.demo.tour import take

    take(folder)
