"""The real service: two replicas that share a database, behind a real reverse proxy."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import httpx
import pytest

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
PATIENCE = 60.0

PIPELINE = """
import pipewarden as pw


def count(record):
    return {"id": str(record["id"]), "words": len(record["text"].split())}


words = pw.Pipeline(name="words", process=count, records="id", lines="words.jsonl")
"""
PREFIX = "/api/v1/cleaning"


class Place:
    """A folder, its services, and how they are asked."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PIPEWARDEN_RESEARCHER": "ada",
            "PIPEWARDEN_DATABASE_URL": database_url,
            "PIPEWARDEN_SERVICE__PIPELINES": '["mine:words"]',
        }
        self.started: list[subprocess.Popen[str]] = []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def serve(self, *arguments: str, **settings: str) -> str:
        """Start a service; return its URL when it is ready."""
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--workers", "1", *arguments],
            cwd=self.folder,
            env={**self.environment, **settings},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        said = re.search(r"http://\S+?:\d+", line)
        assert said is not None, line
        deadline = time.monotonic() + PATIENCE
        while httpx.get(f"{said[0]}/ready").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return said[0]

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "mine.py").write_text(PIPELINE, encoding="utf-8")
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    held = Place(tmp_path, url)
    yield held
    held.stop()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def batch(url: str, text: str, **headers: str) -> httpx.Response:
    body = {"documents": [{"id": "a", "text": text}]}
    return httpx.post(f"{url}/v1/documents/batch", json=body, headers=headers, timeout=PATIENCE)


def test_two_replicas_behind_a_proxy_are_one_service(place, nginx):
    """Keys, rates, idempotency and jobs are shared; nothing that comes at once is lost or doubled.

    nginx sends each request to the replica whose turn it is.
    """
    secrets = [
        json.loads(place.run("keys", "create", who, "--json").stdout)["key"]
        for who in ("eva", "otto")
    ]
    eva, otto = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
    limit = {"PIPEWARDEN_SERVICE__RATE_PER_MINUTE": "200"}
    replicas = [place.serve("--jobs", "0", "--root-path", PREFIX, **limit) for _ in range(2)]
    url = nginx(*replicas) + PREFIX
    client = httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_connections=130))

    def submitted(number: int, text: str = "text") -> httpx.Response:
        body = {"documents": [{"id": "a", "text": f"{text} {number}"}]}
        headers = {**eva, "Idempotency-Key": f"at-once-{number}"}
        return client.post(f"{url}/v1/documents/batch", json=body, headers=headers)

    with client, ThreadPoolExecutor(130) as threads:
        # A hundred at once, thirty of them twice: one of a pair may find the other in work.
        numbers = [*range(100), *range(30)]
        answers = list(threads.map(submitted, numbers))
        assert {answer.status_code for answer in answers} <= {202, 409}
        told = {
            (number, answer.json()["id"])
            for number, answer in zip(numbers, answers, strict=True)
            if answer.status_code == 202
        }
        ids = dict(told)
        assert len(told) == len(ids) == len(set(ids.values())) == 100
        again = threads.map(submitted, range(30))
        assert [answer.json()["id"] for answer in again] == [ids[number] for number in range(30)]
        assert submitted(7, "another text").json()["code"] == "idempotency_key_reused"
        for replica in replicas:
            page = client.get(f"{replica}/v1/jobs?limit=1000", headers=otto).json()
            assert {job["id"] for job in page["jobs"]} == set(ids.values())
            assert page["total"] == 100

        began = time.time() // 60
        asked = f"{url}/v1/jobs?limit=1"
        codes = list(threads.map(lambda _: client.get(asked, headers=otto).status_code, range(500)))
        windows = time.time() // 60 - began + 1
    assert set(codes) == {200, 429}
    assert codes.count(200) <= 200 * windows  # both together, never more


def test_a_service_without_keys_listens_at_loopback_only(place):
    refused = place.run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "only a loopback address is served" in refused.stderr


def test_a_stopped_service_ends_well_and_leaves_no_process(place):
    url = place.serve()
    process = place.started[0]
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    assert httpx.get(f"{url}/health").status_code == 200
    process.terminate()
    assert process.wait(PATIENCE) == 0
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


@pytest.fixture
def nginx(tmp_path: Path, skip_loudly: Callable[[str], NoReturn]) -> Iterator[Callable[..., str]]:
    """Return what puts nginx in front of replicas, at a prefix that it strips."""
    command = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if command is None:
        skip_loudly("nginx is absent (tried the search path)")
    started: list[subprocess.Popen[bytes]] = []

    def front(*replicas: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        servers = " ".join(f"server {urlsplit(replica).netloc};" for replica in replicas)
        configuration = tmp_path / "nginx.conf"
        configuration.write_text(
            f"""
daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
events {{}}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
  fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
  upstream replicas {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location {PREFIX}/ {{
      proxy_pass http://replicas/; proxy_http_version 1.1;
      proxy_set_header Host $host; proxy_request_buffering off; proxy_buffering off;
    }}
  }}
}}
""",
            encoding="utf-8",
        )
        started.append(
            subprocess.Popen([command, "-c", str(configuration), "-p", str(tmp_path)], stderr=-3)
        )
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(url)
                return url
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    yield front
    for process in started:
        process.terminate()
        process.wait()


def test_behind_a_proxy_that_strips_a_prefix_it_works_unchanged(tmp_path, nginx):
    (tmp_path / "mine.py").write_text(PIPELINE, encoding="utf-8")
    place = Place(tmp_path, "")
    try:
        url = nginx(place.serve("--root-path", PREFIX, "--jobs", "0"))
        assert httpx.get(f"{url}/health").status_code in (403, 404)  # the proxy's own
        answer = batch(url + PREFIX, "one", **{"X-Request-ID": "through-nginx"})
        assert answer.headers["x-request-id"] == "through-nginx"
        assert answer.headers["location"] == f"{PREFIX}/v1/jobs/{answer.json()['id']}"
        assert httpx.get(url + answer.headers["location"]).json()["job"]["status"] == "QUEUED"
        described = httpx.get(f"{url}{PREFIX}/openapi.json").json()
        assert described["servers"] == [{"url": PREFIX}]
        lines = b'{"id":1,"text":"a b"}\n' * 50
        streamed = httpx.post(
            f"{url}{PREFIX}/v1/preprocess/batch-file",
            content=lines,
            headers={"Content-Type": "application/x-ndjson"},
            timeout=PATIENCE,
        )
        assert [json.loads(line)["outcome"] for line in streamed.text.splitlines()] == (
            ["accepted"] * 50
        )
    finally:
        place.stop()
