"""After a run: what the registry cannot show is told, and never ends the run in an error."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from pipewarden.core.outages.breaker import BreakerState
from pipewarden.errors import Conflict, DependencyUnavailable
from pipewarden.jobs.models.mirroring import mirror_models
from pipewarden.jobs.queue.services import waited_for
from pipewarden.jobs.runners import outages
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


@pytest.fixture
def workspace(house):
    return SimpleNamespace(
        database=house.database,
        settings=None,
        objects_dir=house.context.objects,
        waiting_dir=house.context.objects.parent / "waiting",
        clock=lambda: house.now,
    )


def test_a_conflict_and_a_damaged_document_are_told_and_the_others_are_shown(
    house, registry, workspace
):
    damaged = house.train("a", 1, 3)
    for model in ("b", "c"):
        house.train(model, 1, 3)
    object_path(house.context.objects, damaged.object_hash).write_bytes(b"{}")
    told: list[str] = []
    mirror_models(workspace, SimpleNamespace(family=object()), told.append)
    assert registry.shown == [("c", 1)]
    assert len(told) == 1
    assert "does not show a, version 1: the object" in told[0]
    assert ", and 1 more; 'pipewarden models reconcile'" in told[0]


def test_a_registry_that_does_not_answer_is_left_alone_by_the_next_process_too(
    house, registry, workspace, monkeypatch
):
    asked: list[str] = []

    def gone(*_: object) -> None:
        asked.append("asked")
        raise DependencyUnavailable("the registry is gone")

    house.train("a", 1, 3)
    monkeypatch.setattr(opening, "mirror_of", gone)
    told: list[str] = []
    for _ in range(5):
        monkeypatch.setattr(outages, "_met", {})  # each run has a process of its own
        mirror_models(workspace, SimpleNamespace(family=object()), told.append)
    assert len(asked) == outages.REGISTRY.open_after
    assert told[-1].startswith("the registry does not answer")
    (row,) = waited_for(workspace)
    assert (row.name, row.job_id, row.failures) == ("registry", "", 3)
    assert row.breaker.state(workspace.clock(), outages.REGISTRY) is BreakerState.OPEN


def test_a_registry_that_answers_again_is_waited_for_no_more(
    house, registry, workspace, monkeypatch
):
    house.train("a", 1, 3)
    monkeypatch.setattr(outages, "_met", {})
    with outages.shared(house.database, "registry", workspace.clock) as held:
        for _ in range(outages.REGISTRY.open_after):
            held.failed()
    house.now += timedelta(hours=1)
    monkeypatch.setattr(outages, "_met", {})
    mirror_models(workspace, SimpleNamespace(family=object()), lambda _: None)
    assert registry.shown == [("a", 1)]
    assert waited_for(workspace) == []
