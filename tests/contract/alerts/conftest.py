"""A watch house on either database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "events"))

from watch_house import WatchHouse

from pipewarden.store.state.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "postgresql":
        address: str = request.getfixturevalue("postgres_url")
        return address
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Return an open, empty state database."""
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def house(database: Database, tmp_path: Path) -> WatchHouse:
    """Return a monitor with a clock that the test sets."""
    return WatchHouse(database, tmp_path)
