"""What works behind the service fails, is begun again, and is not blamed for ever."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from pipewarden.app import background
from pipewarden.jobs.queue.service import JobService
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

PATIENCE = 30.0


@pytest.fixture
def held(tmp_path: Path) -> background.Background:
    return background.Background(Workspace(Settings(home=tmp_path, researcher="ada")), slots=1)


def test_work_that_failed_once_and_goes_on_again_is_no_longer_said_to_fail(
    held, monkeypatch, caplog
):
    begun: list[str] = []

    def run(_: JobService, stop: threading.Event) -> None:
        begun.append("begun")
        if len(begun) == 1:
            raise RuntimeError("it went boom")
        stop.wait()

    monkeypatch.setattr(background, "_AGAIN", 0.05)
    monkeypatch.setattr(JobService, "run", run)
    held.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while len(begun) < 2 or held.failures:
            assert time.monotonic() < deadline, held.failures
            time.sleep(0.01)
    finally:
        held.stopping()
        held.stop()
    assert "it went boom" in caplog.text
