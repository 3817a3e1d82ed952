"""An MLflow of each kind: a file of SQLite, and a server that really runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipewarden.models.registry.mlflow_registry import MlflowRegistry

#: Seconds after which a server that does not answer never will.
HANGS = 180.0


@pytest.fixture(scope="session")
def mlflow_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URI of one SQLite registry; making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture(scope="session")
def mlflow_server(absent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a server; ``PIPEWARDEN_TEST_MLFLOW_URL`` names one."""
    named = os.environ.get("PIPEWARDEN_TEST_MLFLOW_URL")
    if named:
        yield named
        return
    command = Path(sys.executable).with_name("mlflow")
    if not command.exists():
        absent("an MLflow server", str(command), "PIPEWARDEN_REQUIRE_SERVICES")
    folder = tmp_path_factory.mktemp("mlflow-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(str(command), "server", "--host", "127.0.0.1", "--port", str(port)),
                *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db"),
                *("--artifacts-destination", str(folder / "artifacts")),
            ],
            cwd=folder,
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its workers would outlive it
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _answers(url, server, folder / "log")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # it takes its time when asked
        server.wait()


def _answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + HANGS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the MLflow server does not answer: {log.read_text()[-3000:]}")


@pytest.fixture(params=["file", "server"])
def uri(request: pytest.FixtureRequest) -> str:
    """Return the URI of each kind of MLflow."""
    return str(request.getfixturevalue(f"mlflow_{request.param}"))


@pytest.fixture
def registry(uri: str, tmp_path: Path) -> MlflowRegistry:
    """Return a registry of each kind."""
    return MlflowRegistry(uri, tmp_path / "artifacts")
