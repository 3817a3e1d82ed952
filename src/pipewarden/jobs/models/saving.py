"""What a run saved by training only the models that had to be trained."""

from __future__ import annotations

from pipewarden.core.jobs import Progress
from pipewarden.engine.pipeline import Pipeline
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import items


def saving_of(workspace: Workspace, pipeline: Pipeline, progress: Progress) -> list[str]:
    """Return a sentence on the fits that a run of models avoided; nothing where it avoided none.

    A fit that was avoided is counted with the mean time that fits of this pipeline took here.
    """
    if pipeline.family is None or not progress.skipped or not progress.seen:
        return []
    with workspace.database.read() as conn:
        mean = items.mean_seconds(conn, pipeline.name)
    kept = f"{progress.skipped:,} of {progress.seen:,} models are as they were"
    share = f"{progress.skipped / progress.seen:.1%} of the fits"
    if mean is None:
        return [f"{kept}: {share} avoided"]
    return [f"{kept}: {share} avoided, about {mean * progress.skipped:,.1f} s of work"]
