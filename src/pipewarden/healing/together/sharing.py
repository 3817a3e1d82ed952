"""Whether models are records of one table, so that one job can train them."""

from __future__ import annotations

from pipewarden.core.healing.states import Healing
from pipewarden.core.jobs import Job
from pipewarden.healing.context import HealingContext
from pipewarden.jobs.monitoring.arriving.sources import root_of
from pipewarden.jobs.options import RunOptions


def shared_job(context: HealingContext, healing: Healing) -> Job | None:
    """Return the run that trained the champion, where its models are records of one table."""
    version = context.version(healing.model, healing.champion)
    with context.database.read() as conn:
        job = root_of(conn, version.run_id, context.workspace)
    if job is None or not job.options.get("pipeline"):
        return None
    options = RunOptions.from_dict(job.options)
    return job if options.records and options.table else None
