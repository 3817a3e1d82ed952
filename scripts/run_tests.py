"""Run every test, in two parts side by side, and say what both covered.

The acceptance tests mostly wait for processes that they start; the others compute. Side by side
they take little longer than the longer of the two.
"""

# ruff: noqa: T201, S603

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Name → what is tested; the output of the last one is shown as it comes.
PARTS = {
    "acceptance": ("tests/acceptance",),
    "unit, contract, crash": ("tests/unit", "tests/contract", "tests/crash"),
}
_NO_TESTS = 5  # what pytest ends with when a filter leaves a part without tests


def main(arguments: list[str]) -> int:
    """Run both parts with pytest's ``arguments``; 0 when both hold and enough is covered."""
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


_COVERAGE = (sys.executable, "-m", "coverage")


class _Part:
    """One run of pytest, with coverage data of its own."""

    def __init__(self, name: str, folder: Path, arguments: list[str]) -> None:
        self.name = name
        self.data = folder / f"{name.split(',', maxsplit=1)[0]}.coverage"
        self._log = folder / f"{self.data.stem}.log"
        shown = name == list(PARTS)[-1]
        command = [sys.executable, "-m", "pytest", *PARTS[name], "--cov", "--cov-report="]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--cov-fail-under=0", *arguments],
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
