"""The candidate is trained: a job like any other, submitted once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.core.models.deployments import ModelVersion
from pipewarden.errors import Conflict, IllegalTransition
from pipewarden.healing.context import HealingContext
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.healing.together.sharing import shared_job
from pipewarden.jobs import loading
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.submission import submit
from pipewarden.jobs.requests import find
from pipewarden.jobs.run import Silent, resume
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.state import items, jobs
from pipewarden.store.state.healing import healings
from pipewarden.store.state.models import versions

_MOST_REASONS = 3


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:  # noqa: ARG001 - one form for all steps
    """Submit the job, carry it out, and take what it made."""
    if "job" not in healing.facts and shared_job(context, healing) is not None:
        return Wait("its candidate is trained with those of other series, by one job")
    job_id = healing.facts.get("job") or _submitted(context, healing)
    made = _made(context, healing, job_id)
    if made is not None:
        return made
    job = find(context.workspace, job_id)
    if job.status is not JobStatus.CANCELLED:  # one that failed decided nothing, and goes on
        job = _carried_out(context, job)
    made = _made(context, healing, job_id)
    if made is not None:
        return made
    match job.status:
        case JobStatus.CANCELLED:
            return Move(HealingState.VETOED, f"somebody cancelled the job {job.id}")
        case JobStatus.FAILED:
            raise Conflict(f"the job {job.id} failed: {job.error}")
    return Wait(f"the job {job.id} is {job.status}")


def _submitted(context: HealingContext, healing: Healing) -> str:
    """Make the job and write its id down, both or neither."""
    job = _job_of(context, context.version(healing.model, healing.champion))
    asked = RunOptions.from_dict(job.options)
    table = Path(str(healing.facts["table"]))
    settings = context.workspace.settings
    options = replace(
        RunOptions(),
        pipeline=asked.pipeline,
        settings=asked.settings,
        source=str(table.absolute()),
        output_dir=str((table.parent / "output").absolute()),
        executor=settings.executor,
        workers=settings.workers,
    )
    own = loading.usable(options, settings, job.id)
    pipeline = loading.load_pipeline(options.pipeline, settings, own)
    return submit(
        pipeline,
        options,
        context.workspace,
        run_name=f"heal-{pipeline.name}",
        parent_id=job.id,
        also=lambda conn, made: _noted(conn, healing, made),
    ).id


def _noted(conn: object, healing: Healing, made: Job) -> None:
    healings.keep(conn, healing, {"job": made.id})  # type: ignore[arg-type]


def _job_of(context: HealingContext, version: ModelVersion) -> Job:
    with context.database.read() as conn:
        job = jobs.get(conn, version.run_id)
    if job is None or not job.options.get("pipeline"):
        raise Conflict(
            f"the pipeline that trained {version.model}@{version.version} is not known here",
            next_step="define it in a module, and name it package.module:attribute",
        )
    return job


def _carried_out(context: HealingContext, job: Job) -> Job:
    """Run a job here, unless a service does that, or somebody asked it to stop."""
    if context.workspace.settings.healing.run_jobs and job.pause is None:
        with suppress(IllegalTransition):  # another runner was quicker
            resume(job.id, context.workspace, Silent())
    return find(context.workspace, job.id)


def _made(context: HealingContext, healing: Healing, job_id: str) -> Move | None:
    """Return what became of what the job trained; None while nothing is decided about it."""
    with context.database.read() as conn:
        job = jobs.get(conn, job_id)
        found = versions.listed(conn, model=healing.model, run_id=job_id)
        reasons = items.reasons(conn, job_id)
    if job is None or not job.status.finished or job.status is JobStatus.CANCELLED:
        return None
    facts = {"job": job_id}
    if not found:
        if job.status is not JobStatus.COMPLETED and not reasons:
            return None
        told = ", ".join(list(reasons)[:_MOST_REASONS]) or "nothing was trained"
        words = f"the job {job_id} made no model: {told}"
        return Move(HealingState.FAILED, words, facts=facts)
    candidate = found[0]
    if not candidate.status.allowed:
        words = f"version {candidate.version} failed its training gate: {candidate.reason}"
        return Move(HealingState.REJECTED, words, candidate.version, facts)
    words = f"version {candidate.version} was trained by the job {job_id}"
    return Move(HealingState.EVALUATING, words, candidate.version, facts)
