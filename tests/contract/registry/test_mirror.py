"""MLflow shows what the state database says: as a file, and as a server."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipewarden.core.canonical import digest
from pipewarden.core.models.challengers import Challenger, ChallengerMode, ChallengerState
from pipewarden.core.models.comparisons import ComparisonPlan
from pipewarden.core.models.deployments import (
    Deployment,
    DeploymentKind,
    DeploymentState,
    ModelVersion,
    Trained,
)
from pipewarden.errors import DependencyUnavailable, StateError
from pipewarden.models.registry import mlflow_registry
from pipewarden.models.registry.mirror import Mirror
from pipewarden.models.registry.mlflow_registry import MlflowRegistry, registered_name
from pipewarden.store.files import durable
from pipewarden.store.files.objects import object_path
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import challengers, deployments, mirrored, versions
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

    def numbers(self) -> dict[int, int]:
        """Return the versions that MLflow shows: ours → its own number."""
        return {ours: one.number for ours, one in self.registry.shown(self.model).items()}

    def statuses(self) -> dict[int, str]:
        """Return the status of each version, as MLflow shows it."""
        return {ours: one.status for ours, one in self.registry.shown(self.model).items()}

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

    def challenge(self, version: int | None) -> None:
        """Let a version run beside the first from now on; None ends what runs."""
        with self.database.write() as conn:
            if version is None:
                (held,) = challengers.running(conn, self.model)
                end = ChallengerState.STOPPED
                challengers.end(conn, held.id, end, at=NOW, by="tester", reason="test")
                return
            challengers.start(
                conn,
                Challenger(
                    id=0,
                    model=self.model,
                    environment="production",
                    version=version,
                    champion=1,
                    mode=ChallengerMode.SHADOW,
                    share=1.0,
                    plan=ComparisonPlan(),
                    state=ChallengerState.RUNNING,
                    actor="tester",
                    reason="test",
                    started_at=NOW,
                ),
            )

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
    assert place.mirror.catch_up().registered == 2
    assert place.mirror.catch_up().registered == 0
    assert place.numbers() == {1: 1, 2: 2}
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


def test_what_is_tried_beside_the_champion_has_an_alias_while_it_runs(place: Place) -> None:
    place.train()
    place.train()
    place.deploy(1)
    place.challenge(2)
    aliases = {"production": 1, "champion": 1}
    assert place.mirror.changed([place.model]) == []
    assert place.registry.aliases(place.model) == {**aliases, "challenger": 2}
    place.challenge(None)
    found = place.mirror.reconcile([place.model], repair=True)
    assert [one.what for one in found.mended] == ["aliases differ"]
    assert place.registry.aliases(place.model) == aliases


def test_what_serves_has_the_alias_of_its_environment(place: Place) -> None:
    place.train()
    place.train()
    place.deploy(1, "staging")
    place.deploy(2)
    place.mirror.changed([place.model])
    aliases = {"staging": 1, "production": 2, "champion": 2}
    assert place.registry.aliases(place.model) == aliases
    place.deploy(1)
    place.mirror.changed([place.model])
    assert place.registry.aliases(place.model) == {**aliases, "production": 1, "champion": 1}


def test_a_call_that_was_cut_off_is_finished_without_a_second_version(place: Place) -> None:
    version = place.train()
    document = json.loads(object_path(place.objects, version.object_hash).read_bytes())
    place.registry.register(version, document)  # and then nobody noted it
    assert place.mirror.catch_up().registered == 1
    assert place.numbers() == {1: 1}


def test_reconciling_finds_what_differs_and_mends_it_if_asked(place: Place) -> None:
    place.train()
    place.train()
    place.deploy(2)
    place.mirror.changed([place.model])
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
    assert place.numbers() == {1: 3, 2: 2}
    assert place.mirror.reconcile([place.model], repair=False).mended == []


def test_a_version_whose_document_was_cleaned_up_keeps_no_other_back(place: Place) -> None:
    gone = place.train()
    place.train()
    object_path(place.objects, gone.object_hash).unlink()
    assert place.mirror.catch_up().registered == 1
    assert len(place.numbers()) == 1
    assert place.mirror.reconcile([place.model], repair=True).mended == []


def test_a_model_of_somebody_else_is_left_alone(place: Place) -> None:
    client = place.registry._client
    client.create_registered_model(registered_name(place.model))
    client.create_model_version(registered_name(place.model), source="s3://theirs/model")
    client.set_registered_model_alias(registered_name(place.model), "theirs", "1")
    place.train()
    good = place.train(model=f"{place.model}-good")
    done = place.mirror.catch_up()
    assert done.registered == 1
    assert "is not ours" in done.left[0].what
    assert place.registry.shown(good.model).keys() == {1}
    notices = place.mirror.changed([place.model, good.model])
    assert len(notices) == 1
    assert "is not ours" in notices[0]
    found = place.mirror.reconcile([place.model, good.model], repair=True)
    assert [one.model for one in found.left] == [place.model]
    held = client.get_registered_model(registered_name(place.model))
    assert {alias: int(number) for alias, number in held.aliases.items()} == {"theirs": 1}


@pytest.mark.parametrize("uri", ["file"], indirect=True)
def test_of_two_models_of_one_name_there_the_second_is_left(place: Place) -> None:
    place.train()
    assert place.mirror.catch_up().registered == 1
    other = place.train(model=place.model.replace("/", "."))
    done = place.mirror.catch_up()
    assert done.registered == 0
    assert [one.model for one in done.left] == [other.model]
    assert f"that is of {place.model!r}" in done.left[0].what
    assert len(place.registry._versions(registered_name(place.model))) == 1


@pytest.mark.parametrize("uri", ["file"], indirect=True)
def test_a_damaged_document_keeps_no_other_back_and_is_told(place: Place) -> None:
    bad = place.train()
    place.train()
    object_path(place.objects, bad.object_hash).write_bytes(b"{}")
    done = place.mirror.catch_up()
    assert done.registered == 1
    assert "was changed" in done.left[0].what
    found = place.mirror.reconcile([place.model], repair=True)
    assert "was changed" in found.left[0].what


def test_a_release_is_shown_at_once_or_by_a_reconciliation(place: Place) -> None:
    for _ in range(2):
        place.train(deployable=False)
    place.mirror.catch_up()
    with place.database.write() as conn:
        versions.release(conn, place.model, 1)
    place.mirror.changed([place.model])
    assert place.statuses() == {1: "released", 2: "quarantined"}
    with place.database.write() as conn:
        versions.release(conn, place.model, 2)
    found = place.mirror.reconcile([place.model], repair=True)
    assert [one.what for one in found.mended] == ["the status of version 2 differs"]
    assert place.statuses() == {1: "released", 2: "released"}


def test_versions_are_read_page_by_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        place.train()
    place.mirror.catch_up()
    monkeypatch.setattr(mlflow_registry, "_PAGE", 2)
    assert place.numbers().keys() == {1, 2, 3}


def test_a_registry_that_is_gone_is_told_and_nothing_is_noted(place: Place, tmp_path: Path) -> None:
    place.train()
    gone = MlflowRegistry("http://user:hidden@127.0.0.1:9", tmp_path)
    with pytest.raises(DependencyUnavailable) as told:
        Place(place.database, gone, place.objects).mirror.catch_up()
    assert "hidden" not in str(told.value.message)
    assert told.value.next_step == "pipewarden models reconcile"
    assert place.mirror.catch_up().registered == 1


def plots_of(place: Place) -> dict[int, list[str]]:
    """Return the charts that MLflow shows beside each version of ours."""
    client = place.registry._client
    with place.database.read() as conn:
        held = mirrored.of_model(conn, place.model)
    return {
        version: [found.path for found in client.list_artifacts(one.run_ref, "plots")]
        for version, one in held.items()
    }


def test_few_versions_are_drawn_at_once_and_of_many_each_when_it_is_asked_for(place: Place) -> None:
    drawing = replace(
        place.mirror, pictures=lambda version, _: {"roc": f"<svg>{version.version}</svg>"}
    )
    place.train()
    drawing.catch_up()
    assert plots_of(place) == {1: ["plots/roc.svg"]}
    for _ in range(6):
        place.train()
    drawing.catch_up()
    assert {version for version, plots in plots_of(place).items() if plots} == {1}
    with place.database.read() as conn:
        run_ref = mirrored.of_model(conn, place.model)[5].run_ref
    place.registry.add_plots(run_ref, {"roc": "<svg/>"})
    assert plots_of(place)[5] == ["plots/roc.svg"]


def test_a_version_that_cannot_be_drawn_is_there_and_keeps_no_other_back(place: Place) -> None:
    def draw(version: ModelVersion, _: object) -> dict[str, str]:
        if version.version == 1:
            raise StateError("its charts cannot be drawn")
        return {"roc": "<svg/>"}

    place.train()
    place.train()
    done = replace(place.mirror, pictures=draw).catch_up()
    assert [one.what for one in done.left] == ["version 1: its charts cannot be drawn"]
    assert place.numbers() == {1: 1, 2: 2}
    assert plots_of(place) == {1: [], 2: ["plots/roc.svg"]}


def test_mlflow_finds_the_signature_where_its_pages_look_for_it(place: Place) -> None:
    place.train()
    place.mirror.catch_up()
    with place.database.read() as conn:
        run_ref = mirrored.of_model(conn, place.model)[1].run_ref
    path = place.registry._client.download_artifacts(run_ref, "model/MLmodel")
    held = json.loads(Path(path).read_text(encoding="utf-8"))
    assert json.loads(held["signature"]["outputs"]) == [
        {"name": "y_hat", "type": "string", "required": True}
    ]
