"""One warm launcher for all crash tests, and homes in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the harness is a program, too

from harness import Home, Launcher, memory_folder


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """Return what starts runs as processes of their own."""
    held = Launcher()
    yield held
    held.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return an empty folder."""
    with memory_folder() as made:
        yield made


@pytest.fixture
def home(folder: Path) -> Home:
    """Return a workspace with a manifest file and SQLite."""
    return Home(folder / "home")
