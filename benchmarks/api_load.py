"""The HTTP API under load: 100 clients at once, beside the bare pipeline in the same run.

The bare pipeline is a process that calls the articles pipeline's own function, one article after
the other, and does nothing else: no gate, no JSON, no HTTP. Service and bare pipeline have the same
number of document processes. The clients are one process with plain sockets.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import Claim, Result, answered, main, ms, scratch

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or "data")
CLIENTS = 100
JOBS = 100_000
START = datetime(2026, 1, 1, tzinfo=UTC)


def measure(quick: bool) -> Result:
    """Return the figures."""
    number, rounds = (200, 1) if quick else (1_000, 3)
    result = Result(
        f"HTTP API, {CLIENTS} clients at once, {number:,} real articles a round",
        ("what", "median", "p95", "p99"),
    )
    with scratch() as folder:
        articles = _articles(number)
        (folder / "articles.json").write_text(json.dumps(articles), encoding="utf-8")
        with _service(folder) as port:
            _load(result, port, folder, articles, rounds)
            _submissions(result, port)
        _listing(result, folder, JOBS // 10 if quick else JOBS)
    return result.without_verdicts() if quick else result


def _articles(number: int) -> list[dict[str, Any]]:
    with gzip.open(DATA / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        held = [json.loads(line) for line in lines]
    return held[:: max(1, len(held) // number)][:number]


@contextmanager
def _service(folder: Path) -> Iterator[int]:
    environment = {
        **os.environ,
        "PIPEWARDEN_SERVICE__PIPELINES": '["articles"]',
        "PIPEWARDEN_SERVICE__RATE_PER_MINUTE": "10000000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "pipewarden", "serve", "--port", "0", "--workers", "1",
         "--jobs", "0"],
        cwd=folder, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = re.search(r":(\d+)", process.stdout.readline().partition("//")[2])
        assert said is not None
        port = int(said[1])
        while asyncio.run(_ask(port, "GET", "/ready"))[0] != 200:
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.communicate()


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: (\d+)", answer)
        assert length is not None, answer
        return int(answer[9:12]), await self._reader.readexactly(int(length[1]))

    def close(self) -> None:
        self._writer.close()


async def _ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    client = Client(port)
    await client.open()
    try:
        return await client.ask(method, path, body)
    finally:
        client.close()


async def _all(
    port: int, path: str, bodies: Sequence[bytes], status: int
) -> tuple[float, list[float], list[float]]:
    """Send every body, by 100 clients; return seconds in all, of each, and of /health meanwhile."""
    waiting, taken, health = list(reversed(bodies)), list[float](), list[float]()

    async def client() -> None:
        held = Client(port)
        await held.open()
        while waiting:
            body = waiting.pop()
            began = time.perf_counter()
            told, answer = await held.ask("POST", path, body)
            assert told == status, answer
            taken.append(time.perf_counter() - began)
        held.close()

    async def watcher() -> None:
        held = Client(port)
        await held.open()
        while True:
            began = time.perf_counter()
            told, answer = await held.ask("GET", "/health")
            assert told == 200, answer
            health.append(time.perf_counter() - began)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watcher())
    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    seconds = time.perf_counter() - began
    watching.cancel()
    return seconds, taken, health


def _load(
    result: Result, port: int, folder: Path, articles: list[dict[str, Any]], rounds: int
) -> None:
    bodies = [json.dumps({"pipeline": "articles", "document": a}).encode() for a in articles]
    taken, health, ratios, speeds = list[float](), list[float](), list[float](), list[str]()
    for _ in range(rounds):
        bare = answered(sys.executable, __file__, "--bare", folder / "articles.json")["seconds"]
        seconds, each, healths = asyncio.run(_all(port, "/v1/preprocess", bodies, 200))
        ratios.append(bare / seconds)
        speeds.append(f"{len(bodies) / bare:,.0f} and {len(bodies) / seconds:,.0f}")
        taken += each
        health += healths
    _row(result, "/v1/preprocess", taken)
    _row(result, "/health meanwhile", health)
    lag = _lag(asyncio.run(_ask(port, "GET", "/metrics"))[1].decode())
    result.notes.append(f"articles a second, bare and by HTTP, round by round: {'; '.join(speeds)}")
    ratio = statistics.median(ratios)
    worst = max(health)
    result.claims += [
        Claim("throughput ≥ 90% of the bare pipeline's", f"{ratio:.0%}", ratio >= 0.9),
        Claim("/health < 100 ms meanwhile", f"p99 {ms(_at(health, 99))}, worst {ms(worst)}",
              worst < 0.1),
        Claim("event loop lag p99 ≤ 50 ms", f"≤ {ms(lag)}", lag <= 0.05),
    ]  # fmt: skip


def _lag(metrics: str) -> float:
    """Return the bound below which 99 of 100 looks at the event loop's lag lie, in seconds."""
    name = "pipewarden_event_loop_lag_seconds"
    looks = float(re.findall(rf"^{name}_count (\S+)", metrics, re.MULTILINE)[0])
    buckets = re.findall(rf'^{name}_bucket{{le="(\S+)"}} (\S+)', metrics, re.MULTILINE)
    return next(float(bound) for bound, held in buckets if float(held) >= 0.99 * looks)


def _at(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _row(result: Result, what: str, values: Sequence[float]) -> None:
    result.rows.append((what, *(ms(_at(values, percent)) for percent in (50, 95, 99))))


def bare(path: Path) -> None:
    """Print how long the pipeline's own function takes for all articles."""
    from pipewarden.jobs.loading import load_pipeline
    from pipewarden.settings import load_settings

    articles = json.loads(path.read_text(encoding="utf-8"))
    pipeline = load_pipeline("articles", load_settings())
    if pipeline.setup is not None:
        pipeline.setup()
    pipeline.process(articles[0])
    began = time.perf_counter()
    for article in articles:
        pipeline.process(article)
    print(json.dumps({"seconds": time.perf_counter() - began}))


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────


def _submissions(result: Result, port: int) -> None:
    held = [{"documents": [{"document_id": f"a{n}", "text": f"Text {n}."}]} for n in range(CLIENTS)]
    bodies = [json.dumps(body).encode() for body in held]
    seconds, taken, _ = asyncio.run(_all(port, "/v1/documents/batch", bodies, 202))
    total = json.loads(asyncio.run(_ask(port, "GET", "/v1/jobs?limit=1000"))[1])
    ids = {job["id"] for job in total["jobs"]}
    _row(result, "/v1/documents/batch", taken)
    told = f"{len(ids)} jobs in {seconds:.1f} s"
    exact = len(ids) == total["total"] == CLIENTS
    result.claims.append(
        Claim(f"{CLIENTS} submissions at once: none lost, none doubled", told, exact)
    )


def _many(folder: Path, number: int) -> Any:
    """Return a workspace whose database holds so many jobs."""
    from sqlalchemy import insert

    from pipewarden.core.jobs import Job, JobStatus
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.settings import Settings
    from pipewarden.store.state.jobs.rows import values_of
    from pipewarden.store.state.schema import jobs

    workspace = Workspace(Settings(home=folder / "many"))
    statuses = list(JobStatus)
    rows = [
        values_of(
            Job(
                id=f"run-{n:06}",
                pipeline=f"pipeline-{n % 7}",
                source=f"/data/source-{n % 100}",
                status=statuses[n % len(statuses)],
                created_at=START + timedelta(seconds=n),
                created_by="ada",
                options={"pipeline": "articles", "workers": 4},
            )
        )
        for n in range(number)
    ]
    with workspace.database.write() as conn:
        conn.execute(insert(jobs), rows)
    return workspace


def _listing(result: Result, folder: Path, number: int) -> None:
    from pipewarden.core.jobs import JobStatus
    from pipewarden.jobs.requests import list_jobs

    workspace = _many(folder, number)
    asked: dict[str, dict[str, Any]] = {
        "all": {},
        "by status": {"status": JobStatus.FAILED},
        "by pipeline": {"pipeline": "pipeline-3"},
        "by source": {"source": "/data/source-42"},
        "by status and pipeline": {"status": JobStatus.QUEUED, "pipeline": "pipeline-3"},
        "since half of them": {"since": START + timedelta(seconds=number // 2)},
        "deep in the list": {"offset": number // 2},
    }
    worst = 0.0
    for what, filters in asked.items():
        taken = []
        for _ in range(21):
            began = time.perf_counter()
            page = list_jobs(workspace, limit=50, **filters)
            taken.append(time.perf_counter() - began)
            assert page.jobs
            assert page.total >= 50
        worst = max(worst, statistics.median(taken))
        _row(result, f"list {number:,} jobs, {what}", taken)
    workspace.database.close()
    asks = f"listing and filtering {number:,} jobs < 50 ms"
    result.claims.append(Claim(asks, f"{ms(worst)} at worst (medians)", worst < 0.05))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bare"]:
        bare(Path(sys.argv[2]))
    else:
        sys.exit(main(measure))
