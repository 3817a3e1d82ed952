"""A model behind HTTP: one client, 16 clients, 10,000 rows, and 50 deployments under load.

The model is the credit pipeline's own, trained on real rows. Beside it, in the same run and asked
by the same clients: a FastAPI application that does nothing, and ``mlflow models serve`` with the
same trees, which it gets as numbers. Each has one worker. Every answer of ours is logged in the
database.
"""

from __future__ import annotations

import asyncio
import gzip
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from api_load import Client
from measuring import Claim, Result, main, ms, scratch

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or "data")
CLIENTS, ROWS, CHANGES = 16, 10_000, 50
PATIENCE = 120.0
SETTINGS = """
models: {tracking_uri: "off"}
service: {pipelines: [credit], rate_per_minute: 100000000}
"""
NOTHING = """
from fastapi import FastAPI
app = FastAPI()

@app.post("/predict")
async def predict() -> dict:
    return {}
"""

Body = Callable[[], bytes]


def measure(quick: bool) -> Result:
    """Return the figures."""
    trained, asked = (5_000, 500) if quick else (40_000, 4_000)
    result = Result(
        f"a model behind HTTP, {asked:,} requests", ("what", "requests/s", "p50", "p99")
    )
    with scratch() as folder:
        rows = _prepared(folder, trained)
        single = json.dumps({"model": "credit", "features": rows[0]}).encode()
        speeds = {}
        with _service(folder) as port:
            _, alone = _row(result, "pipewarden, 1 client", port, "/predict", single, 1, asked // 2)
            speeds["pipewarden"], _ = _row(
                result, f"pipewarden, {CLIENTS} clients", port, "/predict", single, CLIENTS, asked
            )
            _batches(result, port, rows)
            _changes(result, folder, port, single)
        with _nothing(folder) as port:
            speeds["nothing"], _ = _row(
                result, f"FastAPI no-op, {CLIENTS} clients", port, "/predict", b"{}", CLIENTS, asked
            )
        if importlib.util.find_spec("mlflow") and importlib.util.find_spec("flask"):
            with _mlflow(folder) as port:
                body = json.dumps({"dataframe_records": [_derived(folder)]}).encode()
                speeds["mlflow"], _ = _row(
                    result, f"mlflow models serve, {CLIENTS} clients", port, "/invocations", body,
                    CLIENTS, max(100, asked // 10),
                )  # fmt: skip
    _claims(result, alone, speeds)
    return result.without_verdicts() if quick else result


def _claims(result: Result, alone: Sequence[float], speeds: dict[str, float]) -> None:
    p99 = _at(alone, 99)
    share = speeds["pipewarden"] / speeds["nothing"]
    result.notes.append(f"{share:.0%} of what an application that does nothing answers")
    claims = [Claim("one client, logged: p99 ≤ 5 ms", ms(p99), p99 <= 0.005)]
    if "mlflow" in speeds:
        times = speeds["pipewarden"] / speeds["mlflow"]
        claims.append(Claim("≥ 10 times mlflow models serve", f"{times:.1f} times", times >= 10))
    else:
        result.notes.append("mlflow models serve was not measured: it is not installed")
    result.claims[:0] = claims


# ── what is served ───────────────────────────────────────────────────────────────────────────────


def _prepared(folder: Path, number: int) -> list[dict[str, Any]]:
    """Train two versions and deploy the first; return rows to ask with."""
    from pipewarden.jobs.serving.tables import rows_of
    from pipewarden.models.serving.signature import Input, Signature

    (folder / "pipewarden.yaml").write_text(SETTINGS, encoding="utf-8")
    source = next((DATA / "credit").glob("*.csv.gz"))
    for count in (number, number - 1):
        with gzip.open(source, "rt") as file, (folder / "credit.csv").open("w") as out:
            out.writelines(islice(file, count + 1))
        subprocess.run(
            [sys.executable, "-m", "pipewarden", "run", "credit", "credit.csv", "--executor",
             "inline", "--no-validate"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    documents = sorted((folder / "data/models/objects").rglob("*.json"), key=os.path.getmtime)
    document = json.loads(documents[0].read_text())
    assert len(documents) == 2
    (folder / "model.txt").write_text(document["artifact"]["booster"])
    inputs = [Input(name=one["name"], type=one["type"]) for one in document["signature"]["inputs"]]
    names = [one.name for one in inputs]
    with gzip.open(source, "rt") as file, (folder / "rows.csv").open("w") as out:
        out.writelines(islice(file, ROWS + 1))
    _deploy(folder, 1)
    found = rows_of(folder / "rows.csv", Signature(inputs))
    return [{name: row.values[name] for name in names} for row in found]


def _derived(folder: Path) -> dict[str, float]:
    """Return a row of numbers as the trees take them: MLflow does not derive them from features."""
    last = re.search(r"max_feature_idx=(\d+)", (folder / "model.txt").read_text())
    assert last is not None
    return {f"f{number}": 1.0 for number in range(int(last[1]) + 1)}


def _deploy(folder: Path, version: int) -> None:
    """Let a version serve, past its gates: these two differ in one row."""
    from datetime import UTC, datetime

    from pipewarden.core.models.deployments import Deployment, DeploymentKind, DeploymentState
    from pipewarden.store.state.database import Database
    from pipewarden.store.state.models import deployments

    database = Database.open(f"sqlite:///{folder / '.pipewarden/state.db'}")
    now = datetime.now(UTC)
    wish = Deployment(
        id=0, model="credit", environment="production", version=version,
        kind=DeploymentKind.DEPLOY, state=DeploymentState.AWAITING, actor="benchmark",
        reason="", created_at=now,
    )  # fmt: skip
    with database.write() as conn:
        made = deployments.request(conn, wish)
        deployments.begin(conn, made.id, at=now, ended=DeploymentState.SUPERSEDED)
    database.close()


@contextmanager
def _service(folder: Path) -> Iterator[int]:
    words = ["pipewarden", "serve", "--port", "0", "--workers", "1", "--jobs", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = re.search(r":(\d+)", process.stdout.readline().partition("//")[2])
    assert said is not None
    with _ended(process, int(said[1]), "GET", "/ready"):
        yield int(said[1])


@contextmanager
def _nothing(folder: Path) -> Iterator[int]:
    (folder / "nothing.py").write_text(NOTHING, encoding="utf-8")
    port = _free()
    words = ["uvicorn", "nothing:app", "--port", str(port), "--no-access-log"]
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, stderr=subprocess.PIPE)
    with _ended(process, port, "POST", "/predict"):
        yield port


@contextmanager
def _mlflow(folder: Path) -> Iterator[int]:
    log = (
        "import lightgbm, mlflow.lightgbm\n"
        "booster = lightgbm.Booster(model_file='model.txt')\n"
        "mlflow.lightgbm.save_model(booster, 'mlflow_model', pip_requirements=[])\n"
    )
    subprocess.run([sys.executable, "-c", log], cwd=folder, check=True, capture_output=True)
    port = _free()
    words = ["mlflow", "models", "serve", "-m", "mlflow_model", "-p", str(port),
             "--env-manager", "local", "--workers", "1"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=folder, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, start_new_session=True,
        env={
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )  # fmt: skip
    try:
        with _ended(process, port, "GET", "/ping"):
            yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # it leaves its server behind


@contextmanager
def _ended(process: subprocess.Popen[Any], port: int, method: str, path: str) -> Iterator[None]:
    """Wait until a process answers; end it at the end."""
    try:
        deadline = time.monotonic() + PATIENCE
        while asyncio.run(_status(port, method, path)) != 200:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"{process.args!r} does not answer")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.communicate()


async def _status(port: int, method: str, path: str) -> int:
    client = Client(port)
    try:
        await client.open()
    except OSError:
        return 0
    try:
        return (await client.ask(method, path))[0]
    finally:
        client.close()


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


# ── asking ───────────────────────────────────────────────────────────────────────────────────────


def _row(
    result: Result, what: str, port: int, path: str, body: bytes, clients: int, number: int
) -> tuple[float, list[float]]:
    asyncio.run(_asked(port, path, body, clients, number // 10))  # warm
    seconds, taken = asyncio.run(_asked(port, path, body, clients, number))
    speed = number / seconds
    result.rows.append((what, f"{speed:,.0f}", ms(_at(taken, 50)), ms(_at(taken, 99))))
    return speed, taken


async def _asked(
    port: int, path: str, body: bytes, clients: int, number: int
) -> tuple[float, list[float]]:
    left, taken = number, list[float]()

    async def client() -> None:
        nonlocal left
        held = Client(port)
        await held.open()
        while left > 0:
            left -= 1
            began = time.perf_counter()
            status, answer = await held.ask("POST", path, body)
            assert status == 200, answer
            taken.append(time.perf_counter() - began)
        held.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began, taken


def _batches(result: Result, port: int, rows: list[dict[str, Any]]) -> None:
    body = json.dumps({"model": "credit", "rows": rows}).encode()
    _, taken = _row(result, f"{len(rows):,} rows at once", port, "/predict/batch", body, 1, 10)
    middle = _at(taken, 50)
    result.claims.append(
        Claim(f"{len(rows):,} rows ≤ 200 ms", f"median {ms(middle)}", middle <= 0.2)
    )


def _changes(result: Result, folder: Path, port: int, body: bytes) -> None:
    """Exchange the version again and again while 16 clients ask."""
    versions: list[int] = []
    failed = 0

    async def client(stop: asyncio.Event) -> None:
        nonlocal failed
        held = Client(port)
        await held.open()
        while not stop.is_set():
            status, answer = await held.ask("POST", "/predict", body)
            told = json.loads(answer)
            if status == 200 and told["predictions"][0]["id"]:
                versions.append(told["version"])
            else:
                failed += 1
        held.close()

    async def exchange() -> None:
        stop = asyncio.Event()
        asking = [asyncio.create_task(client(stop)) for _ in range(CLIENTS)]
        for change in range(CHANGES):
            version = 2 - change % 2
            await asyncio.to_thread(_deploy, folder, version)
            while versions[-CLIENTS:] != [version] * CLIENTS:
                await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*asking)

    asyncio.run(exchange())
    told = f"{failed} of {len(versions):,} failed, versions {sorted(set(versions))} answered"
    good = failed == 0 and set(versions) == {1, 2}
    result.claims.append(Claim(f"{CHANGES} deployments under load: no request fails", told, good))


def _at(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


if __name__ == "__main__":
    sys.exit(main(measure))
