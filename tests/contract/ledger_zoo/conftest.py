"""A ledger that somebody got at: real, in a real database, with its guards taken off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipewarden.core.chain import Act, Anchor
from pipewarden.store.state import ledger
from pipewarden.store.state.database import Database

ENTRIES = 12


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return a database whose ledger has twelve entries."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = Database.open(url)
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    with opened.write() as conn:
        for n in range(1, ENTRIES + 1):
            act = Act(
                actor=f"actor {n}",
                action="item.released",
                subject=f"run-1/item-{n}",
                reason=f"reason {n}",
                details={"n": n, "why": {"score": n / 4}},
            )
            ledger.append(conn, [act], begin + timedelta(hours=n))
    yield opened
    opened.close()


@pytest.fixture
def anchor(database: Database) -> Anchor:
    """Return the head as a report printed it, before anything happened."""
    with database.read() as conn:
        head = ledger.head(conn)
    return Anchor(head.count, head.hash, "report.md")
