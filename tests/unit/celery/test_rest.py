"""A Celery worker's process that nobody needs gives its memory back."""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipewarden.jobs.runners.celery.workers.serving import _Process
from pipewarden.settings import Settings


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Any]:
    before = signal.getsignal(signal.SIGALRM)
    settings = Settings(home=tmp_path, celery={"idle_seconds": 0.001})
    made = _Process(settings, None, mmap.mmap(-1, 1), 1)
    made.begin()
    yield made
    made.end()
    signal.signal(signal.SIGALRM, before)


def test_what_is_loaded_goes_when_no_chunk_has_come_for_a_while_and_never_before(process) -> None:
    unloaded: list[bool] = []
    working: list[bool] = []

    def carry_out(_: str, *, again: bool) -> None:
        working.append(again)
        for _ in range(1_000):
            os.sched_yield()
        assert len(unloaded) < len(working)  # the timer of the chunk before is stopped

    process._loaded = SimpleNamespace(unload=lambda: unloaded.append(True))
    process._worker = SimpleNamespace(carry_out=carry_out, close=lambda: None)
    for chunk in (1, 2):
        process.work("", again=False)
        while len(unloaded) < chunk:
            os.sched_yield()
    assert len(working) == 2
