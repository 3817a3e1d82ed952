"""The runner: takes a claimed job from its plan to its end; it may be killed anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipewarden.core.items import Action, ItemResult, Outcome, State, Step
from pipewarden.core.jobs import Lease, Progress
from pipewarden.engine.executors.ordering import LEAD, Order
from pipewarden.engine.fingerprint import fingerprints
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.planner import Planned, in_order_of, make_plan
from pipewarden.engine.publication.committer import Committer, RunScope
from pipewarden.engine.publication.duplicates import Identities
from pipewarden.engine.publication.files import Outputs
from pipewarden.engine.publication.models import ModelKeeper
from pipewarden.engine.publication.quarantine import Quarantine
from pipewarden.engine.records import RecordSource
from pipewarden.engine.source import Scan, Source
from pipewarden.engine.task import Task
from pipewarden.engine.worker import Workshop
from pipewarden.errors import ConservationViolated
from pipewarden.jobs.costs.metering import Meter
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.tracing import name_lines
from pipewarden.jobs.runners.control import Aborted, Control
from pipewarden.jobs.runners.guarding import guarded
from pipewarden.jobs.runners.planning import plan_request
from pipewarden.jobs.runners.publishing import gathering, published_lines
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files import durable
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.manifest.record import Entry
from pipewarden.store.state import items, jobs

if TYPE_CHECKING:
    from pipewarden.engine.executors.inline import InlineExecutor
    from pipewarden.engine.executors.processes import ProcessExecutor
    from pipewarden.jobs.runners.celery.executor import CeleryExecutor

#: So many entries of the manifest are read together.
_READ_AHEAD = 500


class Listener(Protocol):
    """What is told of the progress of a run; the command line draws it."""

    def planned(self, planned: Planned, work: int) -> None:
        """The plan is made; ``work`` items will be acted on."""
        ...

    def committed(self, results: list[ItemResult]) -> None:
        """These items are done for good."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know now."""
        ...


@dataclass(slots=True)
class Tally:
    """What the runner knows of a run when its items are decided."""

    planned: Planned
    progress: Progress
    notices: list[str]


@dataclass(slots=True, kw_only=True)
class Runner:
    """One claimed job and all it needs.

    Parameters
    ----------
    outputs
        Where documents are published.
    render_failure
        Makes the text of a failure report.
    meter
        Looks at the memory of this process and its workers.
    told
        What happened on the way that belongs into the report.
    """

    workspace: Workspace
    pipeline: Pipeline
    options: RunOptions
    source: Source | RecordSource
    store: ManifestStore
    lease: Lease
    output_dir: Path
    outputs: Outputs
    control: Control
    listener: Listener
    render_failure: Callable[..., str]
    meter: Meter
    told: list[str] = field(default_factory=list)

    def run(self) -> Tally:
        """Plan, work on every item that the plan asks for, and account for every item seen.

        Raises
        ------
        StorageUnavailable
            The disk is full; what was committed before is kept.
        Fenced
            Another runner has taken the job over.
        ConservationViolated
            An item is unaccounted for.
        """
        with self.control.signals():
            return self._run()

    def _run(self) -> Tally:
        planned = self._plan(self._decided_before())
        with closing(planned.scan):
            return self._act(planned)

    def _act(self, planned: Planned) -> Tally:
        for leftover in filter(durable.is_abandoned, planned.leftovers):
            durable.remove_file(leftover)
        work = {step.key: step for step in planned.plan.steps if step.action is not Action.SKIP}
        self._announce(planned, len(work))
        committer = self._committer(planned)
        pruning = self.options.prune_deleted and bool(planned.deleted)
        if work or pruning or committer.displacing:
            self.outputs.open(self.options.lock_timeout, self.listener.note)
        left = dict(work)
        try:
            self._drive(committer, planned, left)
            if not self.control.stopping and self.pipeline.gate.unique is not None:
                self._settle_duplicates(committer, planned, left)
        except Aborted:  # what was in work is not done; what was done is committed
            self.listener.committed(committer.flush())
        if left:
            self.control.poll()
        if self.options.prune_deleted and not self.control.stopping:
            pruned = committer.forget(planned.deleted)
            committer.flush()
            if pruned:
                self.listener.note(f"{pruned} deleted items forgotten, their outputs withdrawn")
        self.store.save()
        return self._tally(planned, left)

    # ── planning ─────────────────────────────────────────────────────────────────────────────

    def _decided_before(self) -> frozenset[str]:
        """Return the keys that this job decided before it was interrupted; none for a new job."""
        with self.workspace.database.write() as conn:
            items.reopen(conn, self.lease)
            return frozenset(items.keys(conn, self.lease.job_id))

    def _plan(self, done: frozenset[str]) -> Planned:
        lines = published_lines(self.pipeline, self.output_dir, self.store.folder, self.workspace)
        request = plan_request(
            self.pipeline, self.options, self.output_dir, self.workspace.clock(), done, lines
        )
        return make_plan(self.source, self.store, request)

    def _announce(self, planned: Planned, work: int) -> None:
        seen = len(planned.scan.found)
        with self.workspace.database.write() as conn:
            before = items.totals(conn, self.lease.job_id)  # of an attempt that was interrupted
            decided = before.published + before.quarantined
            skipped = max(0, seen - work - len(planned.left_out) - decided)
            jobs.set_seen(conn, self.lease, seen, skipped)
        for notice in self._notices(planned):
            self.listener.note(notice)
        self.listener.planned(planned, work)

    def _notices(self, planned: Planned) -> list[str]:
        told = [*self.store.notices, *planned.scan.unreadable]
        if not planned.scan.found and isinstance(self.source, RecordSource):
            told.append(f"{self.source.file} holds no record")
        elif not planned.scan.found:
            patterns = ", ".join(self.source.patterns)
            told.append(f"no file in {self.source.folder} matches {patterns}")
        return told

    # ── working ──────────────────────────────────────────────────────────────────────────────

    def _committer(self, planned: Planned) -> Committer:
        prints = fingerprints(self.pipeline)
        run_id = self.lease.job_id
        quarantine = Quarantine(
            folder=Path(os.path.abspath(self.workspace.quarantine_dir(run_id))),  # noqa: PTH100
            located=self.source.located,
            run_id=run_id,
            pipeline=self.pipeline.name,
            fingerprint=prints.pipeline,
            max_attempts=self.pipeline.max_attempts,
            render=self.render_failure,
            clock=self.workspace.clock,
        )
        scope = RunScope(
            run_id=run_id,
            pipeline=self.pipeline,
            fingerprints=prints,
            output_dir=self.output_dir,
            validate=self.options.validate,
            clock=self.workspace.clock,
        )
        identities = Identities()
        if self.pipeline.gate.unique is not None:
            identities = Identities.of(self.store.entries(), planned.scan.found)
        models = None
        if self.pipeline.family is not None:
            models = ModelKeeper(self.workspace.objects_dir, self.pipeline.name)
        return Committer(
            scope, self.store, self.lease, self.outputs, quarantine, identities, models
        )

    def _drive(self, committer: Committer, planned: Planned, left: dict[str, Step]) -> None:
        """Act on every step of ``left``, removing each as it is done."""
        steps = dict(left)
        for step in steps.values():
            if step.action is Action.MOVE:
                committer.move(step)
                del left[step.key]
        committer.flush()
        acting = [step for step in steps.values() if step.action is not Action.MOVE]
        if not acting:  # a night without work need not load what works
            return
        order = Order()
        tasks = order.of(self._tasks(planned, in_order_of(planned.scan, acting)))
        committer.pending = left
        batch = gathering(self.outputs, time.monotonic)
        executor, remote = self._executor(planned), self.options.executor == "celery"
        with closing(executor.results(tasks)) as results:
            ordered = results if self.pipeline.lines is None else order.restored(results)
            for worked in self.control.abortable(ordered):
                if worked is not None:
                    if remote:
                        self.meter.elsewhere(worked.cpu_seconds)
                    committer.add(worked, steps[worked.key])
                    left.pop(worked.key, None)
                    batch.took(len(worked.line or b""))
                if batch.is_full(len(committer)):
                    began = time.monotonic()
                    self.listener.committed(committer.flush())
                    batch.committed(time.monotonic() - began)
                self.control.poll()
                self.meter.look(executor.processes)
        self.listener.committed(committer.flush())
        if executor.replaced:  # a worker that was killed may have left a document half handed over
            for leftover in Scan.of(Source(self.output_dir, ("*",))).leftovers:
                durable.remove_file(leftover)

    def _tasks(self, planned: Planned, steps: Sequence[Step]) -> Iterator[Task]:
        for number, step in enumerate(steps):
            if self.control.stopping:
                return
            if number % _READ_AHEAD == 0:
                ahead = steps[number : number + _READ_AHEAD]
                self.store.expect([s.moved_from or s.key for s in ahead])
            entry = self.store.get(step.moved_from or step.key)
            span = entry.get("output_span") if entry and entry["status"] == "success" else None
            stored = self._stored(entry) if step.action is Action.REJUDGE else None
            yield Task(
                key=step.key,
                path=planned.scan.path(self.source.folder, step.key),
                record=planned.scan.record(step.key),
                problem=planned.scan.problems.get(step.key),
                known_hash=planned.hashes.get(step.key) or planned.scan.hashes.get(step.key),
                rejudge_from=stored,
                rejudge_span=(span[0], span[1]) if span else None,
                identity=entry.get("identity") if entry else None,
                attempt=int(entry.get("attempt_count", 0)) + 1 if entry else 1,
            )

    def _stored(self, entry: Entry | None) -> Path | None:
        """Return where the judged document of an item is kept."""
        if entry is None:
            return None
        published = entry["status"] == "success"
        path = entry.get("output_path") if published else entry.get("quarantine_path")
        return self.store.folder / path if path else None

    def _executor(self, planned: Planned) -> InlineExecutor | ProcessExecutor | CeleryExecutor:
        if self.options.executor == "celery":
            from pipewarden.jobs.runners.celery.starting import celery_executor

            return celery_executor(self, planned)
        workshop = Workshop(self.pipeline, self.output_dir, self.options.validate)
        if self.options.executor == "inline":
            from pipewarden.engine.executors.inline import InlineExecutor

            return InlineExecutor(workshop)
        from pipewarden.engine.executors.processes import ProcessExecutor

        lead = LEAD if self.pipeline.lines is not None else None
        allowed = guarded(self.workspace.settings, self.options.workers, self._tell)
        return ProcessExecutor(
            workshop, self.options.workers, lead, allowed=allowed, begin=self._naming()
        )

    def _naming(self) -> Callable[[], None] | None:
        """Return what lets the log of a worker name the request that submitted the job, if any."""
        trace = self.trace()
        return partial(name_lines, trace) if trace else None

    def trace(self) -> Mapping[str, str]:
        """Return what names the request that submitted the job; nothing where none did."""
        with self.workspace.database.read() as conn:
            return jobs.traces(conn, [self.lease.job_id]).get(self.lease.job_id, {})

    def _tell(self, text: str) -> None:
        """Tell a person now, and in the report."""
        self.listener.note(text)
        self.told.append(text)

    def _settle_duplicates(
        self, committer: Committer, planned: Planned, left: dict[str, Step]
    ) -> None:
        """Give items that lost to a duplicate their place when that duplicate has gone."""
        committer.settle()
        self.listener.committed(committer.flush())
        tried = set(planned.left_out)
        while not self.control.stopping:
            freed = {
                key: Step(key, State.STALE, Action.PROCESS, "the item it duplicated is gone")
                for key, entry in self.store.entries()
                if key not in tried and key in planned.scan.found and self._freed(entry)
            }
            if not freed:
                return
            tried |= freed.keys()
            left |= freed
            self._drive(committer, planned, left)

    def _freed(self, entry: Entry) -> bool:
        holder = entry.get("duplicate_of")
        if holder is None or entry["status"] != "failed":
            return False
        held = self.store.get(holder)
        return (
            held is None
            or held["status"] != "success"
            or held.get("identity") != entry.get("identity")
        )

    # ── accounting ───────────────────────────────────────────────────────────────────────────

    def _tally(self, planned: Planned, left: Iterable[str]) -> Tally:
        """Count what became of every item, and assert that none is missing.

        Seen is what the scan found and what the job decided before it was interrupted; skipped is
        what the plan passed over; the rest are rows of the state database (see
        docs/discussion/what-is-guaranteed.md).
        """
        why = f"{self.control.requested} requested" if self.control.requested else "aborted"
        deferred = dict.fromkeys(left, why) | dict.fromkeys(planned.left_out, "over the limit")
        waiting = [
            ItemResult(key=k, outcome=Outcome.DEFERRED, reason=r) for k, r in deferred.items()
        ]
        with self.workspace.database.write() as conn:
            items.defer(conn, self.lease, waiting, at=self.workspace.clock())
            decided = items.totals(conn, self.lease.job_id)
            keys = items.keys(conn, self.lease.job_id)
            passed = {
                step.key
                for step in planned.plan.steps
                if step.action in (Action.SKIP, Action.MOVE) and step.state is not State.DELETED
            }
            progress = replace(
                decided,
                seen=len(keys.union(planned.scan.found)),
                skipped=len(passed - keys),
            )
            jobs.set_seen(conn, self.lease, progress.seen, progress.skipped)
        if progress.accounted != progress.seen:
            raise ConservationViolated(
                f"{progress.seen} items seen, {progress.accounted} accounted for: {progress}",
                left_behind="every committed item is kept; the job is marked FAILED",
                next_step=f"please report this with the folder {self.workspace.runs_dir}",
            )
        return Tally(planned, progress, [*self._notices(planned), *self.told])
