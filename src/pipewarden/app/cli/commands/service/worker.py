"""``pipewarden worker``: work for the jobs of other machines, as a Celery worker."""

from __future__ import annotations

import os
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def worker(
    pipelines: Annotated[
        str,
        typer.Option(
            metavar="NAME,…",
            help="The pipelines to work for, by name or package.module:attribute; all registered "
            "ones by default.",
        ),
    ] = "",
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Items worked on at a time; the cores by default.")
    ] = None,
) -> None:
    """Work on the items of jobs that run with --executor celery, until SIGTERM or Ctrl-C.

    Items in work are finished then, and the rest is given back. A second Ctrl-C ends at once; what
    was in work is done by another worker. A worker writes nothing but documents under temporary
    names: the job's runner commits.
    """
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.jobs.runners.celery.workers.serving import queues_of, serve
    from pipewarden.report.untrusted import visible
    from pipewarden.report.wording import count
    from pipewarden.settings import load_settings, redact_text

    settings = load_settings()
    named = [name.strip() for name in pipelines.split(",") if name.strip()]
    queues = queues_of(settings, named)
    processes = concurrency or os.cpu_count() or 1
    broker = visible(redact_text(settings.celery.broker_url))
    for name, queue in queues.items():
        say(f"serving {visible(name)} from the queue {visible(queue)}")
    say(f"{count(processes, 'item')} at a time, broker {broker}; Ctrl-C or SIGTERM ends")
    raise typer.Exit(serve(settings, list(queues.values()), processes))
