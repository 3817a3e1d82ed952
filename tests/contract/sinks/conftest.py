"""Sinks of every kind at real places, and a clock that is set by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from places import ElasticsearchPlace, JsonlPlace, Place, PostgresqlPlace

#: Read now: the tests' neutral environment is no place for it.
ELASTICSEARCH_URL = os.environ.get("ELASTICSEARCH_URL", "")
KINDS = ["jsonl", "postgresql", "elasticsearch-stub", "elasticsearch"]


@dataclass
class Clock:
    """A clock that only moves when it is told to."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return one place of each kind, empty."""
    opened = _opened(request.param, request, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def jsonl(tmp_path: Path) -> JsonlPlace:
    return JsonlPlace(tmp_path)


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    opened = _opened("postgresql", request, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def elastic(tmp_path: Path) -> Iterator[ElasticsearchPlace]:
    opened = ElasticsearchPlace(tmp_path)
    yield opened
    opened.close()


def _opened(kind: str, request: pytest.FixtureRequest, home: Path) -> Place:
    if kind == "jsonl":
        return JsonlPlace(home)
    if kind == "postgresql":
        return PostgresqlPlace(home, server=request.getfixturevalue("postgres_server"))
    if kind == "elasticsearch-stub":
        return ElasticsearchPlace(home)
    if not ELASTICSEARCH_URL:  # never required: no server of it can be had everywhere
        skip = request.getfixturevalue("skip_loudly")
        skip("ELASTICSEARCH_URL is not set; a stand-in for its protocol is tested instead")
    return ElasticsearchPlace(home, server=ELASTICSEARCH_URL)
