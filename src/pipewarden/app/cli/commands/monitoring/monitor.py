"""``pipewarden monitor``: what is watched, what models answered, and what became true of it."""

from __future__ import annotations

import typer

from pipewarden.app.cli.commands.monitoring import importing, watching

app = typer.Typer(
    help="Watch models, pipelines and services, and take in what became true of predictions.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("check")(watching.check)
app.command("run")(watching.run)
app.command("drift")(watching.drift)
app.command("digest")(watching.digest)
app.add_typer(importing.app, name="import")
app.command("stats")(importing.stats)
app.command("prune")(importing.prune)
