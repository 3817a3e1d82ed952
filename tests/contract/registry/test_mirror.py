"""MLflow shows what the state database says: as a file, and as a server."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipewarden.core.canonical import digest
from pipewarden.core.models.deployments import (
    Deployment,
    DeploymentKind,
    DeploymentState,
    ModelVersion,
    Trained,
)
from pipewarden.errors import Conflict, DependencyUnavailable
from pipewarden.models.registry.mirror import Mirror
from pipewarden.models.registry.mlflow_registry import MlflowRegistry, registered_name
from pipewarden.store.files import durable
from pipewarden.store.files.objects import object_path
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.models.versions import Registration

#: MLflow's own, with the SQLAlchemy of today.
pytestmark = pytest.mark.filterwarnings("ignore:.*noload.*loader strategy:DeprecationWarning")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Place:
    """A state database with versions and deployments, and the mirror of it."""

    database: Database
    registry: MlflowRegistry
    objects: Path
    #: The registry is shared by all tests; a model of ours alone is named like this.
    model: str = field(default_factory=lambda: f"sales/{secrets.token_hex(6)}")
    ticks: Iterator[int] = field(default_factory=itertools.count)

    @property
    def mirror(self) -> Mirror:
        return Mirror(
            database=self.database,
            registry=self.registry,
            objects=self.objects,
            environments=("staging", "production"),
            champion="production",
            clock=lambda: NOW,
        )

    def train(self, *, deployable: bool = True, model: str | None = None) -> ModelVersion:
        number = next(self.ticks)
        document = {
            "model": model or self.model,
            "source": {"path": "weekly.csv", "sha256": "0" * 64},
            "dataset": {"fingerprint": f"sha256:{number:064}"},
            "parameters": {"method": "theta", "search": {"folds": 3, "seed": 7}},
            "metrics": {"mase": {"value": 0.5, "low": 0.4, "high": 0.6}, "rows": 104},
            "signature": {"inputs": [], "outputs": ["y_hat"]},
            "artifact": {"format": "numbers", "values": [number]},
            "verdict": {"status": "PASS", "findings": [{"check": "mase", "status": "PASS"}]},
        }
        data = json.dumps(document).encode()
        durable.write_file(object_path(self.objects, digest(data)), data)
        trained = Trained(
            model=model or self.model,
            family="sales",
            deployable=deployable,
            object_hash=digest(data),
            dataset=f"sha256:{number:064}",
            verdict="PASS",
            metrics={"mase": 0.5},
        )
        at = NOW + timedelta(seconds=number)
        with self.database.write() as conn:
            one = Registration(trained=trained, run_id="r1", item_key="i1", at=at)
            return versions.register(conn, [one])[0]

    def deploy(self, version: int, environment: str = "production") -> None:
        asked = Deployment(
            id=0,
            model=self.model,
            environment=environment,
            version=version,
            kind=DeploymentKind.DEPLOY,
            state=DeploymentState.AWAITING,
            actor="tester",
            reason="test",
            created_at=NOW,
        )
        with self.database.write() as conn:
            made = deployments.request(conn, asked)
            deployments.begin(conn, made.id, at=NOW, ended=DeploymentState.SUPERSEDED)


@pytest.fixture
def place(registry: MlflowRegistry, tmp_path: Path) -> Iterator[Place]:
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield Place(database, registry, tmp_path / "objects")
    database.close()


def test_each_version_is_there_once_with_all_that_is_known_of_it(place: Place) -> None:
    good, bad = place.train(), place.train(deployable=False)
    assert place.mirror.catch_up() == 2
    assert place.mirror.catch_up() == 0
    assert place.registry.numbers(place.model) == {1: 1, 2: 2}
    client = place.registry._client
    name = registered_name(place.model)
    held = client.get_model_version(name, "2")
    assert held.tags["pipewarden.status"] == "quarantined"
    assert held.tags["pipewarden.object"] == bad.object_hash
    run = client.get_run(client.get_model_version(name, "1").run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"mase": 0.5, "mase.low": 0.4, "mase.high": 0.6, "rows": 104.0}
    assert run.data.params["search.folds"] == "3"
    assert run.inputs.dataset_inputs[0].dataset.name == "i1"
    stored = client.download_artifacts(run.info.run_id, "model/model.json")
    assert json.loads(Path(stored).read_text())["dataset"]["fingerprint"] == good.dataset


def test_what_serves_has_the_alias_of_its_environment(place: Place) -> None:
    place.train()
    place.train()
    place.deploy(1, "staging")
    place.deploy(2)
    place.mirror.changed(place.model)
    aliases = {"staging": 1, "production": 2, "champion": 2}
    assert place.registry.aliases(place.model) == aliases
    place.deploy(1)
    place.mirror.changed(place.model)
    assert place.registry.aliases(place.model) == {**aliases, "production": 1, "champion": 1}


def test_a_call_that_was_cut_off_is_finished_without_a_second_version(place: Place) -> None:
    version = place.train()
    document = json.loads(object_path(place.objects, version.object_hash).read_bytes())
    place.registry.register(version, document)  # and then nobody noted it
    assert place.mirror.catch_up() == 1
    assert place.registry.numbers(place.model) == {1: 1}


def test_reconciling_finds_what_differs_and_mends_it_if_asked(place: Place) -> None:
    place.train()
    place.train()
    place.deploy(2)
    place.mirror.changed(place.model)
    assert place.mirror.reconcile([place.model], repair=False).mended == []
    client, name = place.registry._client, registered_name(place.model)
    client.set_registered_model_alias(name, "production", "1")
    client.delete_model_version(name, "1")
    found = place.mirror.reconcile([place.model], repair=False)
    assert [one.what for one in found.mended] == ["version 1 missing", "aliases differ"]
    assert place.registry.aliases(place.model) != {"production": 2, "champion": 2}
    done = place.mirror.reconcile([place.model], repair=True)
    assert (done.registered, len(done.mended)) == (1, 2)
    assert place.registry.aliases(place.model) == {"production": 2, "champion": 2}
    assert place.registry.numbers(place.model) == {1: 3, 2: 2}
    assert place.mirror.reconcile([place.model], repair=False).mended == []


def test_a_version_whose_document_was_cleaned_up_keeps_no_other_back(place: Place) -> None:
    gone = place.train()
    place.train()
    object_path(place.objects, gone.object_hash).unlink()
    assert place.mirror.catch_up() == 1
    assert len(place.registry.numbers(place.model)) == 1
    assert place.mirror.reconcile([place.model], repair=True).mended == []


def test_a_model_of_somebody_else_is_left_alone(place: Place) -> None:
    client = place.registry._client
    client.create_registered_model(registered_name(place.model))
    place.train()
    with pytest.raises(Conflict, match="not ours"):
        place.mirror.catch_up()


def test_a_registry_that_is_gone_is_told_and_nothing_is_noted(place: Place, tmp_path: Path) -> None:
    place.train()
    gone = MlflowRegistry("http://user:hidden@127.0.0.1:9", tmp_path)
    with pytest.raises(DependencyUnavailable) as told:
        Place(place.database, gone, place.objects).mirror.catch_up()
    assert "hidden" not in str(told.value.message)
    assert told.value.next_step == "pipewarden models reconcile"
    assert place.mirror.catch_up() == 1
