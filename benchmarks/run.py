"""Run the benchmarks, each in a process of its own, and write ``benchmarks/RESULTS.md``.

``python benchmarks/run.py [--quick] [NAME...]``. Only a complete, unhurried run writes the page;
``--output`` writes any run anywhere.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from measuring import Result, loaded, machine

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
NAMES = (
    "startup",
    "noop_run",
    "plan_scale",
    "item_overhead",
    "filings_speed",
    "kill_test",
    "articles_repair",
    "articles_typos",
    "articles_speed",
    "credit_training",
    "sales_accuracy",
    "sales_training",
    "events_chaos",
    "sinks",
    "celery_throughput",
    "api_load",
    "jobs_listing",
    "serving",
    "registering",
    "rollback",
    "drift",
    "estimated_performance",
    "labels",
)


def main() -> int:
    """Run what was asked for; 1 where a claim does not hold or a benchmark fell over."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="smaller, for a first impression")
    parser.add_argument("--output", type=Path, help="write the page there")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; known: {', '.join(NAMES)}")
    began_on = machine()
    results: dict[str, Result | None] = {}
    for name in arguments.names or NAMES:
        print(f"\n== {name} ==\n", flush=True)
        results[name] = _one(name, quick=arguments.quick)
    complete = not arguments.names and not arguments.quick
    target = arguments.output or (RESULTS if complete else None)
    if target is not None:
        target.write_text(_page(results, began_on, quick=arguments.quick), encoding="utf-8")
    bad = [name for name, result in results.items() if result is None or _fails(result)]
    print(f"\nwith claims that do not hold: {', '.join(bad)}" if bad else "\nevery claim holds")
    return 1 if bad else 0


def _one(name: str, *, quick: bool) -> Result | None:
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "result.json"
        script = [sys.executable, str(HERE / f"{name}.py"), "--json", str(told)]
        subprocess.run([*script, *(["--quick"] if quick else [])], check=False)
        return loaded(told) if told.exists() else None


def _fails(result: Result) -> bool:
    return any(claim.holds is False for claim in result.claims)


def _page(results: Mapping[str, Result | None], on: Mapping[str, str], *, quick: bool) -> str:
    command = f"python benchmarks/run.py{' --quick' if quick else ''}"
    peers = {name: v for r in results.values() if r for name, v in sorted(r.peers.items())}
    facts = {
        "written by": f"`{command}` (`make bench`), {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": ", ".join(f"{name}: {value}" for name, value in on.items()),
        "peers": ", ".join(f"{name} {version}" for name, version in peers.items()) or "none",
    }
    lines = [
        "# Benchmarks",
        "",
        "Every figure is a median of runs taken in turn (A B A B), so that what else the machine",
        "does hits all sides. Ratios are medians of the ratios within one turn; trust them more",
        "than seconds.",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        "| benchmark | asked | measured | |",
        "| --- | --- | --- | --- |",
    ]
    for name, result in results.items():
        lines += [
            f"| {name} | {claim.asked} | {claim.measured} | {claim.verdict} |"
            for claim in (result.claims if result else ())
        ]
    for name, result in results.items():
        lines += ["", f"## {name}", ""]
        if result is None:
            lines.append("It fell over.")
        else:
            lines += [f"{result.title}.", "", *result.lines()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
