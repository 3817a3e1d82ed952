"""One job trains the candidates of all series that are to be healed: not one job for each.

Each healing has put its own rows together. Those whose champions came from the same run, which are
of one pipeline under one set of settings, are written as one table, and nothing else is in it: a
series that nobody asked about is not trained again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipewarden.core.canonical import HASH_PREFIX, digest
from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.jobs import Job
from pipewarden.errors import Fenced, IllegalTransition, Locked
from pipewarden.healing.advancing import claimed
from pipewarden.healing.context import HealingContext
from pipewarden.healing.together.sharing import shared_job
from pipewarden.jobs import loading
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.submission import submit
from pipewarden.store.files import durable
from pipewarden.store.state.healing import healings

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MARK = 12  # letters of the hash that names the folder of a job's table


@dataclass(frozen=True, slots=True)
class _Member:
    healing: Healing
    job: Job
    header: bytes
    rows: bytes


def train_together(context: HealingContext) -> list[int]:
    """Submit a job for the candidates that wait for one; return the healings that have one now.

    A healing that another healer holds is left to it. The job and its id in every healing are
    written in one transaction: whoever dies, no candidate is trained twice.
    """
    with context.database.read() as conn:
        waiting = [one for one in healings.all_open(conn) if _waits(one)]
    members = [member for one in waiting if (member := _member(context, one)) is not None]
    groups: dict[tuple[str, bytes], list[_Member]] = {}
    for member in members:
        groups.setdefault((member.job.id, member.header), []).append(member)
    done: list[int] = []
    for some in groups.values():
        try:
            _submitted(context, some)
        except Fenced:  # somebody changed one of them meanwhile: all are tried again
            continue
        finally:
            _release(context, some)
        done += (one.healing.id for one in some)
    return done


def joined(tables: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return tables of one header, each given as header and rows, as one."""
    held = list(tables)
    return b"\n".join([held[0][0], *(rows.rstrip(b"\n") for _, rows in held)]) + b"\n"


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _waits(healing: Healing) -> bool:
    ready = healing.state is HealingState.RETRAINING and healing.paused_at is None
    return ready and "job" not in healing.facts


def _member(context: HealingContext, healing: Healing) -> _Member | None:
    """Return a healing, claimed, with its rows; None where it has a job of its own or is taken."""
    job = shared_job(context, healing)
    if job is None:
        return None
    try:
        held = claimed(context, healing)
    except (Locked, IllegalTransition):  # another healer has it, or has ended it
        return None
    table = Path(str(held.facts["table"])).read_bytes()
    header, _, rows = table.partition(b"\n")
    return _Member(held, job, header.rstrip(b"\r"), rows)


def _submitted(context: HealingContext, some: Sequence[_Member]) -> None:
    job, settings = some[0].job, context.workspace.settings
    data = joined((one.header, one.rows) for one in some)
    mark = digest(data).removeprefix(HASH_PREFIX)[:_MARK]
    folder = context.workspace.data_dir / "healing" / "together" / mark
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"{job.pipeline}.csv"
    durable.write_file(table, data)
    asked = RunOptions.from_dict(job.options)
    options = replace(
        RunOptions(),
        pipeline=asked.pipeline,
        settings=asked.settings,
        source=str(table.absolute()),
        output_dir=str((folder / "output").absolute()),
        executor=settings.executor,
        workers=settings.workers,
    )
    own = loading.usable(options, settings, job.id)
    pipeline = loading.load_pipeline(options.pipeline, settings, own)

    def noted(conn: Connection, made: Job) -> None:
        for one in some:
            healings.keep(conn, one.healing, {"job": made.id, "together": len(some)})

    submit(
        pipeline,
        options,
        context.workspace,
        run_name=f"heal-{pipeline.name}",
        parent_id=job.id,
        also=noted,
    )


def _release(context: HealingContext, some: Sequence[_Member]) -> None:
    with context.database.write() as conn:
        for one in some:
            healings.release(conn, one.healing)
