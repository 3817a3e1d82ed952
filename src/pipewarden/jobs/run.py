"""Running a pipeline: from what was asked to a report, as a job that can be watched and resumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipewarden.core.items import ItemResult
from pipewarden.engine.context import RunContext, file_safe
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.planner import Planned, make_plan
from pipewarden.errors import InvalidSettings, PipewardenError, UnknownName, UsageError
from pipewarden.jobs import loading
from pipewarden.jobs.claiming import claim, create_job, locked_store, reap, refuse_living
from pipewarden.jobs.models.mirroring import mirror_models
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.runners.execution import Execution, RunReport
from pipewarden.jobs.runners.local import Listener
from pipewarden.jobs.runners.planning import plan_request
from pipewarden.jobs.runners.publishing import published_lines
from pipewarden.jobs.runners.tables import with_table_read
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import redact
from pipewarden.store.state import jobs

__all__ = ["Listener", "RunReport", "Silent", "plan", "reap", "rerun", "resume", "run", "start"]


class Silent:
    """A listener that says nothing."""

    def planned(self, planned: Planned, work: int) -> None:
        """Say nothing."""

    def committed(self, results: list[ItemResult]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def run(
    pipeline: Pipeline,
    source: Path | str | Iterable[Mapping[str, Any]],
    *,
    workspace: Workspace | None = None,
    listener: Listener | None = None,
    run_name: str = "",
    **options: Any,
) -> RunReport:
    """Run a pipeline over a folder, one file, or records, and return how it ended.

    Parameters
    ----------
    pipeline
        What to do.
    source
        The folder or file; or records (mappings), for a pipeline that takes them: they are spooled
        to ``data/inbox/<pipeline>/<run name>.jsonl``, which is then the source.
    run_name
        What the run is called instead of the pipeline's name.
    options
        The fields of `RunOptions`: ``incremental=True, workers=4, …``.

    Raises
    ------
    SourceNotFound, Locked, StateDamaged, StorageUnavailable, DatabaseUnavailable
        See the error's own words. Items that fail raise nothing: they are quarantined and reported.
    """
    held = workspace or Workspace()
    settings = held.settings
    defaults: dict[str, Any] = {
        "pipeline": loading.reference_of(pipeline),
        "executor": settings.executor,
        "workers": settings.workers,
        "lock_timeout": settings.lock_timeout,
    }
    unknown = sorted(set(options) - set(RunOptions.__dataclass_fields__))
    if unknown:
        raise InvalidSettings(f"run() has no option {', '.join(unknown)}")
    if not isinstance(source, (str, Path)):
        source = _spooled(source, pipeline, run_name, held)
    asked = RunOptions(**{**defaults, **options, "source": str(Path(source).absolute())})
    return start(pipeline, asked, held, listener or Silent(), run_name=run_name)


def _spooled(
    records: Iterable[Mapping[str, Any]], pipeline: Pipeline, run_name: str, workspace: Workspace
) -> Path:
    from pipewarden.store.files.spooling import spool

    if not pipeline.records:
        raise InvalidSettings(
            f"pipeline {pipeline.name!r} takes files, not records",
            next_step="give the pipeline records=…, the field that names a record",
        )
    folder = workspace.data_dir / "inbox" / pipeline.name
    return spool(records, folder / f"{file_safe(run_name or pipeline.name)}.jsonl")


def start(
    pipeline: Pipeline,
    options: RunOptions,
    workspace: Workspace,
    listener: Listener,
    *,
    run_name: str = "",
    parent_id: str | None = None,
) -> RunReport:
    """Make a job of what was asked, and run it here and now."""
    options = with_table_read(pipeline, options, workspace)
    source = workspace.source(
        options.source, patterns_of(pipeline, options), pipeline.records or ""
    )
    context = RunContext(
        run_name or pipeline.name,
        workspace.runs_dir,
        auto_git_sha=True,
        capture_config=False,
        clock=workspace.clock,
    )
    store = locked_store(workspace, source, pipeline, options, context.run_id, listener.note)
    try:
        output_dir = workspace.output_dir(options.output_dir, store, pipeline.name)
        source = workspace.with_outputs(source, output_dir)
        options = replace(
            options,
            output_dir=str(output_dir),
            records=pipeline.records or "",
            lines=pipeline.lines or "",
        )
        job = create_job(workspace, context, pipeline, options, parent_id)
        snapshot = snapshot_of(workspace, context, pipeline, options)
        lease = claim(workspace, job)
        report = Execution(
            workspace, pipeline, options, source, store, listener, context.output_dir, snapshot
        ).carry_out(lease)
    finally:
        store.close()
    mirror_models(workspace, pipeline, listener.note)
    return report


def resume(
    run_id: str,
    workspace: Workspace,
    listener: Listener,
    pipeline: Pipeline | None = None,
    *,
    queued_only: bool = False,
) -> RunReport:
    """Go on with a queued, paused, cancelled or failed job, or one whose runner died.

    Parameters
    ----------
    pipeline
        Needed only for one that cannot be found again by name.
    queued_only
        Take the job up only if it is still waiting in the queue.

    Raises
    ------
    UnknownName
        There is no such job.
    IllegalTransition
        It is completed (`rerun` does it again), or not queued any more.
    Locked
        Its runner lives.
    """
    with workspace.database.read() as conn:
        job = jobs.get(conn, run_id)
    if job is None:
        raise UnknownName(f"there is no job {run_id!r}", next_step="pipewarden jobs list")
    refuse_living(job)
    options = RunOptions.from_dict(job.options)
    found = pipeline or _found_again(options, run_id, workspace)
    source = workspace.source(options.source, patterns_of(found, options), found.records or "")
    store = locked_store(workspace, source, found, options, run_id, listener.note, spare=run_id)
    try:
        source = workspace.with_outputs(source, Path(options.output_dir))
        lease = claim(workspace, job, queued_only=queued_only)
        folder = workspace.runs_dir / run_id
        snapshot = _stored_snapshot(folder)
        report = Execution(
            workspace, found, options, source, store, listener, folder, snapshot
        ).carry_out(lease)
    finally:
        store.close()
    mirror_models(workspace, found, listener.note)
    return report


def rerun(run_id: str, workspace: Workspace, listener: Listener) -> RunReport:
    """Run again what an earlier run did, from its ``run_config.yaml`` alone, under a new id.

    Every item is processed, whatever is known of it.

    Raises
    ------
    UnknownName
        The run left no configuration.
    """
    snapshot = _stored_snapshot(workspace.runs_dir / run_id)
    if not snapshot:
        raise UnknownName(
            f"{workspace.runs_dir / run_id / 'run_config.yaml'} does not exist",
            next_step="pipewarden jobs list",
        )
    options = replace(RunOptions.from_dict(snapshot["config"]["options"]), force=True)
    pipeline = _found_again(options, run_id, workspace)
    return start(
        pipeline, options, workspace, listener, run_name=snapshot["name"], parent_id=run_id
    )


def plan(pipeline: Pipeline, options: RunOptions, workspace: Workspace) -> Planned:
    """Return what a run would do; nothing is changed but that a dead run's journal is applied."""
    options = with_table_read(pipeline, options, workspace)
    source = workspace.source(
        options.source, patterns_of(pipeline, options), pipeline.records or ""
    )
    store = workspace.store(source, pipeline.name)
    with suppress(PipewardenError):  # a live run holds the journal: it applies its own
        store.catch_up()
    output_dir = workspace.output_dir(options.output_dir, store, pipeline.name)
    source = workspace.with_outputs(source, output_dir)
    lines = published_lines(pipeline, output_dir, store.folder, workspace)
    request = plan_request(pipeline, options, output_dir, workspace.clock(), lines=lines)
    return make_plan(source, store, request)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def patterns_of(pipeline: Pipeline, options: RunOptions) -> tuple[str, ...]:
    """Return the globs of a run: those it was asked for, else its pipeline's."""
    return (options.pattern,) if options.pattern else pipeline.patterns


def _found_again(options: RunOptions, run_id: str, workspace: Workspace) -> Pipeline:
    if not options.pipeline:
        raise UsageError(
            f"run {run_id} used a pipeline that exists only in the script that ran it",
            next_step="run that script again: what is done is not done twice",
        )
    settings = loading.usable(options, workspace.settings, run_id)
    return loading.load_pipeline(options.pipeline, workspace.settings, settings)


def snapshot_of(
    workspace: Workspace, context: RunContext, pipeline: Pipeline, options: RunOptions
) -> dict[str, Any]:
    """Write what a run depends on into its folder, and return it."""
    config = {"options": options.as_dict(), "pipeline_settings": dict(pipeline.settings)}
    snapshot: dict[str, Any] = {
        **context.config_snapshot,
        "run_id": context.run_id,
        "researcher": workspace.actor,
        "settings": workspace.settings.redacted(),
        "config": config,
    }
    snapshot = redact(snapshot)
    context.save_snapshot(snapshot)
    return snapshot


def _stored_snapshot(folder: Path) -> dict[str, Any]:
    import yaml

    path = folder / "run_config.yaml"
    if not path.is_file():
        return {}
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded if isinstance(loaded, dict) else {}
