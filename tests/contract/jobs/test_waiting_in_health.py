"""A job whose process has lost the database shows in the health of the service all the same."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "sinks"))

from proxy import Proxy

from pipewarden.app.api.views import ProbeView
from pipewarden.app.api.watch.probing import Probes
from pipewarden.app.api.work.pool import Pool
from pipewarden.jobs import requests
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.service import JobService
from pipewarden.jobs.queue.submission import submit
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

PATIENCE = 60.0
PIPELINE = """
import time
from pathlib import Path

import pipewarden as pw


def hold(record):
    while not Path(record["until"]).exists():
        time.sleep(0.01)
    return record


held = pw.Pipeline(name="held", process=hold, records="id", lines="held.jsonl")
"""


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    parts = urlsplit(postgres_url)
    between = Proxy(parts.hostname or "", parts.port or 5432)
    yield between
    between.close()


@pytest.fixture
def workspace(
    tmp_path: Path, postgres_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace whose database is behind the proxy, with a runner service at work."""
    (tmp_path / "held_back.py").write_text(PIPELINE)
    monkeypatch.syspath_prepend(tmp_path)
    parts = urlsplit(postgres_url)
    there = parts.netloc.replace(
        f"{parts.hostname}:{parts.port or 5432}", f"127.0.0.1:{proxy.port}"
    )
    settings = Settings(home=tmp_path, database_url=parts._replace(netloc=there).geturl())
    held, stop = Workspace(settings), threading.Event()
    service = threading.Thread(target=JobService(held, stop_seconds=5.0).run, args=(stop,))
    requests.list_jobs(held)  # the schema is there before anybody else asks
    service.start()
    yield held
    stop.set()
    service.join()
    held.database.close()


def probes(workspace: Workspace) -> dict[str, ProbeView]:
    idle = {"ready": 1, "waiting": 0, "lost": 0, "resting": True, "loaded": lambda: ({}, {})}

    async def ask() -> list[ProbeView]:
        asked = Probes(workspace, cast(Pool, SimpleNamespace(**idle, idle=0, silence=0)), {}, {})
        try:
            return await asked.ask()
        finally:
            await asked.close()

    return {probe.name: probe for probe in asyncio.run(ask())}


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_job_that_waits_for_the_database_shows_in_health_without_it(
    workspace: Workspace, proxy: Proxy, tmp_path: Path
) -> None:
    source, go_on = tmp_path / "in.jsonl", tmp_path / "go-on"
    source.write_text(json.dumps({"id": "a", "until": str(go_on)}) + "\n")
    options = RunOptions(
        pipeline="held_back:held", source=str(source), output_dir=str(tmp_path / "out"), workers=1
    )
    job = submit(load_pipeline("held_back:held", workspace.settings), options, workspace)
    until(lambda: requests.find(workspace, job.id).progress.seen)
    assert probes(workspace)["runners"].facts["waited_for"] == []

    proxy.close()

    def waited_for() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = probes(workspace)["runners"].facts.get("waited_for", [])
        return told

    until(lambda: [held["state"] for held in waited_for()] == ["open"])
    told = probes(workspace)
    assert (told["database"].state, told["runners"].state) == ("down", "down")
    (held,) = told["runners"].facts["waited_for"]
    assert (held["name"], held["job"], held["failures"] >= 3) == ("database", job.id, True)

    proxy.open()
    go_on.touch()
    until(lambda: str(requests.find(workspace, job.id).status) == "COMPLETED")
    assert probes(workspace)["runners"].facts["waited_for"] == []
    assert list(workspace.waiting_dir.iterdir()) == []
