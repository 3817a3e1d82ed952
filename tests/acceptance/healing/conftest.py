"""Laboratories in empty folders, closed when a test ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # laboratory

from laboratory import Laboratory, opened


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Callable[..., Laboratory]]:
    """Return what makes a laboratory whose champion serves: its world, its policy, its plan."""
    made: list[Laboratory] = []

    def make(world: str, policy: dict[str, Any] | None = None, **plan: Any) -> Laboratory:
        held = opened(tmp_path / f"home-{len(made)}", world, policy, **plan)
        made.append(held)
        return held

    yield make
    for one in made:
        one.close()
