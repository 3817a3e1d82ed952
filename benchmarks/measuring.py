"""What the benchmarks share: timing, the machine in words, and results as one printed table.

A benchmark is a script with ``measure(quick) -> Result``; `main` runs it alone, `run.py` all of
them, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: The environment of the peers; ``make setup-bench`` makes it.
PEERS = Path(os.environ.get("PIPEWARDEN_BENCH_VENV") or ROOT / ".venv-bench").absolute()

#: Programs keep their byte code, as they do for their users.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Claim:
    """One figure that was asked for, and what was measured; ``holds`` None: not judged."""

    asked: str
    measured: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """The claim's end in words."""
        return {True: "holds", False: "does not hold", None: "not judged"}[self.holds]


@dataclass
class Result:
    """What a benchmark has to say."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    peers: dict[str, str] = field(default_factory=dict)

    def without_verdicts(self) -> Result:
        """Return the result with nothing claimed: it was measured on less than was asked."""
        claims = [Claim(claim.asked, claim.measured, None) for claim in self.claims]
        return replace(self, claims=claims)

    def lines(self) -> Iterator[str]:
        """Yield the result as Markdown, which is also how it is printed."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        rule = ["-" * width for width in widths]
        for row in (self.columns, rule, *self.rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield f"| {' | '.join(cells)} |"
        yield ""
        for claim in self.claims:
            yield f"- asked {claim.asked}; measured {claim.measured}: **{claim.verdict}**"
        for note in self.notes:
            yield f"- {note}"


def main(measure: Callable[[bool], Result]) -> int:
    """Run one benchmark from its own command line; 1 where a claim does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="smaller, for a first impression")
    parser.add_argument("--json", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    result = measure(arguments.quick)
    print(f"{result.title}\n")
    print("\n".join(result.lines()))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(asdict(result)), encoding="utf-8")
    return 1 if any(claim.holds is False for claim in result.claims) else 0


def loaded(path: Path) -> Result:
    """Return the result that `main` wrote."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["claims"] = [Claim(**claim) for claim in plain["claims"]]
    return Result(**plain)


# ── timing ───────────────────────────────────────────────────────────────────────────────────────


def in_turn(
    cases: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Return the seconds of every case, measured in turn (A B A B), so that noise hits all."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(warm_up + rounds):
        for name, case in cases.items():
            began = time.perf_counter()
            case()
            if turn >= warm_up:
                taken[name].append(time.perf_counter() - began)
    return taken


def ratio(slower: Sequence[float], faster: Sequence[float]) -> float:
    """Return the median of the ratios of the rounds, each taken within one round."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def command(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> Callable[[], str]:
    """Return a function that runs a command to its end and returns what it printed."""

    def run() -> str:
        done = subprocess.run(
            [str(argument) for argument in arguments],
            cwd=folder,
            env={**_ENVIRONMENT, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip()[-2000:]
            raise SystemExit(
                f"{Path(str(arguments[0])).name} ended with {done.returncode}: {words}"
            )
        return done.stdout

    return run


def answered(*arguments: str | Path, folder: Path = ROOT) -> Any:
    """Return what a child printed as JSON on its last line."""
    return json.loads(command(*arguments, folder=folder)().strip().splitlines()[-1])


def peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Return the highest resident memory of this process, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit / 1e6


def ms(seconds: float) -> str:
    """Return seconds as milliseconds in words."""
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.2f} ms"


# ── where it runs ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def scratch(parent: Path | None = None) -> Iterator[Path]:
    """Give a folder that goes away, on the disk of the repository unless told otherwise."""
    within = parent or ROOT / "build"
    within.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=within, ignore_cleanup_errors=True) as at:
        yield Path(at)


def machine() -> dict[str, str]:
    """Return what the figures were measured on."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0] or 0) / 1e6:.0f} GB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _first(file: str, name: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError:
        return "0"
    return next((line.split(":")[1].strip() for line in text.splitlines() if name in line), "0")


def peer(name: str) -> Path | None:
    """Return a command of the peers' environment, or None where it was not set up."""
    found = PEERS / "bin" / name
    return found if found.exists() else None


def peer_versions(*names: str) -> dict[str, str]:
    """Return the versions of the peers named."""
    python = peer("python")
    if python is None:
        return {}
    code = "import json, sys; from importlib.metadata import version as of"
    code += "; print(json.dumps([of(name) for name in sys.argv[1:]]))"
    return dict(zip(names, answered(python, "-c", code, *names), strict=True))
