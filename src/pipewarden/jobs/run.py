"""Running a pipeline: from what was asked to a report, as a job that can be watched and resumed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from pipewarden.core.chain import Act
from pipewarden.core.items import ItemResult
from pipewarden.core.jobs import Job, JobStatus, Lease, Progress, Request
from pipewarden.engine.context import RunContext
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.planner import Planned, make_plan
from pipewarden.engine.source import Source
from pipewarden.errors import InvalidSettings, PipewardenError, UnknownName, UsageError
from pipewarden.jobs import liveness, loading, summary
from pipewarden.jobs.control import Control
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.runner import Listener, Runner, Tally, plan_request
from pipewarden.jobs.workspace import Workspace
from pipewarden.report import markdown
from pipewarden.report.facts import ReportFacts
from pipewarden.report.formatter import ReportFormatter
from pipewarden.store.files import durable
from pipewarden.store.files.folder_lock import Holder
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.state import jobs, ledger
from pipewarden.store.windows import Window, passing


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended.

    Parameters
    ----------
    run_id, status, progress
        The job, its status, and what became of its items.
    facts
        Everything the report says.
    paths
        Where the reports lie: ``markdown``, ``html``, ``json``.
    """

    run_id: str
    status: JobStatus
    progress: Progress
    facts: ReportFacts
    paths: Mapping[str, Path]

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0 done, 1 something was quarantined, 130 stopped."""
        if self.status in (JobStatus.PAUSED, JobStatus.CANCELLED):
            return 130
        return 1 if self.progress.quarantined or self.status is JobStatus.FAILED else 0


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
    source: Path | str,
    *,
    workspace: Workspace | None = None,
    listener: Listener | None = None,
    run_name: str = "",
    **options: Any,
) -> RunReport:
    """Run a pipeline over a folder, or one file, and return how it ended.

    Parameters
    ----------
    pipeline
        What to do.
    source
        The folder or file.
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
    asked = RunOptions(**{**defaults, **options, "source": str(Path(source).absolute())})
    return start(pipeline, asked, held, listener or Silent(), run_name=run_name)


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
    source = workspace.source(options.source, _patterns(pipeline, options))
    context = RunContext(
        run_name or pipeline.name,
        workspace.runs_dir,
        auto_git_sha=True,
        capture_config=False,
        clock=workspace.clock,
    )
    store = _locked(workspace, source, pipeline, options, context.run_id, listener)
    try:
        output_dir = workspace.output_dir(options.output_dir, store, pipeline.name)
        options = replace(options, output_dir=str(output_dir))
        job = _create(workspace, context, pipeline, options, parent_id)
        lease = _claim(workspace, job)
        snapshot = _snapshot(workspace, context, pipeline, options)
        return _Execution(
            workspace, pipeline, options, source, store, listener, context.output_dir, snapshot
        ).carry_out(lease)
    finally:
        store.close()


def resume(
    run_id: str, workspace: Workspace, listener: Listener, pipeline: Pipeline | None = None
) -> RunReport:
    """Go on with a paused, cancelled or failed job, or one whose runner died, under the same id.

    ``pipeline`` is needed only for one that cannot be found again by name.

    Raises
    ------
    UnknownName
        There is no such job.
    IllegalTransition
        It is completed; `rerun` does it again.
    Locked
        Its runner lives.
    """
    with workspace.database.read() as conn:
        job = jobs.get(conn, run_id)
    if job is None:
        raise UnknownName(f"there is no job {run_id!r}", next_step="pipewarden jobs list")
    options = RunOptions.from_dict(job.options)
    found = pipeline or _found_again(options, run_id, workspace)
    source = workspace.source(options.source, _patterns(found, options))
    store = _locked(workspace, source, found, options, run_id, listener, spare=run_id)
    try:
        lease = _claim(workspace, job)
        folder = workspace.runs_dir / run_id
        snapshot = _stored_snapshot(folder)
        return _Execution(
            workspace, found, options, source, store, listener, folder, snapshot
        ).carry_out(lease)
    finally:
        store.close()


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
    source = workspace.source(options.source, _patterns(pipeline, options))
    store = workspace.store(source, pipeline.name)
    with suppress(PipewardenError):  # a live run holds the journal: it applies its own
        store.catch_up()
    output_dir = workspace.output_dir(options.output_dir, store, pipeline.name)
    return make_plan(source, store, plan_request(pipeline, options, output_dir))


def reap(workspace: Workspace) -> list[Job]:
    """Mark the jobs whose runner died; they can be resumed."""
    with workspace.database.write() as conn:
        return jobs.reap(conn, at=workspace.clock(), is_alive=liveness.is_alive)


def catch_up_known(workspace: Workspace) -> None:
    """Apply what dead runs committed, of every source known here; live runs apply their own."""
    for job in latest_jobs(workspace):
        with suppress(PipewardenError):
            source = Source.at(job.source, ("*",))
            workspace.store(source, job.pipeline).catch_up()


def latest_jobs(workspace: Workspace) -> list[Job]:
    """Return the newest job of every source and pipeline that has ever run here."""
    with workspace.database.read() as conn:
        return jobs.latest_of_each_source(conn)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _patterns(pipeline: Pipeline, options: RunOptions) -> tuple[str, ...]:
    return (options.pattern,) if options.pattern else pipeline.patterns


def _found_again(options: RunOptions, run_id: str, workspace: Workspace) -> Pipeline:
    if not options.pipeline:
        raise UsageError(
            f"run {run_id} used a pipeline that exists only in the script that ran it",
            next_step="run that script again: what is done is not done twice",
        )
    return loading.load_pipeline(options.pipeline, workspace.settings, options.settings)


def _locked(
    workspace: Workspace,
    source: Source,
    pipeline: Pipeline,
    options: RunOptions,
    run_id: str,
    listener: Listener,
    spare: str = "",
) -> ManifestStore:
    """Return the source's manifest, this process its one writer, with nothing left to catch up."""
    store = workspace.store(source, pipeline.name)
    holder = Holder.this_process(run_id, workspace.clock().isoformat(timespec="seconds"))
    store.lock(holder, options.lock_timeout, listener.note)
    try:
        caught_up = store.catch_up()
        if caught_up:
            listener.note(
                f"{caught_up} items that a dead run had committed were taken into account"
            )
        for job in reap(workspace):
            if job.id != spare:
                listener.note(f"job {job.id} had lost its runner; it is {job.status} now")
    except BaseException:
        store.close()
        raise
    return store


def _create(
    workspace: Workspace,
    context: RunContext,
    pipeline: Pipeline,
    options: RunOptions,
    parent_id: str | None,
) -> Job:
    while True:
        context.create()
        job = Job(
            id=context.run_id,
            pipeline=pipeline.name,
            source=options.source,
            parent_id=parent_id,
            created_at=workspace.clock(),
            created_by=workspace.actor,
            options=options.as_dict(),
        )
        with workspace.database.write() as conn:
            if jobs.insert(conn, job):
                return job


def _claim(workspace: Workspace, job: Job) -> Lease:
    dead = job.lease_owner if liveness.is_alive(job.lease_owner or "::") is False else None
    at = workspace.clock()
    with workspace.database.write() as conn:
        lease = jobs.claim(
            conn,
            job.id,
            owner=liveness.this_owner(),
            at=at,
            ttl_seconds=workspace.settings.lease_seconds,
            actor=workspace.actor,
            steal_from=dead,
            exclusive=True,
        )
        action = "run.started" if job.started_at is None else "run.resumed"
        details = {"pipeline": job.pipeline, "source": job.source, "parent_id": job.parent_id}
        acts = [Act(actor=workspace.actor, action=action, subject=job.id, details=details)]
        if not job.options.get("validate", True) and job.started_at is None:
            reason = "--no-validate"
            acts.append(
                Act(actor=workspace.actor, action="gate.skipped", subject=job.id, reason=reason)
            )
        ledger.append(conn, acts, at)
    passing(Window.RUN_STARTED)
    return lease


def _snapshot(
    workspace: Workspace, context: RunContext, pipeline: Pipeline, options: RunOptions
) -> dict[str, Any]:
    config = {"options": options.as_dict(), "pipeline_settings": dict(pipeline.settings)}
    snapshot = {
        **context.config_snapshot,
        "run_id": context.run_id,
        "researcher": workspace.actor,
        "settings": workspace.settings.redacted(),
        "config": config,
    }
    context.save_snapshot(snapshot)
    return snapshot


def _stored_snapshot(folder: Path) -> dict[str, Any]:
    import yaml

    path = folder / "run_config.yaml"
    if not path.is_file():
        return {}
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded if isinstance(loaded, dict) else {}


@dataclass(slots=True)
class _Execution:
    """A claimed job on its way to its end."""

    workspace: Workspace
    pipeline: Pipeline
    options: RunOptions
    source: Source
    store: ManifestStore
    listener: Listener
    folder: Path
    snapshot: dict[str, Any]

    def carry_out(self, lease: Lease) -> RunReport:
        began = time.monotonic()
        control = Control(
            self.workspace.database,
            lease,
            self.workspace.actor,
            self.workspace.settings.lease_seconds,
            self.workspace.clock,
        )
        try:
            tally = self._runner(lease, control).run()
            self.store.keep_run_config(lease.job_id, self.snapshot)
            passing(Window.RUN_SETTLED)
            return self._finish(lease, tally, self._status(tally, control), began)
        except BaseException as error:
            self._give_up(lease, error)
            raise

    def _runner(self, lease: Lease, control: Control) -> Runner:
        return Runner(
            workspace=self.workspace,
            pipeline=self.pipeline,
            options=self.options,
            source=self.source,
            store=self.store,
            lease=lease,
            output_dir=Path(self.options.output_dir),
            control=control,
            listener=self.listener,
            render_failure=markdown.failure_report,
        )

    @staticmethod
    def _status(tally: Tally, control: Control) -> JobStatus:
        """Return how the run ends; one of which nothing but failures came has failed."""
        if control.requested is Request.CANCEL:
            return JobStatus.CANCELLED
        if control.requested is Request.PAUSE:
            return JobStatus.PAUSED
        progress = tally.progress
        if progress.quarantined and not progress.published and not progress.skipped:
            return JobStatus.FAILED
        return JobStatus.COMPLETED

    def _finish(self, lease: Lease, tally: Tally, status: JobStatus, began: float) -> RunReport:
        at = self.workspace.clock()
        error = "every item was quarantined" if status is JobStatus.FAILED else ""
        with self.workspace.database.read() as conn:
            job = jobs.get(conn, lease.job_id)
            assert job is not None
            ending = summary.Ending(
                status=str(status),
                finished_at=at.isoformat(),
                seconds=round(time.monotonic() - began, 3),
                plan=tally.planned.plan.counts(),
                gate=self.pipeline.gate,
                notices=tally.notices,
                config=self.snapshot,
                output_dir=self.options.output_dir,
                quarantine_dir=str(self.workspace.quarantine_dir(lease.job_id)),
            )
            facts = summary.gather(conn, replace(job, error=error), ending)
        paths = self._write_reports(facts)
        passing(Window.REPORT_WRITTEN)
        with self.workspace.database.write() as conn:
            ended = jobs.transition(
                conn, lease.job_id, status, actor=self.workspace.actor, at=at,
                error=error, lease=lease,
            )  # fmt: skip
            details = {"status": str(ended.status), **facts["totals"]}
            act = Act(
                actor=self.workspace.actor,
                action="run.finished",
                subject=lease.job_id,
                details=details,
            )
            ledger.append(conn, [act], at)
        passing(Window.RUN_FINISHED)
        return RunReport(lease.job_id, ended.status, tally.progress, facts, paths)

    def _write_reports(self, facts: ReportFacts) -> dict[str, Path]:
        run_id = facts["run"]["id"]
        stem = self.workspace.reports_dir / f"preprocessing_validation_summary_{run_id}"
        counts = {"total": 0, "success": 0, "failed": 0}
        for _, entry in self.store.entries():
            counts["total"] += 1
            counts[entry["status"]] += 1
        formatter = ReportFormatter()
        as_json = self.folder / "validation_report.json"
        data = orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        durable.write_file(as_json, data)
        return {
            "json": as_json,
            "markdown": formatter.generate_markdown_report(facts, counts, stem.with_suffix(".md")),
            "html": formatter.generate_html_report(facts, counts, stem.with_suffix(".html")),
        }

    def _give_up(self, lease: Lease, error: BaseException) -> None:
        """Mark the job as failed where that is still ours to do; the error itself goes on."""
        words = (
            error.message
            if isinstance(error, PipewardenError)
            else f"{type(error).__name__}: {error}"
        )
        at = self.workspace.clock()
        with suppress(PipewardenError), self.workspace.database.write() as conn:
            jobs.transition(
                conn, lease.job_id, JobStatus.FAILED, actor=self.workspace.actor, at=at,
                error=words[:2000], lease=lease,
            )  # fmt: skip
            act = Act(
                actor=self.workspace.actor,
                action="run.finished",
                subject=lease.job_id,
                reason=words[:500],
                details={"status": str(JobStatus.FAILED)},
            )
            ledger.append(conn, [act], at)
