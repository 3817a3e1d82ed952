"""Registering versions at MLflow (a file of SQLite): many small models, and many versions of one.

The models are those of drawn series, trained without ARIMA, which changes no size. The mirror does
what it does after a run: it reads each document, writes the run, its files and the version, and
notes that it is there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from measuring import Claim, Result, main, scratch
from sales_training import drawn_records

from pipewarden.core.canonical import digest
from pipewarden.core.models.deployments import Trained
from pipewarden.models.registry.mirror import Mirror
from pipewarden.models.registry.mlflow_registry import MlflowRegistry
from pipewarden.pipelines.sales.settings import sales_settings
from pipewarden.pipelines.sales.training import train
from pipewarden.store.files.objects import object_path
from pipewarden.store.state.database import Database
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.versions import Registration

VERSIONS, A_SECOND, FITTED = 200, 10.0, 5
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def measure(quick: bool) -> Result:
    """Return the figures."""
    number = 30 if quick else VERSIONS
    held = sales_settings({"arima.enabled": False})
    documents = [train(record, held) for record in drawn_records(FITTED)]
    size = len(orjson.dumps(documents[0]))
    result = Result(f"Register {number} versions", ("what", "versions a second", "CPU a version"))
    names: dict[str, Callable[[int], str]] = {
        "a model each": lambda at: f"sales/{at:013d}",
        "versions of one model": lambda _: "sales/9780306406157",
    }
    for what, name in names.items():
        with scratch() as folder:
            seconds, cpu = _registered(
                folder, [(name(at), documents[at % FITTED]) for at in range(number)]
            )
        rate = number / seconds
        result.rows.append((what, f"{rate:.1f}", f"{cpu / number * 1e3:.0f} ms"))
        asked = f"{what}: ≥ {A_SECOND:g} versions a second"
        result.claims.append(Claim(asked, f"{rate:.1f}", rate >= A_SECOND))
    result.notes.append(f"a document has {size:,} bytes; the tables of MLflow were there already")
    return result.without_verdicts() if quick else result


def _registered(folder: Path, wanted: list[tuple[str, dict[str, Any]]]) -> tuple[float, float]:
    """Return the seconds, and those of the processor, that a mirror takes to catch up."""
    database = Database.open(f"sqlite:///{folder / 'state.db'}")
    registry = MlflowRegistry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")
    mirror = Mirror(
        database=database,
        registry=registry,
        objects=folder / "objects",
        environments=("production",),
        champion="production",
        clock=lambda: AT,
    )
    with database.write() as conn:
        first, *rest = [
            _trained(folder, at, model, document) for at, (model, document) in enumerate(wanted)
        ]
        versions.register(conn, [first])
    mirror.catch_up()  # makes what a registry has one of
    with database.write() as conn:
        versions.register(conn, rest)
    began, cpu = time.perf_counter(), time.process_time()
    done = mirror.catch_up()
    assert done.registered == len(rest), done.in_words()
    taken = time.perf_counter() - began, time.process_time() - cpu
    database.close()
    return taken


def _trained(folder: Path, at: int, model: str, document: dict[str, Any]) -> Registration:
    data = orjson.dumps({**document, "model": model, "number": at})
    path = object_path(folder / "objects", digest(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    trained = Trained(
        model=model,
        family="sales",
        deployable=True,
        object_hash=digest(data),
        dataset=document["dataset"]["fingerprint"],
        verdict="PASS",
        metrics={"mase": 0.8},
    )
    return Registration(trained=trained, run_id="bench", item_key=model, at=AT)


if __name__ == "__main__":
    sys.exit(main(measure))
