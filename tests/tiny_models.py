"""The smallest models with a whole life: means of a few numbers, and a house in which they live."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

import pipewarden as pw
from pipewarden.core.canonical import digest
from pipewarden.core.models.deployments import ModelVersion, Trained
from pipewarden.models.context import ModelContext
from pipewarden.settings import ModelSettings
from pipewarden.store.files.objects import object_path
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.models.versions import Registration
from pipewarden.store.state.verify import verify_ledger

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
#: A model of this number answers, and its answers are wrong.
EVIL = 666.0
#: A model of this number does not open.
BROKEN = 999.0


@dataclass
class Mean:
    """A model in memory."""

    value: float

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [{"y": self.value} for _ in rows]


class Means:
    """The family: it improves where the numbers lie closer together."""

    def open(self, document: Mapping[str, Any]) -> Mean:
        if document["artifact"]["value"] == BROKEN:
            raise ZeroDivisionError("it does not open")
        return Mean(document["artifact"]["value"])

    def smoke(self, document: Mapping[str, Any], model: Mean) -> Mapping[str, Any]:
        rows = document["baseline"]["rows"]
        answers = model.predict(rows)
        return {
            "rows": len(answers),
            "problems": ["its answers are evil"] if model.value == EVIL else [],
            "worst": float("nan"),
        }

    def compare(
        self, challenger: Mapping[str, Any], champion: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        if challenger["artifact"]["value"] < 0:
            raise ArithmeticError("it cannot be compared")
        was = 1e9 if champion is None else champion["metrics"]["error"]
        return {"improvement": was - challenger["metrics"]["error"]}

    def promotion_gate(self, preset: str) -> pw.Gate:
        target = {"conservative": 1.0, "default": 0.0, "aggressive": -1e9}[preset]
        return pw.Gate([pw.check(improvement, target=target, operator=">=", blocking=True)])


def improvement(evidence: Mapping[str, Any]) -> Any:
    return evidence["improvement"]


def document(model: str, numbers: Sequence[float]) -> dict[str, Any]:
    """Return a model document."""
    value = sum(numbers) / len(numbers)
    return {
        "model": model,
        "dataset": {"fingerprint": f"numbers:{sorted(numbers)}", "rows": len(numbers)},
        "metrics": {"error": sum(abs(n - value) for n in numbers) / len(numbers)},
        "artifact": {"format": "mean", "value": value},
        "baseline": {"rows": [{"x": n} for n in numbers]},
    }


@dataclass
class House:
    """A workplace of models: a database, an object store, and a clock that is set by hand.

    ``template`` is an empty SQLite database to begin from, which is quicker than to make one.
    """

    home: Path
    url: str = ""
    policies: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = START
    template: Path | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if self.template is not None:
            shutil.copyfile(self.template, self.home / "state.db")
        self.database = Database.open(self.url or f"sqlite:///{self.home / 'state.db'}")
        self.family = Means()
        self.context = ModelContext(
            database=self.database,
            objects=self.home / "objects",
            backups=self.home / "backups",
            gates=self.home / "gates",
            settings=ModelSettings(environments=self.policies),
            families=lambda _: self.family,
            actor="ada",
            clock=lambda: self.now,
        )

    def change(self, **fields: Any) -> None:
        """Change what the context says."""
        self.context = replace(self.context, **fields)

    def later(self, days: float) -> None:
        """Let time pass."""
        self.now += timedelta(days=days)

    def train(self, model: str, *numbers: float, deployable: bool = True) -> ModelVersion:
        """Register a version, as a run would."""
        data = orjson.dumps(document(model, numbers))
        path = object_path(self.context.objects, digest(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (self.now.timestamp(),) * 2)
        trained = Trained(
            model=model,
            family="means",
            deployable=deployable,
            object_hash=digest(data),
            dataset=f"numbers:{sorted(numbers)}",
            verdict="PASS" if deployable else "FAIL",
            reason="" if deployable else "too_few",
            metrics={"error": 1.0},
        )
        one = Registration(trained=trained, run_id="run-1", item_key=model, at=self.now)
        with self.database.write() as conn:
            return versions.register(conn, [one])[0]

    def serving(self, model: str = "a", environment: str = "production") -> int | None:
        """Return the version that serves; that there is one at most is looked at, too."""
        with self.database.read() as conn:
            held = [
                one
                for one in deployments.history(conn, model=model, environment=environment)
                if one.state.serving
            ]
        assert len(held) <= 1
        return held[0].version if held else None

    def states(self, model: str = "a", environment: str = "production") -> list[tuple[int, str]]:
        """Return version and state of every deployment, in their order."""
        with self.database.read() as conn:
            found = deployments.history(conn, model=model, environment=environment)
        return [(one.version, str(one.state)) for one in reversed(found)]

    def acts(self) -> list[tuple[str, str]]:
        """Return action and subject of every act in the ledger."""
        with self.database.read() as conn:
            return [(entry.action, entry.subject) for entry in ledger.entries(conn)]

    def events(self) -> list[tuple[str, str]]:
        """Return the last word of the type, and the subject, of every event."""
        with self.database.read() as conn:
            return [
                (event.type.rpartition(".")[2], event.subject)
                for _, event in outbox.page(conn, limit=10_000)
            ]

    def sound(self) -> bool:
        """Whether the ledger verifies."""
        with self.database.read() as conn:
            return not verify_ledger(conn, []).faults

    def close(self) -> None:
        self.database.close()
