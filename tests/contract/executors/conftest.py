"""Every executor under one contract; Celery on real brokers, with a real worker."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import orders as pipelines

from pipewarden.core.jobs import Job
from pipewarden.engine.executors.inline import InlineExecutor
from pipewarden.engine.executors.processes import ProcessExecutor
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.worker import Workshop
from pipewarden.jobs.runners.celery.application import (
    answer_queue_name,
    application,
    work_queue,
)
from pipewarden.jobs.runners.celery.broker import Line
from pipewarden.jobs.runners.celery.executor import CeleryExecutor
from pipewarden.jobs.runners.celery.messages import Brief
from pipewarden.jobs.runners.celery.workers.loaded import prints_of
from pipewarden.settings import Settings
from pipewarden.store.state import jobs
from pipewarden.store.state.database import Database

HERE = Path(__file__).parent
#: Read now: the tests' neutral environment knows no variable but its own.
BROKERS = {
    "celery-redis": os.environ.get("PIPEWARDEN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
    "celery-rabbitmq": os.environ.get(
        "PIPEWARDEN_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"
    ),
}
KINDS = ("inline", "processes", *BROKERS)
NAMES = ("orders", "hanging", "unready", "totals")
Make = Callable[..., Any]


@dataclass(frozen=True)
class Broker:
    """A broker with one worker that serves every pipeline here."""

    settings: Settings
    database: Database
    worker: subprocess.Popen[str]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of an executor."""
    return str(request.param)


@pytest.fixture
def make(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Make:
    """Return what makes an executor for a pipeline."""

    def made(pipeline: Pipeline, **options: Any) -> Any:
        workshop = Workshop(pipeline, tmp_path / "out")
        if kind == "inline":
            return InlineExecutor(workshop)
        if kind == "processes":
            return ProcessExecutor(workshop, 2, options.get("lead"))
        broker = request.getfixturevalue("broker_of")(kind)
        return _celery(broker, pipeline, tmp_path, **options)

    return made


@pytest.fixture(scope="session")
def broker_of(
    answering: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Broker]]:
    """Return what gives each broker's worker, started once."""
    started: dict[str, Broker] = {}

    def broker(kind: str) -> Broker:
        if kind not in started:
            answering(f"the broker of {kind}", BROKERS[kind])
            started[kind] = _start(kind, tmp_path_factory.mktemp(kind))
        return started[kind]

    yield broker
    for one in started.values():
        _stop(one)


def _start(kind: str, home: Path) -> Broker:
    prefix = f"pipewarden-test-{secrets.token_hex(4)}"
    celery = {
        "broker_url": BROKERS[kind],
        "queue_prefix": prefix,
        "chunk_items": 4,
        "chunks_ahead": 3,
        "silence_seconds": 60.0,
        "idle_seconds": 0.05,
        "message_bytes": 2_000,
    }
    environment = {f"PIPEWARDEN_CELERY__{name.upper()}": str(v) for name, v in celery.items()}
    served = ",".join(f"orders:{name}" for name in NAMES)
    worker = subprocess.Popen(
        [sys.executable, "-m", "pipewarden", "worker", "--concurrency", "2", "--pipelines", served],
        cwd=HERE,
        env={**os.environ, **environment, "PIPEWARDEN_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    settings = Settings(home=home, celery=celery)
    return Broker(settings, Database.open(settings.state_url), worker)


def _stop(broker: Broker) -> None:
    broker.worker.send_signal(signal.SIGTERM)
    said, _ = broker.worker.communicate(timeout=60)
    assert broker.worker.returncode == 0, said
    broker.database.close()
    app = application(broker.settings.celery)
    with app.connection_for_write() as connection:
        for name in NAMES:
            with suppress(Exception):  # one that was never used is not there
                connection.default_channel.queue_delete(work_queue(broker.settings.celery, name))


def _celery(
    broker: Broker, pipeline: Pipeline, folder: Path, *, lead: int | None = None, **fields: Any
) -> CeleryExecutor:
    settings = broker.settings.celery
    now = datetime.now(UTC)
    job = Job(
        id=f"job-{secrets.token_hex(4)}",
        pipeline=pipeline.name,
        source=str(folder),
        created_at=now,
        created_by="tester",
    )
    with broker.database.write() as conn:
        jobs.insert(conn, job)
        lease = jobs.claim(conn, job.id, owner="host:1:1", at=now, ttl_seconds=600)
    answers = answer_queue_name(settings, job.id, lease.token, secrets.token_hex(4))
    brief = Brief(
        job=job.id,
        token=lease.token,
        answers=answers,
        pipeline=f"orders:{pipeline.name}",
        settings={},
        prints=prints_of(pipeline),
        source=str(folder),
        output_dir=str(folder / "out"),
        validate=True,
        line_bytes=settings.message_bytes,
        silence=settings.silence_seconds,
    )
    queue = work_queue(settings, pipeline.name)
    line = Line(application(settings), queue, answers)
    return CeleryExecutor(brief, line, settings, lead=lead, **fields)


@pytest.fixture
def pipeline() -> Any:
    """Return the module of pipelines."""
    return pipelines
