"""``pipewarden trace``: where a thing came from, and what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def trace(
    thing: Annotated[
        str,
        typer.Argument(
            metavar="ID|PATH|HASH|MODEL@VERSION",
            help="A prediction's or run's id, a model's version, a file, a record (FILE#KEY), a "
            "hash, a dataset's fingerprint, deployment:N.",
            show_default=False,
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the graph as JSON.")] = False,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print the graph as a Mermaid diagram.")
    ] = False,
) -> None:
    """Show where a thing came from, and what became of it.

    A prediction leads to its version, and that to the run that made it, the data, the files as they
    were then, the configuration, the commit, the verdict, the deployment, and who approved of it.
    """
    from pipewarden.app.cli.output.terminal import say, say_json, write
    from pipewarden.errors import UsageError
    from pipewarden.jobs.lineage.tracing import trace as traced
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.report import lineage

    if json and mermaid:
        raise UsageError("--json and --mermaid are two forms: give one of them")
    found = traced(Workspace(), thing)
    if json:
        say_json(lineage.plain(found.lineage, found.roots))
        return
    if mermaid:
        write(lineage.mermaid(found.lineage))
        return
    for number, root in enumerate(found.roots):
        if number:
            say()
        for line in lineage.lines(found.lineage, root):
            say(line)
