"""``pipewarden demo``: the five-minute tour."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo() -> None:
    """Show everything once, on sample data that it generates."""
