"""A small family of each kind, its versions registered and deployed in a database."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from pipewarden.core.canonical import digest
from pipewarden.core.models.deployments import (
    Deployment,
    DeploymentKind,
    DeploymentState,
    Trained,
)
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.files import durable
from pipewarden.store.files.objects import object_path
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.models.versions import Registration

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

FAMILIES = '''
"""Two families: one adds features up, one repeats the last number of a series."""

import math

import pipewarden as pw


class Sum:
    def __init__(self, bias):
        self.bias = bias

    def predict(self, rows):
        for row in rows:
            if row.get("age") == 13:
                raise pw.BadInput("unlucky", "thirteen is not answered")
            if row.get("age") == 99:
                raise ValueError("a fault of the model")
        return [self._one(row) for row in rows]

    def _one(self, row):
        if row.get("age") == 98:
            return {"score": math.nan}
        return {"score": self.bias + row["age"] + (row["income"] or 0.0)}


class Sums:
    def open(self, document):
        if document["artifact"].get("broken"):
            raise pw.BadInput("broken", "the artifact does not read")
        return Sum(document["artifact"]["bias"])

    def smoke(self, document, model):
        return {"rows": 0, "problems": []}

    def compare(self, challenger, champion):
        return {}

    def promotion_gate(self, preset):
        return pw.Gate()


class Last:
    def __init__(self, value):
        self.value = value

    def forecast(self, horizon, level):
        return [
            {"step": n, "ds": n, "y_hat": self.value, f"lo_{level:g}": 0.0, f"hi_{level:g}": 9.0}
            for n in range(1, horizon + 1)
        ]


class Lasts(Sums):
    def open(self, document):
        return Last(document["artifact"]["last"])


def train_sum(path):
    words = path.read_text().split()
    return {
        "model": "risk",
        "dataset": {"fingerprint": f"numbers:{words}"},
        "metrics": {"auc": {"value": 0.5 + len(words) / 100}},
        "signature": {
            "inputs": [
                {"name": "age", "type": "integer", "required": True, "minimum": 18, "maximum": 100},
                {"name": "income", "type": "number", "required": False},
            ],
            "outputs": [{"name": "score"}],
        },
        "artifact": {"bias": float(words[0]), "broken": "broken" in words},
    }


def train_last(path):
    numbers = [float(word) for word in path.read_text().split()]
    return {
        "model": f"repeat/{path.stem}",
        "dataset": {"fingerprint": f"numbers:{numbers}"},
        "metrics": {"mase": 1.0},
        "artifact": {"last": numbers[-1]},
    }


sums = pw.Pipeline(name="sums", process=train_sum, pattern="*.txt", family=Sums())
repeat = pw.Pipeline(name="repeat", process=train_last, pattern="*.series", family=Lasts())
'''


class Site:
    """A home folder with the families; registers versions and deploys them in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = NOW
        self.workspace = Workspace(settings(home), lambda: self.now)

    def train(self, text: str, name: str = "risk.txt") -> None:
        """Register the next version of a model, as a run does that trained it on a file."""
        pipeline = "sums" if name.endswith(".txt") else "repeat"
        path = self.home / name
        path.write_text(text)
        found = load_pipeline(f"families:{pipeline}", self.workspace.settings)
        document = found.process(path)
        data = orjson.dumps(document)
        durable.write_file(object_path(self.workspace.objects_dir, digest(data)), data)
        trained = Trained(
            model=document["model"],
            family=pipeline,
            deployable=True,
            object_hash=digest(data),
            dataset=document["dataset"]["fingerprint"],
            verdict="PASS",
            metrics={"quality": 0.5},
        )
        with self.workspace.database.write() as conn:
            one = Registration(trained=trained, run_id="run", item_key=name, at=self.now)
            versions.register(conn, [one])

    def deploy(self, model: str, version: int, environment: str = "production") -> int:
        """Let a version answer from now on; return the deployment's number."""
        with self.workspace.database.write() as conn:
            made = deployments.request(
                conn,
                Deployment(
                    id=0,
                    model=model,
                    environment=environment,
                    version=version,
                    kind=DeploymentKind.DEPLOY,
                    state=DeploymentState.AWAITING,
                    actor="ada",
                    reason="better",
                    created_at=self.now,
                ),
            )
            deployments.begin(conn, made.id, at=self.now, ended=DeploymentState.SUPERSEDED)
        return made.id


def settings(home: Path) -> Settings:
    pipelines = ("families:sums", "families:repeat")
    off = {"tracking_uri": "off"}
    return Settings(home=home, researcher="ada", models=off, service={"pipelines": pipelines})


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state database that is up to date and empty, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "state.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def site(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "families.py").write_text(FAMILIES, encoding="utf-8")
    (tmp_path / ".pipewarden").mkdir()
    shutil.copy(empty_database, tmp_path / ".pipewarden" / "state.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "families", raising=False)
    place = Site(tmp_path)
    yield place
    place.workspace.database.close()
