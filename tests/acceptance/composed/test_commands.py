"""What the compose file starts is started here, outside of containers; so are its health checks.

Paths, ports and host names are those of this machine; every other word is the file's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from brokers import listens
from composing import (
    DEPLOY,
    SERVICES,
    Composed,
    environment,
    free_port,
    running,
    scripts,
    until,
)
from elasticsearch_stub import ElasticsearchStub
from site_of_celery import RedisServer

pytestmark = pytest.mark.slow
#: No program of theirs can be had here; the guide says so.
NOT_STARTED = {"elasticsearch", "grafana", "traefik"}
STARTED = {"app", "worker", "postgres", "redis", "rabbitmq", "nats", "prometheus"}


def test_no_service_is_forgotten() -> None:
    assert SERVICES.keys() == STARTED | NOT_STARTED


@pytest.fixture
def broker(program: Callable[[str], str], tmp_path: Path) -> Iterator[RedisServer]:
    program("redis-server")
    (tmp_path / "broker").mkdir()
    server = RedisServer(tmp_path / "broker")
    yield server
    server.kill()


@pytest.fixture
def ours(broker: RedisServer, postgres_url: str, tmp_path: Path) -> SimpleNamespace:
    """Return how a command of our image is run: behind its entry point, with its secrets."""
    mounted, home = tmp_path / "mounted", tmp_path / "home"
    mounted.mkdir()
    home.mkdir()
    targets = [secret["target"] for secret in SERVICES["app"]["secrets"]]
    for target, value in zip(targets, (postgres_url, broker.url), strict=True):
        (mounted / target).write_text(f"{value}\n")
    port = free_port()
    variables = {
        **Composed("app", {}).environment,
        "SECRETS_DIR": str(mounted),
        "PIPEWARDEN_HOME": str(home),
        "PIPEWARDEN_SERVICE__WORKERS": "1",
        "PIPEWARDEN_SERVICE__PIPELINES": '["filings"]',
    }
    entry = ["sh", str(DEPLOY / "entrypoint.sh")]

    def composed(name: str) -> Composed:
        return Composed(name, {"8000": port, "entrypoint.sh": str(entry[1])})

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=home,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )

    return SimpleNamespace(
        home=home, port=port, variables=variables, entry=entry, composed=composed, run=run
    )


def test_the_app_starts_with_its_secrets_and_a_key_and_prometheus_watches_it(
    program, ours, secrets, tmp_path
) -> None:
    made = [*ours.entry, "pipewarden", "keys", "create", "prometheus", "--scope", "viewer"]
    done = ours.run(made)
    assert done.returncode == 0, done.stderr
    (secrets / "metrics_key").write_text(done.stdout.splitlines()[0] + "\n")
    app = ours.composed("app")
    assert app.command[-4:] == ["--host", "0.0.0.0", "--port", ours.port]
    assert app.health(ours.home) != 0
    with running([*ours.entry, *app.command], ours.home, **ours.variables) as log:
        until(lambda: app.health(ours.home) == 0, log)
        answer = httpx.get(f"http://127.0.0.1:{ours.port}/health").json()
        told = {probe["name"]: probe for probe in answer["probes"]}
        assert told["database"]["facts"]["kind"] == "postgresql"
        assert told["broker"]["state"] == "ok"
        _is_scraped(program("prometheus"), ours.port, secrets, tmp_path / "prometheus")
    assert app.health(ours.home) != 0


def _is_scraped(prometheus: str, app: str, secrets: Path, folder: Path) -> None:
    """Prometheus reads its own file and its rules, and the app lets it in with the key."""
    folder.mkdir()
    shutil.copy(DEPLOY / "prometheus" / "rules.yml", folder)
    port = free_port()
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    for said, here in (
        ("app:8000", f"127.0.0.1:{app}"),
        ("/run/secrets", str(secrets)),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
    ):
        assert said in text
        text = text.replace(said, here)
    (folder / "prometheus.yml").write_text(text)
    composed = Composed("prometheus", {"9090": port})
    command = [prometheus, f"--config.file={folder}/prometheus.yml"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]

    def up() -> bool:
        told = httpx.get(f"http://127.0.0.1:{port}/api/v1/query?query=up")  # 503 until it is ready
        found = told.json()["data"]["result"] if told.status_code == 200 else []
        return [one["value"][1] for one in found] == ["1"]

    with running(command, folder) as log:
        until(lambda: composed.health(folder) == 0, log)
        until(up, log)


def test_the_worker_starts_and_is_asked_over_the_broker(ours) -> None:
    worker = ours.composed("worker")
    assert worker.command[:2] == ["pipewarden", "worker"]

    def health() -> int:
        """Run the check: in the image it lies on the PATH, as the entry point does."""
        kind, entry, script = worker.held["healthcheck"]["test"]
        assert (kind, entry) == ("CMD", "entrypoint.sh")
        check = [*ours.entry, sys.executable, str(DEPLOY / script)]
        return int(ours.run(check).returncode)

    assert health() == 1
    with running([*ours.entry, *worker.command], ours.home, **ours.variables) as log:
        until(lambda: health() == 0, log)
    assert health() == 1


def test_elasticsearch_is_given_its_password_and_its_check_needs_it(secrets, tmp_path) -> None:
    """The server is not there: a script stands for the image's own, a stub for the server."""
    stand_in = tmp_path / "docker-entrypoint.sh"
    stand_in.write_text('#!/bin/sh\nprintf "%s|%s" "$1" "$ELASTIC_PASSWORD"\n')
    stand_in.chmod(0o755)
    tini = shutil.which("tini") or ""
    places = {
        "/run/secrets": str(secrets),
        "/usr/local/bin/docker-entrypoint.sh": str(stand_in),
        "/bin/tini": tini,
    }
    command = Composed("elasticsearch", places).command
    done = subprocess.run(
        command if tini else command[2:], capture_output=True, text=True, check=True
    )
    password = (secrets / "elastic_password").read_text().strip()
    assert done.stdout == f"eswrapper|{password}"
    stub = ElasticsearchStub()
    import base64

    stub.wanted_authorization = "Basic " + base64.b64encode(f"elastic:{password}".encode()).decode()
    composed = Composed("elasticsearch", {**places, "9200": str(stub.port)})
    assert composed.health(tmp_path) == 0
    stub.wanted_authorization = "Basic other"
    assert composed.health(tmp_path) != 0
    stub.close()
    assert not listens(stub.port)
    assert composed.health(tmp_path) != 0


@pytest.mark.parametrize("where", scripts())
def test_a_script_in_the_file_is_sound(program, where: str) -> None:
    checker = [program("shellcheck"), "--shell=sh", "-"]
    done = subprocess.run(
        checker, input=scripts()[where], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
