"""A clinic of a tiny model, on SQLite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # tiny_healing

from tiny_healing import Clinic, clinic


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Clinic]]:
    """Return what makes a clinic with a policy."""
    held: list[Clinic] = []

    def make(policy: dict[str, Any] | None = None, **also: Any) -> Clinic:
        held.append(clinic(tmp_path / f"home-{len(held)}", policy=policy or {}, **also))
        return held[-1]

    yield make
    for one in held:
        one.close()
