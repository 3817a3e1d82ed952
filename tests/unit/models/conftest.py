"""A house of tiny models, on SQLite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # tiny_models

from pipewarden.store.state.database import Database
from tiny_models import House


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty state database."""
    path = tmp_path_factory.mktemp("template") / "state.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def house(tmp_path: Path, template: Path) -> Iterator[House]:
    """Return a house whose production has no cooldown."""
    policies = {"production": {"cooldown_days": 0}}
    made = House(tmp_path / "home", policies=policies, template=template)
    yield made
    made.close()


@pytest.fixture
def strict(tmp_path: Path, template: Path) -> Iterator[Callable[..., House]]:
    """Return what makes a house with a policy of production."""
    houses = []

    def make(**policy: Any) -> House:
        home = tmp_path / f"home-{len(houses)}"
        houses.append(House(home, policies={"production": policy}, template=template))
        return houses[-1]

    yield make
    for one in houses:
        one.close()
