"""What the engine costs for each item: 10,000 trivial items, every one durable, on a real disk.

The figure is the whole run, from the call to the report, divided by the number of items. Outputs
are forced to disk one by one, the journal once for each batch.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from measuring import Claim, Result, answered, main, scratch
from noop_run import fill

import pipewarden as pw
from pipewarden.jobs.runners import publishing
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.files import durable

ITEMS, ITEM_BYTES = 10_000, 100
ITEM_SECONDS = 0.001
#: Executor, workers, items in a batch.
CASES = (
    ("inline", 1, 64),
    ("inline", 1, 8),
    ("inline", 1, 256),
    ("processes", 1, 64),
    ("processes", 2, 64),
)


def length(path: Path) -> dict[str, int]:
    """Return next to nothing about a file."""
    return {"bytes": len(path.read_bytes())}


PIPELINE = pw.Pipeline(name="lengths", pattern="*.txt", process=length)


def measure(quick: bool) -> Result:
    """Return the figures."""
    items = 1_000 if quick else ITEMS
    result = Result(
        f"Overhead of the engine, {items:,} trivial items, durable",
        ("executor", "workers", "batch", "per item", "items/s", "CPU per item"),
    )
    with scratch() as folder:
        fill(folder / "inbox", items, ITEM_BYTES)
        result.rows.append(_floor(folder, min(items, 1_000)))
        rounds = 1 if quick else 3
        taken: dict[tuple[str, int, int], list[dict[str, float]]] = {case: [] for case in CASES}
        for turn in range(rounds):
            for number, case in enumerate(CASES):
                home = folder / f"home-{turn}-{number}"
                told = answered(
                    sys.executable,
                    __file__,
                    "--run",
                    str(folder / "inbox"),
                    str(home),
                    json.dumps(case),
                )
                taken[case].append(told)
    for (executor, workers, batch), told in taken.items():
        each = statistics.median(t["seconds"] for t in told) / items
        cpu = statistics.median(t["cpu"] for t in told) / items
        row = (executor, str(workers), str(batch), _us(each), f"{1 / each:,.0f}", _us(cpu))
        result.rows.append(row)
        if (executor, workers, batch) == CASES[0]:
            asked = f"inline, durable journal: < {_us(ITEM_SECONDS)} per item"
            result.claims.append(Claim(asked, _us(each), each < ITEM_SECONDS))
    return result.without_verdicts() if quick else result


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"


def _floor(folder: Path, items: int) -> tuple[str, ...]:
    """Return the row of what the disk alone asks: a small file forced to disk and renamed."""
    target = folder / "floor"
    target.mkdir()
    began = time.perf_counter()
    for number in range(items):
        durable.replace(durable.stage(target, b"x" * 300), target / str(number))
    each = (time.perf_counter() - began) / items
    return ("the disk alone: write, fsync, rename", "", "", _us(each), f"{1 / each:,.0f}", "")


def _run(inbox: Path, home: Path, case: list[Any]) -> dict[str, float]:
    """Run once, as if for the first time."""
    executor, workers, batch = case
    publishing.BATCH_ITEMS = batch
    for left in inbox.glob(".manifest*"):
        left.unlink()
    workspace = Workspace(Settings(home=home))
    began, cpu = time.perf_counter(), time.process_time()
    report = pw.run(PIPELINE, inbox, workspace=workspace, executor=executor, workers=workers)
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    assert report.progress.published == report.progress.seen, report.progress
    return took


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        print(json.dumps(_run(Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4]))))
        sys.exit()
    sys.exit(main(measure))
