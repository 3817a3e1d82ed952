"""``pipewarden run`` and ``pipewarden rerun``: a run in the foreground, from plan to report."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipewarden.jobs.options import RunOptions
    from pipewarden.jobs.run import RunReport
    from pipewarden.jobs.workspace import Workspace

#: A plan makes thousands of objects and no cycles: looking for cycles among them is time lost.
_GARBAGE = 100_000

run_app = typer.Typer(add_completion=False, rich_markup_mode=None)
rerun_app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Executor(StrEnum):
    """What works on items."""

    PROCESSES = "processes"
    INLINE = "inline"
    CELERY = "celery"


_Json = Annotated[bool, typer.Option("--json", help="Print the report's facts as JSON.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but problems.")]


@run_app.command()
def run(
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE",
            help="A registered name, such as filings, or package.module:attribute.",
        ),
    ],
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The folder of inputs, or one file.")
    ],
    *,
    incremental: Annotated[
        bool, typer.Option("--incremental/--full", help="Process only what the plan asks for.")
    ] = True,
    validate: Annotated[
        bool,
        typer.Option(
            "--validate/--no-validate", help="Judge results by the gate; without is ledgered."
        ),
    ] = True,
    prune_deleted: Annotated[
        bool,
        typer.Option(
            "--prune-deleted", help="Forget items whose files are gone, withdraw outputs."
        ),
    ] = False,
    only_failed: Annotated[
        bool, typer.Option("--only-failed", help="Process only what lies in quarantine.")
    ] = False,
    inspect_quarantine: Annotated[
        bool, typer.Option("--inspect-quarantine", help="Show this source's quarantine, and stop.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Process every item.")] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Hash every input instead of trusting its time stamp.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and stop.")
    ] = False,
    require_outputs: Annotated[
        bool, typer.Option("--require-outputs", help="Process again what another machine produced.")
    ] = False,
    run_name: Annotated[str, typer.Option(help="Name of the run; the pipeline's by default.")] = "",
    workers: Annotated[int | None, typer.Option(min=1, help="Number of worker processes.")] = None,
    executor: Annotated[Executor | None, typer.Option(help="What works on items.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Process at most N items.")] = None,
    pattern: Annotated[str, typer.Option(help="Glob that replaces the pipeline's own.")] = "",
    output_dir: Annotated[
        str, typer.Option(help="Where outputs go; where they went before by default.")
    ] = "",
    metadata: Annotated[
        Path | None, typer.Option(help="The pipeline's setting 'metadata': a file about the items.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A pipeline setting, as YAML; repeatable."),
    ] = None,
    lock_timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds to wait for another run of the source.")
    ] = None,
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Run a pipeline over a folder: what is new or changed is processed, the rest is skipped.

    Ctrl-C pauses the run after the items in work, and it can be resumed; a second Ctrl-C ends it at
    once, and nothing that was committed is lost.
    """
    from pipewarden.app.cli import asking

    asked = {
        "incremental": incremental,
        "validate": validate,
        "prune_deleted": prune_deleted,
        "only_failed": only_failed,
        "force": force,
        "rehash": rehash,
        "require_outputs": require_outputs,
        "workers": workers,
        "executor": None if executor is None else str(executor),
        "limit": limit,
        "pattern": pattern,
        "output_dir": output_dir,
        "lock_timeout": lock_timeout,
        "settings": asking.pipeline_settings(settings or [], metadata),
    }
    workspace, options = asking.asked_for(pipeline, source, asked)
    if inspect_quarantine:
        _inspect(workspace, options, json=json)
    elif dry_run:
        _dry_run(workspace, options, json=json)
    else:
        _carry_out(workspace, options, run_name, json=json, quiet=quiet)


@rerun_app.command()
def rerun(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN_ID", help="The run to repeat; see 'pipewarden jobs list'.")
    ],
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Run again what an earlier run did, from its stored configuration, under a new id.

    Every item is processed, whatever is known of it.
    """
    from pipewarden.app.cli.output.progress import listener
    from pipewarden.errors import UnknownName
    from pipewarden.jobs.requests import find
    from pipewarden.jobs.run import rerun as carry_out
    from pipewarden.jobs.workspace import Workspace

    workspace = Workspace()
    try:
        with closing(listener(json=json, quiet=quiet)) as tell:
            report = carry_out(run_id, workspace, tell)
    except UnknownName:
        find(workspace, run_id)  # of a mistyped id it names the nearest
        raise
    conclude(report, json=json, quiet=quiet)


def _carry_out(
    workspace: Workspace, options: RunOptions, run_name: str, *, json: bool, quiet: bool
) -> None:
    import gc

    from pipewarden.app.cli.output.progress import listener
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.jobs.run import start

    pipeline = load_pipeline(options.pipeline, workspace.settings, options.settings)
    gc.freeze()  # forked workers share what is never looked at again
    gc.set_threshold(_GARBAGE)
    gc.enable()
    with closing(listener(json=json, quiet=quiet)) as tell:
        report = start(pipeline, options, workspace, tell, run_name=run_name)
        if not report.progress.seen and Path(options.source).is_dir():
            patterns = options.pattern or " or ".join(pipeline.patterns)
            tell.note(f"no file below {options.source} matches {patterns}; see --pattern")
    conclude(report, json=json, quiet=quiet)


def conclude(report: RunReport, *, json: bool, quiet: bool) -> None:
    """Print how a run ended, and end the command with the exit code that says so."""
    if json:
        from pipewarden.app.cli.output.terminal import say_json

        paths = {kind: str(path) for kind, path in report.paths.items()}
        say_json({**report.facts, "reports": paths, "exit_code": report.exit_code})
    elif not quiet:
        from pipewarden.app.cli.output.outcome import say_outcome

        say_outcome(report)
    raise typer.Exit(report.exit_code)


def _dry_run(workspace: Workspace, options: RunOptions, *, json: bool) -> None:
    from pipewarden.app.cli.output.plans import say_plan
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.jobs.run import plan

    pipeline = load_pipeline(options.pipeline, workspace.settings, options.settings)
    planned = plan(pipeline, options, workspace)
    say_plan(planned, pipeline.name, options.source, explain=True, json=json)


def _inspect(workspace: Workspace, options: RunOptions, *, json: bool) -> None:
    from pipewarden.app.cli.output.quarantined import say_quarantined
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.jobs.quarantine import listed

    pipeline = load_pipeline(options.pipeline, workspace.settings, options.settings)
    held = listed(workspace, source=options.source, pipeline=pipeline.name)
    say_quarantined(held, json=json)
