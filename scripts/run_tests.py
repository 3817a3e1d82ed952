"""Run every test, in three parts side by side, and say what they covered.

The acceptance tests mostly wait for processes that they start, the crash tests for what they kill;
the others compute. Side by side they take little longer than the longest of the three; models that
heal are tried after the crash tests, so that the three are of one length.

Coverage is measured where code is called, in the unit and contract tests. The other two parts start
processes by the hundred; to trace each took half as much processor time again in the acceptance
tests and two and a half times as much in the crash tests. A part named in ``TRACED`` counts, too.
"""

# ruff: noqa: T201, S603

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Name → what is tested; the output of the last one, which is traced, is shown as it comes.
PARTS = {
    "acceptance": ("tests/acceptance", "--ignore=tests/acceptance/healing"),
    "crash, healing": ("tests/crash", "tests/acceptance/healing"),
    "unit, contract": ("tests/unit", "tests/contract"),
}
TRACED = {"unit, contract"}
_COVERAGE = (sys.executable, "-m", "coverage")
_TRACING = ("--cov", "--cov-report=", "--cov-fail-under=0")
_NO_TESTS = 5  # what pytest ends with when a filter leaves a part without tests


def main(arguments: list[str]) -> int:
    """Run the parts with pytest's ``arguments``; 0 when all hold and enough is covered."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: _Part(name, Path(folder), arguments) for name in PARTS}
        codes = {name: run.ended() for name, run in runs.items()}
        data = [str(run.data) for run in runs.values() if run.data.is_file()]
        subprocess.run([*_COVERAGE, "combine", "--quiet", *data], cwd=ROOT, check=False)
    covered = subprocess.run([*_COVERAGE, "report"], cwd=ROOT, check=False).returncode
    for name, code in codes.items():
        print(f"{name}: {'passed' if code == 0 else f'pytest ended with {code}'}")
    whole = not arguments  # a choice of tests covers what it covers
    failed = any(code not in (0, _NO_TESTS) for code in codes.values())
    return 1 if failed or (whole and covered) else 0


class _Part:
    """One run of pytest."""

    def __init__(self, name: str, folder: Path, arguments: list[str]) -> None:
        self.data = folder / f"{name.split(',', maxsplit=1)[0]}.coverage"
        self._log = folder / f"{self.data.stem}.log"
        shown, traced = name == list(PARTS)[-1], _TRACING if name in TRACED else ()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *PARTS[name], *traced, *arguments],
                cwd=ROOT,
                env={**os.environ, "COVERAGE_FILE": str(self.data)},
                stdout=None if shown else log,
                stderr=None if shown else subprocess.STDOUT,
            )

    def ended(self) -> int:
        """Wait for the end, show what was not shown yet, and return the exit code."""
        code = self._process.wait()
        print(self._log.read_text(encoding="utf-8", errors="replace"), flush=True)
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
