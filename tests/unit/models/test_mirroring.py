"""After a run: what the registry cannot show is told, and never ends the run in an error."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from pipewarden.errors import Conflict
from pipewarden.jobs.models.mirroring import mirror_models
from pipewarden.models.registry import opening
from pipewarden.models.registry.mirror import Mirror
from pipewarden.models.registry.mlflow_registry import Registered
from pipewarden.store.files.objects import object_path


class Registry:
    """A registry in memory, where somebody else has a model of the name ``b``."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, int]] = []

    def register(self, version, document):
        if version.model == "b":
            raise Conflict("the registry has a model 'b' that is not ours")
        self.shown.append((version.model, version.version))
        return Registered(version.version, "run")


@pytest.fixture
def registry(house, monkeypatch):
    made = Registry()
    mirror = Mirror(
        database=house.database,
        registry=made,
        objects=house.context.objects,
        environments=("production",),
        champion="production",
        clock=lambda: house.now,
    )
    monkeypatch.setattr(opening, "mirror_of", lambda *_: mirror)
    return made


def test_a_conflict_and_a_damaged_document_are_told_and_the_others_are_shown(house, registry):
    damaged = house.train("a", 1, 3)
    for model in ("b", "c"):
        house.train(model, 1, 3)
    object_path(house.context.objects, damaged.object_hash).write_bytes(b"{}")
    workspace = SimpleNamespace(
        database=house.database,
        settings=None,
        objects_dir=house.context.objects,
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
    )
    told: list[str] = []
    mirror_models(workspace, SimpleNamespace(family=object()), told.append)
    assert registry.shown == [("c", 1)]
    assert len(told) == 1
    assert "does not show a, version 1: the object" in told[0]
    assert ", and 1 more; 'pipewarden models reconcile'" in told[0]
