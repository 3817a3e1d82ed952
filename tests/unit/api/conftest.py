"""The API in this process, over a small pipeline, with real document processes and a real queue."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from pipewarden.app.api.application import application
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

PATIENCE = 60.0

PIPELINE = '''
"""Counts words; its settings say how to shout, and odd texts do odd things."""

import os
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import pipewarden as pw


class Style(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mark: str = "!"
    times: int = 1


class WordSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    style: Style = Style()
    least: int = 1


def build(settings=None):
    try:
        held = WordSettings.model_validate(settings or {})
    except ValidationError as error:
        raise pw.InvalidSettings(f"words: {error.error_count()} settings do not hold") from None

    def count(record):
        text = record.get("text")
        if not isinstance(text, str):
            raise pw.BadInput("no_text", "there is no text")
        if text == "boom":
            raise ValueError("it went boom")
        if text == "hang":
            time.sleep(600)
        if text == "die":
            os._exit(9)
        if text.startswith("hold "):
            while not Path(text.removeprefix("hold ")).exists():
                time.sleep(0.005)
        shout = held.style.mark * held.style.times
        print("a pipeline may print")
        return {"id": record.get("id", ""), "words": len(text.split()), "shout": text + shout}

    def enough(result):
        return result["words"] >= held.least

    return pw.Pipeline(
        name="words", process=count, records="id", lines="words.jsonl",
        gate=pw.Gate([pw.check(enough, blocking=True)]),
        engine_facts=lambda: {"in_use": {"device": "abacus"}},
    )


def words(settings=None):
    return build(settings)


def weigh(path):
    return {"bytes": len(path.read_bytes())}


files = pw.Pipeline(name="files", process=weigh, pattern=("*.txt", "*.csv"))
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory that holds the pipeline."""
    place = tmp_path_factory.mktemp("service")
    (place / "worded.py").write_text(PIPELINE, encoding="utf-8")
    (place / "inbox").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


SERVICE: dict[str, Any] = {
    "pipelines": ("worded:words", "worded:files"),
    "jobs": 1,
    "workers": 1,
    "request_seconds": 20.0,
    "document_bytes": 10_000,
    "body_bytes": 20_000,
    "upload_bytes": 200_000,
    "batch_documents": 5,
    "job_documents": 50,
    "source_roots": ("inbox",),
    "stop_seconds": 5.0,
}


@contextmanager
def served(settings: Settings) -> Iterator[httpx.Client]:
    """Serve in a thread; give a client of it."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(Workspace(settings)), log_level="critical", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


Start = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="module")
def start(folder: Path) -> Start:
    """Return what serves an API of its own settings and state.

    Settings that are not of the section ``service`` go into ``beside``.
    """

    def made(
        name: str = "home", beside: Mapping[str, Any] | None = None, **changed: Any
    ) -> AbstractContextManager[httpx.Client]:
        settings = Settings(
            home=folder / name,
            researcher="ada",
            workers=1,
            service={**SERVICE, "source_roots": (str(folder / "inbox"),), **changed},
            **{"pipelines": {"words": {"style": {"times": 2}}}, **(beside or {})},
        )
        return served(settings)

    return made


def _ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE
    while client.get("/ready").status_code != 200:
        assert time.monotonic() < deadline, client.get("/health").text
        time.sleep(0.05)


@pytest.fixture(scope="module")
def ready() -> Callable[[httpx.Client], None]:
    """Return what waits until a document process is loaded."""
    return _ready


@pytest.fixture(scope="module")
def api(start: Start) -> Iterator[httpx.Client]:
    """The API, ready."""
    with start() as client:
        _ready(client)
        yield client


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Return what waits for a condition."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    return wait


@pytest.fixture
def ended() -> Callable[[httpx.Client, str], dict[str, Any]]:
    """Return what waits for a job's end and returns the job."""

    def wait(client: httpx.Client, job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()["job"]
            if job["status"] in ("COMPLETED", "FAILED", "CANCELLED"):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.1)

    return wait
