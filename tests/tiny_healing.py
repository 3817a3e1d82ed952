"""The smallest model that can be healed: a mean, in a workspace with a clock set by hand.

It is trained by a real job and deployed by the real gate; only its arithmetic is a toy's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

import pipewarden as pw
from pipewarden.core.healing.states import Healing
from pipewarden.core.models.challengers import CHAMPION
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.healing.context import HealingContext, healing_context
from pipewarden.jobs.models.context import model_context
from pipewarden.jobs.monitoring.labels.taking import take_labels
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import Silent, start
from pipewarden.jobs.workspace import Workspace
from pipewarden.models import deploying
from pipewarden.settings import Settings
from pipewarden.store.state import ledger
from pipewarden.store.state.healing import healings
from pipewarden.store.state.models import deployments, predictions, versions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.verify import verify_ledger

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MODEL, PLACE = "mean", "production"
#: What became true before the world changed.
HEALTHY = 0.5
#: A table with this number in it makes a model that its gate refuses, or one that does not train.
UGLY, DEADLY = 13.0, 666.0


@dataclass
class Mean:
    """A model in memory."""

    value: float

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [{"y": self.value} for _ in rows]


class LearningMeans:
    """The family: what is nearer to the labels is better."""

    def open(self, document: Mapping[str, Any]) -> Mean:
        return Mean(document["artifact"]["value"])

    def smoke(self, document: Mapping[str, Any], model: Mean) -> Mapping[str, Any]:
        return {"rows": len(model.predict([{"x": 1}])), "problems": []}

    def compare(
        self, challenger: Mapping[str, Any], champion: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        return {"size": challenger["dataset"]["rows"]}

    def promotion_gate(self, preset: str) -> pw.Gate:
        return pw.Gate([pw.check(size, target=2, operator=">=", blocking=True)])

    def training_table(
        self,
        champion: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        older: Path | None,
        *,
        least: int,
        everything: bool,
    ) -> Mapping[str, Any]:
        text = "\n".join(str(row["label"]) for row in rows)
        return {
            "name": "numbers.txt", "data": text.encode(), "rows": len(rows), "added": 0,
            "rare": None,
        }  # fmt: skip

    def contest(
        self,
        challenger: Mapping[str, Any],
        champion: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        *,
        level: float,
    ) -> Mapping[str, Any]:
        ours, theirs = (
            sum(abs(row["label"] - one["artifact"]["value"]) for row in rows) / len(rows)
            for one in (challenger, champion)
        )
        return {
            "metric": "error", "higher_is_better": False, "rows": len(rows),
            "challenger": ours, "champion": theirs, "challenger_best": ours,
            "gain": theirs - ours, "gain_low": theirs - ours, "gain_high": theirs - ours,
            "words": f"error {ours:.2f} against {theirs:.2f}",
        }  # fmt: skip


def size(evidence: Mapping[str, Any]) -> int:
    return int(evidence["size"])


def pretty(document: Mapping[str, Any]) -> bool:
    return document["artifact"]["value"] != UGLY


def train(path: Path) -> dict[str, Any]:
    numbers = [float(line) for line in path.read_text(encoding="utf-8").split()]
    if DEADLY in numbers:
        raise ZeroDivisionError("nobody divides by this")
    value = sum(numbers) / len(numbers)
    return {
        "model": MODEL,
        "dataset": {"fingerprint": f"numbers:{sorted(numbers)}", "rows": len(numbers)},
        "metrics": {"error": sum(abs(n - value) for n in numbers) / len(numbers)},
        "artifact": {"format": "mean", "value": value},
        "baseline": {},
    }


means = pw.Pipeline(
    name="means",
    pattern="*.txt",
    process=train,
    gate=pw.Gate([pw.check(pretty, blocking=True)]),
    family=LearningMeans(),
)

POLICY: Mapping[str, Any] = {
    "cooldown_hours": 1,
    "training": {"min_rows": 4, "max_rows": 100, "holdout": 0.5},
    "evaluation": {"min_rows": 4},
    "verification": {"hours": 2, "min_rows": 4, "tolerance": 0.5},
}


@dataclass
class Clinic:
    """A workspace with a model that serves; ``hours`` have passed since `START`."""

    home: Path
    url: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)
    hours: float = 0.0
    environment: Mapping[str, Any] = field(default_factory=lambda: {"cooldown_days": 0})
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        config = self.home / "config"
        if not config.is_dir():
            config.mkdir()
            whole = {"version": 1, "defaults": {**POLICY, **self.policy}}
            (config / "healing.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        settings = Settings.model_validate(
            {
                "home": self.home,
                "database_url": self.url,
                "researcher": "ada",
                "executor": "inline",
                "models": {"tracking_uri": "off", "environments": {PLACE: self.environment}},
                **self.settings,
            }
        )
        self.workspace = Workspace(settings, lambda: START + timedelta(hours=self.hours))

    @property
    def now(self) -> datetime:
        return self.workspace.clock()

    def healer(self) -> HealingContext:
        """Return a healer, as a process that begins anew has it."""
        return healing_context(self.workspace)

    def train(self, *numbers: float) -> int:
        """Train a version by a job of its own; return its number."""
        folder = self.home / "tables" / f"{len(self.versions())}"
        folder.mkdir(parents=True)
        (folder / "n.txt").write_text("\n".join(map(str, numbers)), encoding="utf-8")
        options = RunOptions(
            pipeline="tiny_healing:means", source=str(folder), executor="inline",
            output_dir=str(folder / "out"),
        )  # fmt: skip
        start(means, options, self.workspace, Silent())
        return max(self.versions())

    def deploy(self, version: int) -> None:
        done = deploying.deploy(
            model_context(self.workspace), MODEL, PLACE, str(version), reason="ours"
        )
        assert not done.outcome.bad, done

    def ask(self, number: int, truth: float) -> None:
        """Let so many be asked of what serves, an hour's worth, and tell what became true."""
        serving = self.serving()
        rows = [
            Prediction(
                id=f"{self.hours:09.3f}-{n:05}", at=self.now + timedelta(seconds=n), model=MODEL,
                version=serving, environment=PLACE, role=CHAMPION, entity="", inputs={"x": n},
                answer={"y": 0.0}, request_id="",
            )
            for n in range(number)
        ]  # fmt: skip
        with self.workspace.database.write() as conn:
            predictions.append(conn, rows)
        self.hours += 1
        reports = [LabelReport(prediction_id=row.id, value=truth, at=row.at) for row in rows]
        take_labels(self.workspace, reports, source="test")

    def observe(
        self,
        metric: str = "performance.auc",
        *,
        good: bool = False,
        window: str = "1h",
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a figure of what serves down, as a check would."""
        status = ObservationStatus.OK if good else ObservationStatus.BREACH
        one = Observation(
            check_id=f"check-{self.hours}", at=self.now, kind=SubjectKind.MODEL, subject=MODEL,
            environment=PLACE, version=self.serving(), metric=metric, status=status,
            value=0.9 if good else 0.5, threshold=0.8, window=window,
            evidence=evidence or {},
        )  # fmt: skip
        with self.workspace.database.write() as conn:
            observations.append(conn, [one])

    def fall_ill(self, truth: float = 10.0, rows: int = 20) -> None:
        """Let the world change, and a check notice it."""
        self.ask(rows, truth)
        self.observe()

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    def serving(self) -> int:
        with self.workspace.database.read() as conn:
            held = [
                one
                for one in deployments.history(conn, model=MODEL, environment=PLACE)
                if one.state.serving
            ]
        assert len(held) == 1
        return held[0].version

    def versions(self) -> dict[int, str]:
        """Return number → status."""
        with self.workspace.database.read() as conn:
            return {one.version: str(one.status) for one in versions.listed(conn, model=MODEL)}

    def healings(self) -> list[Healing]:
        with self.workspace.database.read() as conn:
            return healings.history(conn, model=MODEL)

    def acts(self, about: str = "healing.") -> list[str]:
        """Return the actions in the ledger that begin so, without that beginning."""
        with self.workspace.database.read() as conn:
            found = [one.action for one in ledger.entries(conn)]
        return [action.removeprefix(about) for action in found if action.startswith(about)]

    def sound(self) -> bool:
        with self.workspace.database.read() as conn:
            return not verify_ledger(conn, []).faults

    def close(self) -> None:
        self.workspace.database.close()


def clinic(home: Path, url: str = "", **also: Any) -> Clinic:
    """Return a clinic whose first version, which says `HEALTHY`, serves."""
    made = Clinic(home, url, **also)
    made.deploy(made.train(HEALTHY, HEALTHY))
    return made
