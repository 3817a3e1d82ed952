"""The consumer of the how-to guide, run as it stands there."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.delivery.events.enabled import enabled
from pipewarden.delivery.events.relay import relay_once
from pipewarden.delivery.events.replay import replay
from pipewarden.jobs.workspace import utc_now
from pipewarden.settings import Settings
from pipewarden.store.state import jobs

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "consume-events.md"


@pytest.fixture
def stream(redis_url):
    """Return the name of a stream that is removed afterwards."""
    import redis

    name = f"pipewarden.test.{uuid.uuid4().hex[:12]}"
    yield name
    with redis.Redis.from_url(redis_url) as client:
        client.delete(name)


@pytest.fixture
def consume(tmp_path, redis_url, stream):
    """Return what starts the guide's consumer under a name."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    script = tmp_path / "consumer.py"
    script.write_text(code, encoding="utf-8")
    running = []

    def start(name):
        environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "STREAM": stream,
            "NAME": name,
            "DATABASE": str(tmp_path / "next-stage.db"),
            "LEFT_BEHIND_MS": "200",
        }
        running.append(subprocess.Popen([sys.executable, str(script)], env=environment))
        return running[-1]

    yield start
    for child in running:
        child.kill()
        child.wait()


def settings(redis_url, stream, tmp_path):
    held = {"kind": "redis_streams", "url": redis_url, "stream": stream}
    held["types"] = ["io.pipewarden.job.*"]
    return Settings(home=tmp_path, events={"targets": {"next-stage": held}})


def complete(database, *job_ids):
    for job_id in job_ids:
        job = Job(id=job_id, pipeline="p", source="s", created_at=utc_now(), created_by="ada")
        with database.write() as conn:
            jobs.insert(conn, job)
            for status in (JobStatus.RUNNING, JobStatus.COMPLETED):
                jobs.transition(conn, job_id, status, actor="ada", at=utc_now())


def stages(tmp_path):
    path = tmp_path / "next-stage.db"
    if not path.exists():
        return []
    database = sqlite3.connect(path)
    try:
        return [row[0] for row in database.execute("SELECT job_id FROM stages ORDER BY rowid")]
    except sqlite3.OperationalError:
        return []  # it has not made the table yet
    finally:
        database.close()


def pending(redis_url, stream):
    import redis

    with redis.Redis.from_url(redis_url) as client:
        groups = client.xinfo_groups(stream)
        return sum(group["pending"] + (group["lag"] or 0) for group in groups)


def until(holds):
    ends = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_the_next_stage_begins_once_for_each_completed_job(
    database, consume, redis_url, stream, tmp_path
):
    held = settings(redis_url, stream, tmp_path)
    (target,) = enabled(held)
    consume("first")
    complete(database, "run-1", "run-2")
    relay_once(database, [target], utc_now)
    until(lambda: stages(tmp_path) == ["run-1", "run-2"])
    # Everything comes a second time, to two consumers; nothing is done a second time.
    consume("second")
    marked = replay(database, held, first=1, at=utc_now())
    complete(database, "run-3")
    relay_once(database, [target], utc_now)
    until(lambda: len(stages(tmp_path)) >= 3 and pending(redis_url, stream) == 0)
    target.publisher.close()
    assert marked == {"next-stage": 6}
    assert sorted(stages(tmp_path)) == ["run-1", "run-2", "run-3"]


def test_what_a_dead_consumer_took_is_taken_over(database, consume, redis_url, stream, tmp_path):
    import redis

    (target,) = enabled(settings(redis_url, stream, tmp_path))
    complete(database, "run-1")
    relay_once(database, [target], utc_now)
    target.publisher.close()
    with redis.Redis.from_url(redis_url) as client:
        client.xgroup_create(stream, "next-stage", id="0")
        taken = client.xreadgroup("next-stage", "dead", {stream: ">"})
        assert len(taken[0][1]) == 3  # queued, started, completed
    child = consume("heir")
    until(lambda: stages(tmp_path) == ["run-1"] and pending(redis_url, stream) == 0)
    child.send_signal(signal.SIGTERM)
    child.wait()
