"""The time to train forecasters: 1,000 series of 150 weeks, registered, by the real command.

The series are drawn. Time a series is CPU time in one thread, which other work on the machine
changes little. The runs are the command's own in its default setting, from start to exit, with the
registry (a file of SQLite): all series new, none changed, and shares of them changed.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Claim, Result, main, scratch

from pipewarden.pipelines.sales.artifact import opened
from pipewarden.pipelines.sales.series.reading import series_records
from pipewarden.pipelines.sales.settings import sales_settings
from pipewarden.pipelines.sales.training import train

SERIES, WEEKS, MINUTES, WORKERS, RERUN = 1_000, 150, 5.0, 2, 5.0
CHANGED = (0.1, 0.4, 1.0)
GROWTH_MB = 5.0
GROWTH = 1.3


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result("Training sales forecasters", ("setting", "CPU a series, median", "p95"))
    records = drawn_records(12 if quick else 60)
    settings: dict[str, dict[str, Any]] = {
        "production (default)": {},
        "testing": {"environment": "testing"},
        "development": {"environment": "development"},
        "without ARIMA": {"arima.enabled": False},
        "family=arima": {"family": "arima"},
    }
    train(records[0], sales_settings())  # loads the libraries
    means = {name: _timed(result, name, records, given) for name, given in settings.items()}
    minutes = means["production (default)"] * SERIES / WORKERS / 60
    result.notes.append(f"{SERIES:,} series are {minutes:.1f} minutes of fits on {WORKERS} cores")
    runs(result, 24 if quick else SERIES)
    _growth(result, records)
    _opening(result, records[0])
    return result if not quick else result.without_verdicts()


def runs(result: Result, number: int) -> None:
    """Time the command over so many series: new, unchanged, and with some of them changed."""
    records = drawn_records(number)
    with scratch() as folder:
        (folder / "few").mkdir()
        few = _run(folder / "few", records[: max(1, number // 8)])
        whole = _run(folder, records)
        again = _run(folder, records)
        for share in CHANGED:
            for record in records[: round(share * number)]:
                record["y"][-1] += 7
            saved = _run(folder, records)
            result.notes.append(
                f"{share:.0%} of {number:,} series changed: {saved.seconds:.1f} s, "
                f"{saved.cpu:.1f} s of CPU; {saved.saving or 'no fit was avoided'}"
            )
    what = f"{number:,} series of {WEEKS} weeks trained and registered"
    asked = f"{what} in ≤ {MINUTES:g} minutes with {WORKERS} workers"
    result.claims += [
        Claim(asked, f"{whole.seconds / 60:.1f} minutes", whole.seconds <= MINUTES * 60),
        Claim(
            f"no series changed: ≤ {RERUN:g} s", f"{again.seconds:.2f} s", again.seconds <= RERUN
        ),
        Claim(
            f"the largest process stays within {GROWTH:g} of that of {number // 8} series",
            f"{whole.peak / few.peak:.2f} ({whole.peak:.0f} MB)",
            whole.peak <= few.peak * GROWTH,
        ),
    ]


@dataclass(frozen=True)
class Ran:
    """What a run took: seconds, of the processor too, and the largest process's memory in MB."""

    seconds: float
    cpu: float
    peak: float
    saving: str


def _run(folder: Path, records: list[dict[str, Any]]) -> Ran:
    _write(folder / "weekly.csv", records)
    words = ("run", "sales", "weekly.csv", "--workers", str(WORKERS), "--json")
    began, before = time.perf_counter(), os.times()
    # A process of its own, whose children are all that it waits for, tells its own peak.
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, sys.executable, "-m", "pipewarden", *words],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    *printed, peak = child.stdout.strip().splitlines()
    notices = json.loads("\n".join(printed))["notices"]
    saving = next((notice for notice in notices if "avoided" in notice), "")
    return Ran(seconds, cpu, float(peak), saving)


_CHILD = (
    "import resource, subprocess, sys\n"
    "code = subprocess.run(sys.argv[1:]).returncode\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
    "sys.exit(0 if code in (0, 1) else code)"
)


def _timed(
    result: Result, name: str, records: list[dict[str, Any]], given: dict[str, Any]
) -> float:
    held, taken = sales_settings(given), []
    for record in records:
        began = time.process_time()
        train(record, held)
        taken.append(time.process_time() - began)
    ordered = sorted(taken)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    result.rows.append((name, f"{statistics.median(taken):.3f} s", f"{p95:.3f} s"))
    return statistics.mean(taken)


def _growth(result: Result, records: list[dict[str, Any]]) -> None:
    """Claim that memory does not grow with the number of series."""
    settings = sales_settings({"arima.enabled": False})
    train(records[0], settings)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for record in records:
        train(record, settings)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    grown = (after - before) / 1e6
    asked = f"memory grows by ≤ {GROWTH_MB:g} MB over {len(records)} series"
    result.claims.append(Claim(asked, f"{grown:.2f} MB", grown <= GROWTH_MB))


def _opening(result: Result, record: dict[str, Any]) -> None:
    document = train(record, sales_settings())
    began = time.process_time()
    for _ in range(100):
        opened(document).forecast(13)
    each = (time.process_time() - began) / 100
    result.notes.append(f"open a model and forecast 13 weeks: {each * 1e3:.2f} ms of CPU")


def drawn_records(number: int) -> list[dict[str, Any]]:
    """Return drawn records, by way of a table."""
    rng, weeks = np.random.default_rng(5), np.arange(WEEKS)
    records = []
    for name in range(number):
        level = 80 + np.cumsum(rng.normal(0, 2, WEEKS))
        season = 15 * np.sin(2 * np.pi * weeks / 52 + name)
        sold = np.maximum(level + season + rng.normal(0, 8, WEEKS), 0).round()
        records.append({"unique_id": f"s{name}", "ds": weeks.tolist(), "y": sold.tolist()})
    with tempfile.TemporaryDirectory() as folder:
        return list(series_records(_write(Path(folder) / "weekly.csv", records)))


def _write(table: Path, records: list[dict[str, Any]]) -> Path:
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("unique_id", "ds", "y"))
        for record in records:
            names = [record["unique_id"]] * len(record["ds"])
            writer.writerows(zip(names, record["ds"], record["y"], strict=True))
    return table


if __name__ == "__main__":
    sys.exit(main(measure))
