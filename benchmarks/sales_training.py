"""The time to train forecasters: 1,000 series of 150 weeks, and what the run costs beside the fits.

The series are drawn. Time a series is CPU time in one thread, which other work on the machine
changes little; the run is the command's own, in two workers.
"""

from __future__ import annotations

import csv
import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Claim, Result, main

from pipewarden.pipelines.sales.artifact import opened
from pipewarden.pipelines.sales.series.reading import series_records
from pipewarden.pipelines.sales.settings import sales_settings
from pipewarden.pipelines.sales.training import train

SERIES, WEEKS, MINUTES, WORKERS = 1_000, 150, 5.0, 2
GROWTH_MB = 5.0


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
    asked = f"{SERIES:,} series of {WEEKS} weeks in ≤ {MINUTES:g} minutes on {WORKERS} cores"
    result.claims.append(Claim(asked, f"{minutes:.1f} minutes of fits", minutes <= MINUTES))
    _growth(result, records)
    _opening(result, records[0])
    return result if not quick else result.without_verdicts()


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
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "weekly.csv"
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("unique_id", "ds", "y"))
            for name in range(number):
                level = 80 + np.cumsum(rng.normal(0, 2, WEEKS))
                season = 15 * np.sin(2 * np.pi * weeks / 52 + name)
                sold = np.maximum(level + season + rng.normal(0, 8, WEEKS), 0).round()
                writer.writerows(zip([f"s{name}"] * WEEKS, weeks, sold, strict=True))
        return list(series_records(table))


if __name__ == "__main__":
    sys.exit(main(measure))
