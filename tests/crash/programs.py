"""For crash tests that are programs themselves: launchers of their own, and both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Home, Launcher


def launcher_of(program: str) -> Callable[..., object]:
    """Return the fixture that starts what a test module says."""

    @pytest.fixture(scope="module", name="launcher")
    def started() -> Iterator[Launcher]:
        held = Launcher(program)
        yield held
        held.close()

    return started


@pytest.fixture(params=["sqlite", "postgresql"], name="home")
def home_on_each(request: pytest.FixtureRequest, folder: Path) -> Home:
    """Return a workspace with a manifest file, on each database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return Home(folder / "home", database_url=url)
