"""A home folder, a broker, workers and runners, each a process that can be killed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipewarden.core.jobs import Job
from pipewarden.jobs.runners.celery.application import application, work_queue
from pipewarden.settings import CelerySettings
from pipewarden.store.state import jobs, ledger
from pipewarden.store.state.database import Database

#: Seconds after which what has not happened never will; nothing takes a tenth of it.
HANGS = 300.0
SILENCE = 1.5


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for something to become true."""
    end = time.monotonic() + HANGS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


class RedisServer:
    """A Redis of our own, in memory only: when it is killed it forgets everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, "redis answers")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as s:
            s.sendall(b"PING\r\n")
            return s.recv(7) == b"+PONG\r\n"
        return False


@dataclass
class Site:
    """One home folder and all that works in it."""

    home: Path
    broker_url: str
    celery: dict[str, Any] = field(default_factory=dict)
    prefix: str = field(default_factory=lambda: f"pipewarden-test-{secrets.token_hex(4)}")
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    runners: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = Database.open(f"sqlite:///{self.home / '.pipewarden' / 'state.db'}")

    # ── what is asked ────────────────────────────────────────────────────────────────────────

    def write(self, number: int, **odd: dict[str, Any]) -> Path:
        """Write so many records, each ten milliseconds of work for two; ``odd`` change some."""
        source = self.home / "in.jsonl"
        with source.open("w") as file:
            for n in range(number):
                record = {"id": f"r{n:04}", "numbers": [n, 1], "seconds": 0.004}
                file.write(json.dumps({**record, **odd.get(f"r{n:04}", {})}) + "\n")
        return source

    @property
    def environment(self) -> dict[str, str]:
        settings = {
            "broker_url": self.broker_url,
            "queue_prefix": self.prefix,
            "chunk_items": 5,
            "chunks_ahead": 6,
            "silence_seconds": SILENCE,
            **self.celery,
        }
        return {
            **os.environ,
            **{f"PIPEWARDEN_CELERY__{name.upper()}": str(v) for name, v in settings.items()},
            "PIPEWARDEN_HOME": str(self.home),
            "PIPEWARDEN_RESEARCHER": "tester",
            "SUMS_MARKS": str(self.home / "marks"),
            "PYTHONFAULTHANDLER": "1",  # what hangs says where, before it is killed
        }

    def _command(self, *arguments: str, log: str) -> subprocess.Popen[str]:
        with (self.home / log).open("a") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "pipewarden", *arguments],
                cwd=Path(__file__).parent,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def start_worker(
        self, concurrency: int = 1, pipeline: str = "sums:sums"
    ) -> subprocess.Popen[str]:
        arguments = ("worker", "--pipelines", pipeline, "--concurrency", str(concurrency))
        worker = self._command(*arguments, log=f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    def start_run(
        self, pipeline: str = "sums:sums", source: str = "in.jsonl"
    ) -> subprocess.Popen[str]:
        asked = (pipeline, str(self.home / source))
        runner = self._command("run", *asked, "--executor", "celery", log="run.log")
        self.runners.append(runner)
        return runner

    def resume(self) -> subprocess.Popen[str]:
        runner = self._command("jobs", "resume", self.job.id, log="run.log")
        self.runners.append(runner)
        return runner

    def wait(self, runner: subprocess.Popen[str]) -> int:
        """Return how a runner ended."""
        try:
            return runner.wait(HANGS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the runner hangs: {self.post_mortem()}") from None

    def post_mortem(self) -> str:
        """Make every process say where it is, and return what all have said."""
        for process in [*self.runners, *self.workers]:
            if process.poll() is None:
                process.send_signal(signal.SIGABRT)
                process.wait()
        logs = sorted(self.home.glob("*.log"))
        return "\n".join(f"── {log.name}\n{log.read_text()[-4000:]}" for log in logs)

    # ── what is seen ─────────────────────────────────────────────────────────────────────────

    @property
    def said(self) -> str:
        return (self.home / "run.log").read_text()

    @property
    def job(self) -> Job:
        job = self.job_or_none()
        assert job is not None
        return job

    def job_or_none(self) -> Job | None:
        with self.database.read() as conn:
            found = jobs.latest_of_each_source(conn)
        return found[0] if found else None

    @property
    def published(self) -> int:
        job = self.job_or_none()
        return 0 if job is None else job.progress.published

    def reach(self, number: int) -> None:
        """Wait until so many items are committed."""
        runner = self.runners[-1]
        try:
            until(lambda: self.published >= number or runner.poll() is not None, "progress")
        except AssertionError:
            raise AssertionError(
                f"{number} items are never committed: {self.post_mortem()}"
            ) from None
        assert self.published >= number, f"the runner has ended: {self.post_mortem()}"

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = (self.home / "data" / "processed" / "sums" / "sums.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    @property
    def times_worked_on(self) -> Counter[str]:
        return Counter((self.home / "marks").read_text().split())

    def assert_complete(self, number: int) -> None:
        """Every record is published once, in its order; the job and its history say so."""
        assert [line["id"] for line in self.lines] == [f"r{n:04}" for n in range(number)]
        assert [line["sum"] for line in self.lines] == [n + 1 for n in range(number)]
        job = self.job
        assert str(job.status) == "COMPLETED", (job, self.said)
        assert (job.progress.seen, job.progress.published) == (number, number)
        assert not list(self.home.rglob(".pipewarden-*.tmp"))

    def acts(self) -> list[str]:
        """Return what the ledger tells of the job, in order."""
        with self.database.read() as conn:
            return [entry.action for entry in ledger.entries(conn)]

    def waiting_messages(self) -> int:
        """Return how many chunks lie in the queue."""
        settings = CelerySettings(broker_url=self.broker_url, queue_prefix=self.prefix)
        with application(settings).connection_for_write() as connection:
            channel, queue = connection.default_channel, work_queue(settings, "sums")
            if connection.transport.driver_type == "redis":
                return int(channel.client.llen(queue))
            return int(channel.queue_declare(queue, passive=True).message_count)

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        for process in [*self.runners, *self.workers]:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
        self.database.close()
        settings = CelerySettings(broker_url=self.broker_url, queue_prefix=self.prefix)
        with suppress(Exception), application(settings).connection_for_write() as connection:
            connection.default_channel.queue_delete(work_queue(settings, "sums"))


@contextmanager
def site(home: Path, broker_url: str, **celery: Any) -> Iterator[Site]:
    """Give a site of its own, and leave no process behind."""
    made = Site(home, broker_url, celery)
    try:
        yield made
    finally:
        made.close()
