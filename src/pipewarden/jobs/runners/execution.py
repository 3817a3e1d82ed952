"""One run from its claim to its report, whatever happens on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.chain import Act
from pipewarden.core.jobs import JobStatus, Lease, Progress, Request
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.publication.files import Outputs
from pipewarden.engine.records import RecordSource
from pipewarden.engine.source import Source
from pipewarden.errors import DatabaseUnavailable, Fenced, PipewardenError
from pipewarden.jobs import summary
from pipewarden.jobs.costs.metering import Meter
from pipewarden.jobs.costs.recording import record_run
from pipewarden.jobs.models.measuring import models_of
from pipewarden.jobs.models.saving import saving_of
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.runners import outages
from pipewarden.jobs.runners.control import Control
from pipewarden.jobs.runners.local import Listener, Runner, Tally
from pipewarden.jobs.runners.publishing import outputs_of, settled
from pipewarden.jobs.workspace import Workspace
from pipewarden.report import markdown
from pipewarden.report.facts import ReportFacts
from pipewarden.report.formatter import ReportFormatter
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.state import items, jobs, ledger
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


@dataclass(slots=True)
class Execution:
    """A claimed job on its way to its end."""

    workspace: Workspace
    pipeline: Pipeline
    options: RunOptions
    source: Source | RecordSource
    store: ManifestStore
    listener: Listener
    folder: Path
    snapshot: dict[str, Any]
    _report: RunReport | None = None
    _meter: Meter = field(default_factory=Meter)
    _began_at: datetime = field(init=False)

    def carry_out(self, lease: Lease) -> RunReport:
        """Run the job to its end and write its reports; what stops it marks the job FAILED.

        A database that goes away in between is waited for. The job then goes on as it would after
        the death of its runner, from the last committed item, but in this process.
        """
        began = time.monotonic()
        control = Control(
            self.workspace.database,
            lease,
            self.workspace.actor,
            self.workspace.settings.lease_seconds,
            self.workspace.clock,
            tell=self.listener.note,
            waiting_dir=self.workspace.waiting_dir,
        )
        self._began_at = self.workspace.clock()
        self._meter.start()
        try:
            return self._through_outages(lease, control, began)
        except BaseException as error:
            self._give_up(lease, error)
            raise
        finally:
            self._meter.stop()
            control.telling.end(self.workspace.database)

    def _through_outages(self, lease: Lease, control: Control, began: float) -> RunReport:
        clock, patience = self.workspace.clock, self.workspace.settings.database_patience
        database = outages.dependency("database", clock)
        waiting = outages.Outages(
            database,
            patience,
            clock,
            self.listener.note,
            changed=lambda: control.telling.tell_beside(database),
        )
        while True:
            try:
                return self._attempt(lease, control, began)
            except DatabaseUnavailable as error:
                try:
                    waiting.outlast(error, lambda: self._reached(lease))
                except Fenced:
                    if (report := self._ended(lease)) is None:
                        raise
                    return report

    def _ended(self, lease: Lease) -> RunReport | None:
        """Return the report of a run whose end was stored although nobody could say so."""
        with self.workspace.database.read() as conn:
            job = jobs.get(conn, lease.job_id)
        if job is None or job.lease_token != lease.token or self._report is None:
            return None
        return replace(self._report, status=job.status)

    def _reached(self, lease: Lease) -> int:
        """Return how many items are decided, the lease renewed and the manifest caught up.

        Raises
        ------
        DatabaseUnavailable
            It does not answer yet.
        Fenced
            Another runner has taken the job over meanwhile.
        """
        seconds = self.workspace.settings.lease_seconds
        with self.workspace.database.write() as conn:
            at = self.workspace.clock()
            jobs.heartbeat(conn, lease, at=at, ttl_seconds=seconds)
        self.store.catch_up()
        with self.workspace.database.read() as conn:
            decided = items.totals(conn, lease.job_id)
        return decided.published + decided.quarantined

    def _attempt(self, lease: Lease, control: Control, began: float) -> RunReport:
        outputs = outputs_of(
            self.options, self.store, self.workspace, lease.job_id, self.pipeline.name
        )
        try:
            self.store.keep_run_config(lease.job_id, self.snapshot)
            tally = self._runner(lease, control, outputs).run()
            sinks = settled(outputs)
            passing(Window.RUN_SETTLED)
            report = self._finish(lease, tally, self._status(tally, control), began, sinks)
            outputs.close()
            return report
        finally:
            outputs.release()

    def _runner(self, lease: Lease, control: Control, outputs: Outputs) -> Runner:
        return Runner(
            workspace=self.workspace,
            pipeline=self.pipeline,
            options=self.options,
            source=self.source,
            store=self.store,
            lease=lease,
            output_dir=Path(self.options.output_dir),
            outputs=outputs,
            control=control,
            listener=self.listener,
            render_failure=markdown.failure_report,
            meter=self._meter,
        )

    @staticmethod
    def _status(tally: Tally, control: Control) -> JobStatus:
        """Return how the run ends; one of which nothing but failures came has failed."""
        if control.requested is Request.CANCEL:
            return JobStatus.CANCELLED
        if control.stopping:
            return JobStatus.PAUSED
        progress = tally.progress
        if progress.quarantined and not progress.published and not progress.skipped:
            return JobStatus.FAILED
        return JobStatus.COMPLETED

    def _finish(
        self,
        lease: Lease,
        tally: Tally,
        status: JobStatus,
        began: float,
        sinks: dict[str, dict[str, int]],
    ) -> RunReport:
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
                notices=self._notices(tally, sinks),
                config=self.snapshot,
                output_dir=self.options.output_dir,
                quarantine_dir=str(self.workspace.quarantine_dir(lease.job_id)),
            )
            facts = summary.gather(conn, replace(job, error=error), ending)
            models = models_of(conn, lease.job_id, self.pipeline)
        if models is not None:
            facts["models"] = models
        told = {"sinks": sinks} if sinks else {}
        if sinks:
            facts["sinks"] = sinks
        paths = self._write_reports(facts)
        self._report = RunReport(lease.job_id, status, tally.progress, facts, paths)
        passing(Window.REPORT_WRITTEN)
        with self.workspace.database.write() as conn:
            ended = jobs.finish(
                conn, lease, status, actor=self.workspace.actor, at=at, error=error, told=told
            )
            details = {"status": str(ended.status), **facts["totals"], **told}
            ledger.append(conn, [self._act(lease, details)], at)
            record_run(conn, ended, self._meter, began_at=self._began_at, at=at)
        passing(Window.RUN_FINISHED)
        return replace(self._report, status=ended.status)

    def _notices(self, tally: Tally, sinks: dict[str, dict[str, int]]) -> list[str]:
        saved = saving_of(self.workspace, self.pipeline, tally.progress)
        return [*tally.notices, *self._told_of(sinks), *saved]

    @staticmethod
    def _told_of(sinks: dict[str, dict[str, int]]) -> list[str]:
        """Return a sentence for each sink that does not have every document."""
        told = []
        for name, counts in sinks.items():
            if counts["spooled"] or counts["refused"]:
                said = f"{counts['delivered']:,} delivered, {counts['spooled']:,} wait in its spool"
                said += f", {counts['refused']:,} were refused"
                told.append(f"sink {name}: {said} (pipewarden sinks status)")
        return told

    def _write_reports(self, facts: ReportFacts) -> dict[str, Path]:
        run_id = facts["run"]["id"]
        stem = self.workspace.reports_dir / f"preprocessing_validation_summary_{run_id}"
        counts = {"total": 0, "success": 0, "failed": 0}
        for _, entry in self.store.entries():
            counts["total"] += 1
            counts[entry["status"]] += 1
        formatter = ReportFormatter()
        as_json = self.folder / "validation_report.json"
        return {
            "json": formatter.generate_json_report(facts, None, as_json),
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
            ended = jobs.transition(
                conn, lease.job_id, JobStatus.FAILED, actor=self.workspace.actor, at=at,
                error=words[:2000], lease=lease,
            )  # fmt: skip
            act = self._act(lease, {"status": str(JobStatus.FAILED)}, words[:500])
            ledger.append(conn, [act], at)
            record_run(conn, ended, self._meter, began_at=self._began_at, at=at)

    def _act(self, lease: Lease, details: Mapping[str, Any], reason: str = "") -> Act:
        """Return what the ledger learns of the end of a run."""
        return Act(
            actor=self.workspace.actor,
            action="run.finished",
            subject=lease.job_id,
            reason=reason,
            details=details,
        )
