"""A workplace with a model that serves, whose stream of predictions and clock are set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from pipewarden.core.canonical import digest
from pipewarden.core.models.challengers import (
    Challenger,
    ChallengerMode,
    ChallengerState,
    ComparisonPlan,
    beside,
)
from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState, Trained
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.jobs.monitoring.checking import Checked, check
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks.services import Answer
from pipewarden.settings import Settings
from pipewarden.store.files.objects import object_path
from pipewarden.store.state import outbox
from pipewarden.store.state.models import challengers, deployments, predictions, versions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.models.versions import Registration
from pipewarden.store.state.monitoring import label_reports, observations

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MONITORING = {"windows": ["1h"], "settle_seconds": 0, "drift": {"persist_k": 2, "persist_n": 3}}


def document(rng: np.random.Generator, rows: int = 2_000) -> dict[str, Any]:
    """Return a model document whose scores are calibrated: a label is 1 as often as they say."""
    income, age = rng.normal(50, 10, rows), rng.normal(40, 12, rows)
    scores = chance(income)
    return {
        "model": "credit/m",
        "metrics": {"auc": {"value": 0.8, "low": 0.78, "high": 0.82}, "ece": 0.01},
        "signature": {
            "inputs": [{"name": n, "type": "number"} for n in ("income", "age")],
            "outputs": [{"name": "probability"}, {"name": "prediction"}],
        },
        "baseline": {
            "columns": ["income", "age"],
            "rows": np.column_stack([income, age]).tolist(),
            "scores": scores.tolist(),
            "labels": (rng.random(rows) < scores).astype(int).tolist(),
        },
    }


def chance(income: Any) -> Any:
    """Return what the model says of incomes."""
    return 1 / (1 + np.exp((income - 50) / 6))


@dataclass
class Site:
    """A workspace whose clock is set by hand, with a model in production."""

    home: Path
    url: str
    monitoring: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    down: bool = False
    latency: float = 0.01

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(7)
        settings = Settings(
            home=self.home, database_url=self.url, monitoring={**MONITORING, **self.monitoring}
        )
        self.workspace = Workspace(settings, clock=lambda: self.now)
        self.database = self.workspace.database
        self._number = 0

    def set_monitoring(self, **fields: Any) -> None:
        """Change settings of monitoring."""
        held = self.workspace.settings
        changed = held.monitoring.model_copy(update=fields)
        self.workspace.settings = held.model_copy(update={"monitoring": changed})

    def deploy(self, held: dict[str, Any] | None = None, positive: str = "") -> None:
        """Register and deploy a model, whose table may say which label means yes."""
        told = {"artifact": {"description": {"positive": positive}}} if positive else {}
        data = orjson.dumps((held or document(self.rng)) | told)
        path = object_path(self.workspace.objects_dir, digest(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        trained = Trained(
            model="credit/m", family="credit", deployable=True, object_hash=digest(data),
            dataset="d", verdict="PASS", metrics={},
        )  # fmt: skip
        one = Registration(trained=trained, run_id="run-1", item_key="m", at=self.now)
        with self.database.write() as conn:
            version = versions.register(conn, [one])[0].version
            asked = Deployment(
                id=0, model="credit/m", environment="production", version=version,
                kind=DeploymentKind.DEPLOY, state=DeploymentState.AWAITING, actor="ada",
                reason="first", created_at=self.now,
            )  # fmt: skip
            waiting = deployments.request(conn, asked)
            deployments.begin(conn, waiting.id, at=self.now, ended=DeploymentState.SUPERSEDED)

    def hour(self, rows: int = 500, shift: float = 0.0, request: str = "") -> list[str]:
        """Let an hour of predictions pass; return their ids."""
        income = self.rng.normal(50 + shift, 10, rows)
        age = self.rng.normal(40, 12, rows)
        scores = chance(income)
        made = []
        for place in range(rows):
            self._number += 1
            made.append(
                Prediction(
                    id=f"p{self._number:07}",
                    at=self.now + timedelta(seconds=3599 * place / rows),
                    model="credit/m", version=1, environment="production", role="champion",
                    entity="", request_id=request,
                    inputs={"income": float(income[place]), "age": float(age[place])},
                    answer={
                        "probability": float(scores[place]),
                        "prediction": int(scores[place] >= 0.5),
                    },
                )
            )  # fmt: skip
        with self.database.write() as conn:
            predictions.append(conn, made)
        self.now += timedelta(hours=1)
        self.scores = dict(zip([one.id for one in made], scores.tolist(), strict=True))
        return [one.id for one in made]

    def shadow(self) -> Challenger:
        """Let another version be asked beside the one that serves."""
        held = Challenger(
            id=0, model="credit/m", environment="production", version=1, champion=1,
            mode=ChallengerMode.SHADOW, share=1.0, plan=ComparisonPlan(),
            state=ChallengerState.RUNNING, actor="ada", reason="try", started_at=self.now,
        )  # fmt: skip
        with self.database.write() as conn:
            return challengers.start(conn, held)

    def answer_beside(self, shadow: Challenger, ids: list[str], alike: int) -> None:
        """Log what a shadow said: the first so many as the champion did, the rest otherwise."""
        made = []
        with self.database.write() as conn:
            for place, name in enumerate(ids):
                one = predictions.get(conn, name)
                said = one.answer["prediction"]
                answer = {**one.answer, "prediction": said if place < alike else 1 - said}
                again = {"id": beside(name, shadow.id), "role": "challenger", "answer": answer}
                made.append(replace(one, **again))
            predictions.append(conn, made)

    def label(self, *, honest: bool = True, words: tuple[Any, Any] = (0, 1)) -> None:
        """Report what became true of the last hour's predictions, some minutes ago."""
        truth = {
            name: words[int(self.rng.random() < (score if honest else 1 - score))]
            for name, score in self.scores.items()
        }
        at = self.now - timedelta(minutes=1)
        reports = [LabelReport(prediction_id=n, value=v, at=at) for n, v in truth.items()]
        with self.database.write() as conn:
            label_reports.report(conn, reports, at=at, source="bank")

    def check(self, **also: Any) -> Checked | None:
        return check(self.workspace, ask=self.ask, **also)

    def ask(self, url: str, seconds: float) -> Answer:
        said = "connection refused" if self.down else ""
        return Answer(well=not self.down, seconds=self.latency, said=said)

    def history(self, metric: str, feature: str = "", subject: str = "credit/m") -> list[Any]:
        with self.database.read() as conn:
            return observations.history(conn, subject, metric, feature=feature)

    def drift_events(self) -> list[Any]:
        with self.database.read() as conn:
            told = [event for _, event in outbox.page(conn, limit=10_000)]
        return [event for event in told if event.type.endswith("drift.detected")]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        address: str = request.getfixturevalue("postgres_url")
        return address
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def site(tmp_path: Path, url: str) -> Iterator[Site]:
    """Return a site without a model yet."""
    made = Site(tmp_path, url)
    yield made
    made.database.close()
