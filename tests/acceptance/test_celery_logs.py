"""What Celery workers log names the request that submitted the job which they work for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which

import pytest

sys.path.insert(0, str(Path(__file__).parent / "celery_site"))

import sums
from site_of_celery import RedisServer, Site, site, until

from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.submission import Origin, submit
from pipewarden.jobs.run import Silent, resume
from pipewarden.jobs.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def redis_server(tmp_path: Path, absent: Callable[..., None]) -> Iterator[RedisServer]:
    """Return a Redis of our own."""
    if which("redis-server") is None:
        absent("redis-server", "which redis-server", "PIPEWARDEN_REQUIRE_SERVICES")
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis")
    yield server
    server.kill()


def carry_out(place: Site, workspace: Workspace, name: str, traceparent: str) -> None:
    """Let the worker work on one more record, for a request, and wait until the job is done."""
    source = place.home / "in.jsonl"
    with source.open("a") as file:
        file.write(json.dumps({"id": name, "numbers": [1], "says": "look"}) + "\n")
    options = RunOptions(
        pipeline="sums:sums",
        source=str(source),
        executor="celery",
        output_dir=str(place.home / "out"),
    )
    origin = Origin(request_id=name, traceparent=traceparent)
    job = submit(sums.sums, options, workspace, origin=origin)
    assert resume(job.id, workspace, Silent(), queued_only=True).exit_code == 0


def test_a_worker_names_the_request_of_each_job_it_works_for(
    tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    with site(tmp_path / "home", redis_server.url, silence_seconds=60.0) as place:
        for variable, value in place.environment.items():
            monkeypatch.setenv(variable, value)
        workspace = Workspace()
        place.start_worker()
        carry_out(place, workspace, "r-1", "00-aa-bb-01")
        carry_out(place, workspace, "r-2", "")
        log = place.home / "worker-0.log"
        until(lambda: "r-2: look" in log.read_text(), "the log is written")
        workspace.database.close()
    lines = [line for line in log.read_text().splitlines() if ": look" in line]
    assert lines == [
        "warning: sums: r-1: look  request_id='r-1'  traceparent='00-aa-bb-01'",
        "warning: sums: r-2: look  request_id='r-2'",
    ]
