"""Two Celery workers beside two local processes, on the same jobs, in turn.

What is compared is the speed at work, from the first commit to the last: what either side loads
before its first item is its own. The broker is Redis at ``PIPEWARDEN_TEST_REDIS_URL``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import ROOT, Claim, Result, main, ratio, scratch

import pipewarden as pw
from pipewarden.core.items import ItemResult
from pipewarden.engine.planner import Planned
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import start
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import CelerySettings, Settings

BROKER = os.environ.get("PIPEWARDEN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
NEWS = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data") / "news"
SHARE, WORKERS, WORDS = 0.85, 2, 390
#: Rounds of hashing that take about 25 ms on a processor of 2023.
_HASHES = 40_000


def grind(record: dict[str, Any]) -> dict[str, Any]:
    """Do a fixed amount of work, about 25 ms of it."""
    digest = record["id"].encode()
    for _ in range(_HASHES):
        digest = hashlib.sha256(digest).digest()
    return {"digest": digest.hex()}


GRIND = pw.Pipeline(name="grind", process=grind, records="id", lines="ground.jsonl")


class Meter:
    """Measures the speed between the first commit and the last."""

    def __init__(self) -> None:
        self._first = self._last = 0.0
        self._items = 0

    def planned(self, planned: Planned, work: int) -> None:
        """Nothing is done yet."""

    def committed(self, results: list[ItemResult]) -> None:
        """Count what came after the first commit."""
        if not results:
            return
        self._last = time.perf_counter()
        if self._first:
            self._items += len(results)
        else:
            self._first = self._last

    def note(self, text: str) -> None:
        """Say it, for whoever watches."""
        print(f"note: {text}", file=sys.stderr)

    @property
    def seconds_an_item(self) -> float:
        """Seconds that an item took, with all workers at work."""
        return (self._last - self._first) / self._items


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result(
        "Two Celery workers beside two local processes",
        ("job", "items", "Celery, ms an item", "local, ms an item", "Celery's share"),
    )
    rounds = 1 if quick else 5
    with scratch() as folder:
        _compare(result, folder, "celery_throughput:GRIND", _ground(160 if quick else 600), rounds)
        if (NEWS / "articles.jsonl.gz").is_file():
            _compare(result, folder, "articles", _articles(160 if quick else 640), rounds)
        else:
            result.notes.append("articles: none; set PIPEWARDEN_DATA")
    return result.without_verdicts() if quick else result


def _ground(number: int) -> list[dict[str, Any]]:
    return [{"id": f"r{n:05}"} for n in range(number)]


def _articles(number: int) -> list[dict[str, Any]]:
    """Return records of real articles, cut to one length."""
    found: list[dict[str, Any]] = []
    left: list[str] = []
    with gzip.open(NEWS / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            left += json.loads(line)["text"].split(" ")
            while len(left) >= WORDS and len(found) < number:
                text, left = " ".join(left[:WORDS]), left[WORDS:]
                found.append({"document_id": str(len(found)), "text": text})
    return found


def _compare(
    result: Result, folder: Path, reference: str, records: list[dict[str, Any]], rounds: int
) -> None:
    name = reference.partition(":")[2].lower() or reference
    home = folder / name
    home.mkdir()
    source = home / "in.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    prefix = f"pipewarden-bench-{secrets.token_hex(4)}"
    settings = Settings(home=home, celery=CelerySettings(broker_url=BROKER, queue_prefix=prefix))
    pipeline = load_pipeline(reference, settings)
    taken: dict[str, list[float]] = {"celery": [], "processes": []}
    with _worker(reference, home, prefix) as worker:
        for turn in range(rounds + 1):
            for executor, seconds in taken.items():
                meter = Meter()
                options = RunOptions(
                    pipeline=reference,
                    source=str(source),
                    executor=executor,
                    workers=WORKERS,
                    force=True,
                )
                if worker.poll() is not None:
                    raise SystemExit(f"the worker ended: {(home / 'worker.log').read_text()}")
                report = start(pipeline, options, Workspace(settings), meter)
                assert report.progress.accounted == len(records), report.progress
                if turn:
                    seconds.append(meter.seconds_an_item)
    share = ratio(taken["processes"], taken["celery"])
    each = [f"{statistics.median(taken[kind]) * 1e3:.1f}" for kind in ("celery", "processes")]
    result.rows.append((name, str(len(records)), *each, f"{share:.0%}"))
    asked = f"{name}: Celery at least {SHARE:.0%} of local"
    result.claims.append(Claim(asked, f"{share:.0%}", share >= SHARE))


@contextmanager
def _worker(reference: str, home: Path, prefix: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `pipewarden worker` with as many processes as a local run has, until the block ends."""
    environment = {
        **os.environ,
        "PIPEWARDEN_HOME": str(home),
        "PIPEWARDEN_CELERY__BROKER_URL": BROKER,
        "PIPEWARDEN_CELERY__QUEUE_PREFIX": prefix,
    }
    command = ["worker", "--pipelines", reference, "--concurrency", str(WORKERS)]
    with (home / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "pipewarden", *command],
            cwd=Path(__file__).parent,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(60)


if __name__ == "__main__":
    sys.exit(main(measure))
