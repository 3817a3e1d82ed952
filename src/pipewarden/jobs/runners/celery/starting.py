"""From a claimed job to the Celery executor that works on its items."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pipewarden.engine.executors.ordering import LEAD
from pipewarden.engine.records import RecordScan
from pipewarden.errors import UsageError
from pipewarden.jobs.runners import outages
from pipewarden.jobs.runners.celery.application import (
    answer_queue_name,
    application,
    work_queue,
)
from pipewarden.jobs.runners.celery.broker import Line
from pipewarden.jobs.runners.celery.executor import CeleryExecutor
from pipewarden.jobs.runners.celery.messages import Brief
from pipewarden.jobs.runners.celery.workers.loaded import prints_of
from pipewarden.settings import redact

if TYPE_CHECKING:
    from pipewarden.engine.planner import Planned
    from pipewarden.jobs.runners.local import Runner


def celery_executor(runner: Runner, planned: Planned) -> CeleryExecutor:
    """Return the executor for a claimed job.

    Raises
    ------
    UsageError
        The pipeline exists only in the script that runs it: no worker can find it.
    MissingExtra
        Celery is not installed.
    """
    pipeline, options, lease = runner.pipeline, runner.options, runner.lease
    if not options.pipeline:
        raise UsageError(
            f"no worker can find the pipeline {pipeline.name!r}: it exists only in this script",
            left_behind="no item was worked on",
            next_step="define it at the top of a module that workers can import",
        )
    settings = runner.workspace.settings.celery
    answers = answer_queue_name(settings, lease.job_id, lease.token, secrets.token_hex(4))
    brief = Brief(
        job=lease.job_id,
        token=lease.token,
        answers=answers,
        pipeline=options.pipeline,
        settings=redact(dict(options.settings or {})),
        prints=prints_of(pipeline),
        source=options.source if not settings.records_in_messages else "",
        output_dir=str(runner.output_dir),
        validate=options.validate,
        line_bytes=settings.message_bytes,
        silence=settings.silence_seconds,
        trace=runner.trace(),
    )
    scan = planned.scan
    return CeleryExecutor(
        brief,
        Line(application(settings), work_queue(settings, pipeline.name), answers),
        settings,
        place=scan.found.get if isinstance(scan, RecordScan) else lambda _: None,
        stopping=lambda: runner.control.stopping,
        tell=runner.listener.note,
        lead=LEAD if pipeline.lines is not None else None,
        broker=outages.dependency("broker", runner.workspace.clock, outages.BROKER),
    )
