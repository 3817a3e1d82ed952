"""``pipewarden status``: what a run would do with each item of a source, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipewarden.core.jobs import Job
    from pipewarden.jobs.options import RunOptions
    from pipewarden.jobs.workspace import Workspace

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[PIPELINE] SOURCE",
            help="The folder of inputs, or one file.",
            show_default=False,
        ),
    ],
    pipeline: Annotated[
        str,
        typer.Option(help="The pipeline; by default the one that last processed the source."),
    ] = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for every item why it would run or be skipped.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how many items are new, changed, stale, failed, unchanged, and what a run would do.

    Nothing is changed. The source's own pipeline is used, as its last run was asked, unless another
    is named.
    """
    from pipewarden.app.cli import asking
    from pipewarden.app.cli.output.plans import say_plan
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.jobs.run import plan

    named, source = _names(names, pipeline)
    workspace, options = asking.asked_for(named, source, {})
    jobs = _jobs(workspace, options.source)
    options = _completed(options, jobs)
    found = load_pipeline(options.pipeline, workspace.settings, options.settings)
    planned = plan(found, options, workspace)
    last = next((job for job in jobs if job.pipeline == found.name), None)
    more = {"last_run": _last_run(last)}
    say_plan(planned, found.name, options.source, explain=explain, json=json, **more)
    if not json:
        _say_last_run(last)
        _say_run_command(options, explain=explain, work=bool(planned.plan.work()))


def _names(names: list[str], pipeline: str) -> tuple[str, str]:
    from pipewarden.errors import UsageError

    if len(names) > 2 or (len(names) == 2 and pipeline):
        raise UsageError(
            f"status takes one source, not {' '.join(names)}",
            next_step="pipewarden status SOURCE [--pipeline NAME]",
        )
    return (pipeline, names[0]) if len(names) == 1 else (names[0], names[1])


def _jobs(workspace: Workspace, source: str) -> tuple[Job, ...]:
    """Return the last jobs of the source, newest first; of a table those of its records."""
    from pipewarden.jobs.claiming import latest_jobs
    from pipewarden.jobs.requests import list_jobs

    found = list_jobs(workspace, source=source, limit=50).jobs
    if found:
        return found
    read = {
        job.source
        for job in latest_jobs(workspace)
        if source in (job.options.get("table"), job.options.get("query_file"))
    }
    jobs = [job for one in read for job in list_jobs(workspace, source=one, limit=50).jobs]
    return tuple(sorted(jobs, key=lambda job: (job.created_at, job.id), reverse=True))


def _completed(options: RunOptions, jobs: tuple[Job, ...]) -> RunOptions:
    """Return the options with the pipeline, and with what its last run was asked.

    Raises
    ------
    UsageError
        No pipeline is named, and none has processed the source.
    """
    from pipewarden.errors import UsageError
    from pipewarden.jobs.loading import registered

    wanted = options.pipeline.rpartition(":")[2]
    for job in jobs:
        reference = str(job.options.get("pipeline", ""))
        if reference and (not wanted or wanted in (job.pipeline, reference.rpartition(":")[2])):
            asked: dict[str, Any] = {
                name: job.options[name]
                for name in ("settings", "pattern")
                if job.options.get(name) is not None
            }
            return replace(options, **{"pipeline": options.pipeline or reference, **asked})
    if options.pipeline:
        return options
    known = _named_by_manifest(Path(options.source))
    if known in registered():
        return replace(options, pipeline=known)
    raise UsageError(
        f"no pipeline is known for {options.source}"
        + (f"; its manifest names {known!r}, which is not registered" if known else ""),
        next_step="name one, or package.module:attribute: pipewarden status SOURCE --pipeline NAME",
    )


def _named_by_manifest(source: Path) -> str:
    import orjson

    folder = source if source.is_dir() else source.parent
    try:
        held = orjson.loads((folder / ".manifest.json").read_bytes())
        return str(held["metadata"]["pipeline"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # a manifest that is damaged says so when it is read in earnest


def _last_run(job: Job | None) -> dict[str, Any] | None:
    if job is None:
        return None
    return {"id": job.id, "status": job.status, "finished_at": job.finished_at, "error": job.error}


def _say_last_run(job: Job | None) -> None:
    from pipewarden.app.cli.output.jobs import progress_words
    from pipewarden.app.cli.output.terminal import say
    from pipewarden.report.wording import moment

    if job is None:
        return
    at = moment((job.finished_at or job.started_at or job.created_at).isoformat())
    say()
    say(f"last run: {job.id}, {job.status} at {at}: {progress_words(job)}")


def _say_run_command(options: RunOptions, *, explain: bool, work: bool) -> None:
    from pipewarden.app.cli.output.outcome import shown
    from pipewarden.app.cli.output.terminal import say_next
    from pipewarden.report.untrusted import shell_line

    source = shown(options.source)
    commands = {}
    if not explain:
        words = ["pipewarden", "status", options.pipeline, source, "--explain"]
        commands[shell_line(words)] = "every item, and why"
    if work:
        commands[shell_line(["pipewarden", "run", options.pipeline, source, *_flags(options)])] = (
            "do it"
        )
    say_next(commands)


def _flags(options: RunOptions) -> list[str]:
    flags = ["--pattern", options.pattern] if options.pattern else []
    for key, value in (options.settings or {}).items():
        flags += ["--set", f"{key}={value if isinstance(value, str) else _yaml(value)}"]
    return flags if options.validate else [*flags, "--no-validate"]


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True).strip()
    return text.removesuffix("...").strip()
