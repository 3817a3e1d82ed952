"""A workspace of its own for each test, and the shortest way to run in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.jobs.run import run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings


def read(path: Path) -> dict[str, Any]:
    return {"text": path.read_text()}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    held = Workspace(Settings(home=tmp_path, researcher="tester"))
    yield held
    held.database.close()


@pytest.fixture
def run_here(workspace: Workspace, inbox: Path) -> Callable[..., Any]:
    """Return what runs a pipeline, by default one that reads text, over the inbox."""

    def start(pipeline: pw.Pipeline | None = None, **options: Any) -> pw.RunReport:
        chosen = pipeline or pw.Pipeline(name="texts", process=read)
        return run(chosen, inbox, workspace=workspace, **{"executor": "inline", **options})

    return start
