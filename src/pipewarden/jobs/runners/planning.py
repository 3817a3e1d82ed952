"""What a run asks of the planner."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pipewarden.engine.fingerprint import fingerprints
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.planner import PlanRequest
from pipewarden.engine.publication.lines import PublishedLines
from pipewarden.jobs.options import RunOptions


def plan_request(
    pipeline: Pipeline,
    options: RunOptions,
    output_dir: Path,
    now: datetime,
    done: frozenset[str] = frozenset(),
    lines: PublishedLines | None = None,
) -> PlanRequest:
    """Return the request that the options make of the planner."""
    days = pipeline.max_age_days
    return PlanRequest(
        wanted=fingerprints(pipeline),
        policy=options.policy(pipeline.max_attempts),
        output_dir=output_dir,
        rehash=options.rehash,
        only_failed=options.only_failed,
        path_sensitive=pipeline.path_sensitive or pipeline.lines is not None,
        lines=lines,
        companion=pipeline.companion,
        limit=options.limit,
        oldest=None if days is None else now - timedelta(days=days),
        done=done,
    )
