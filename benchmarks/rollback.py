"""Go back with a thousand models at once: until the truth is changed, and until all are tried out.

Each model has two versions that were deployed one after the other; its trial answers 200 rows. One
model alone goes back in the same house. On PostgreSQL as well, where PIPEWARDEN_BENCH_POSTGRES_URL
names one whose tables may be used.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from measuring import Claim, Result, main, ms, scratch
from sqlalchemy import update

from pipewarden.core.canonical import digest
from pipewarden.core.gate import Gate
from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState, Trained
from pipewarden.models import rolling_back
from pipewarden.models.context import ModelContext
from pipewarden.settings import ModelSettings
from pipewarden.store.files.objects import object_path
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import deployments, versions
from pipewarden.store.state.models.schema import deployments as table
from pipewarden.store.state.models.versions import Registration

MODELS, ROWS = 1_000, 200
CHANGED, VERIFIED, ONE = 1.0, 30.0, 1.0
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Lines:
    """Models that are a slope and an offset."""

    def open(self, document: Mapping[str, Any]) -> Any:
        return document["artifact"]

    def smoke(self, document: Mapping[str, Any], model: Any) -> Mapping[str, Any]:
        rows = document["baseline"]["rows"]
        answers = [model["slope"] * row["x"] + model["offset"] for row in rows]
        wrong = sum(abs(a - row["y"]) > 1e-9 for a, row in zip(answers, rows, strict=True))
        return {"rows": len(rows), "mismatch": wrong, "problems": []}

    def compare(
        self, challenger: Mapping[str, Any], champion: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        return {"first": champion is None, "model": challenger["model"]}

    def promotion_gate(self, preset: str) -> Gate:  # noqa: ARG002 - it is the family's
        return Gate()


def measure(quick: bool) -> Result:
    """Return the figures."""
    models = 100 if quick else MODELS
    result = Result(
        f"Roll back {models:,} models",
        ("state", "models", "truth changed", "all tried out", "one model, tried out"),
    )
    for state, url in _states():
        with scratch() as folder:
            context = _house(folder, url, models)
            singles = [_one(context, number) for number in range(5)]
            done = rolling_back.rollback(context, None, "production", reason="measured")
            context.database.close()
        assert len(done.moves) == models - len(singles)
        assert all(move.verified for move in done.moves)
        one = statistics.median(singles)
        changed, verified = done.changed_seconds, done.verified_seconds
        result.rows.append((state, f"{models:,}", ms(changed), f"{verified:.2f} s", ms(one)))
        result.claims += [
            Claim(f"{state}: the truth of {models:,} changed in {CHANGED} s",
                  ms(changed), changed <= CHANGED),
            Claim(f"{state}: all tried out in {VERIFIED} s",
                  f"{verified:.2f} s", verified <= VERIFIED),
            Claim(f"{state}: one model in {ONE} s", ms(one), one <= ONE),
        ]  # fmt: skip
    return result.without_verdicts() if quick else result


def _states() -> Iterator[tuple[str, str]]:
    yield "SQLite", ""
    if url := os.environ.get("PIPEWARDEN_BENCH_POSTGRES_URL"):
        yield "PostgreSQL", url


def _one(context: ModelContext, number: int) -> float:
    done = rolling_back.rollback(context, [_name(number)], "production", reason="measured")
    return done.verified_seconds


def _name(number: int) -> str:
    return f"sales/{number:013d}"


def _house(folder: Path, url: str, models: int) -> ModelContext:
    """Make a house where every model's second version serves."""
    family = Lines()
    context = ModelContext(
        database=Database.open(url or f"sqlite:///{folder / 'state.db'}"),
        objects=folder / "objects",
        backups=folder / "backups",
        gates=folder,
        settings=ModelSettings(),
        families=lambda _: family,
        actor="bench",
        clock=lambda: AT,
    )
    for version in (1, 2):
        registrations = [_trained(context, number, version) for number in range(models)]
        with context.database.write() as conn:
            versions.register(conn, registrations)
            _begin(conn, models, version)
    return context


def _trained(context: ModelContext, number: int, version: int) -> Registration:
    slope, offset = float(version), float(number)
    rows = [{"x": float(x), "y": slope * x + offset} for x in range(ROWS)]
    document = {
        "model": _name(number),
        "artifact": {"slope": slope, "offset": offset},
        "baseline": {"rows": rows},
    }
    data = orjson.dumps(document)
    path = object_path(context.objects, digest(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    trained = Trained(
        model=_name(number),
        family="sales",
        deployable=True,
        object_hash=digest(data),
        dataset=f"data:{version}",
        verdict="PASS",
    )
    return Registration(trained=trained, run_id="run", item_key=_name(number), at=AT)


def _begin(conn: Any, models: int, version: int) -> None:
    """Let a version of every model serve and be found good, then be superseded by the next."""
    serving = {one.model: one for one in deployments.all_serving(conn, "production")}
    begun = deployments.take_over(conn, _wanted(serving, models, version), at=AT, reason="next")
    if serving:
        ended = [one.id for one in serving.values()]
        change = update(table).where(table.c.id.in_(ended))
        conn.execute(change.values(state=DeploymentState.SUPERSEDED))
    deployments.verify(conn, {one.id: {} for one in begun}, at=AT)


def _wanted(serving: Mapping[str, Deployment], models: int, version: int) -> Sequence[Deployment]:
    one = Deployment(
        id=0,
        model="",
        environment="production",
        version=version,
        kind=DeploymentKind.DEPLOY,
        state=DeploymentState.AWAITING,
        actor="bench",
        reason="",
        created_at=AT,
    )
    return [
        replace(one, model=name, replaced=serving[name].id if name in serving else None)
        for name in map(_name, range(models))
    ]


if __name__ == "__main__":
    raise SystemExit(main(measure))
