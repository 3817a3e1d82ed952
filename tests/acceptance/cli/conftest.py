"""A workplace for the real command: a folder, and a pipeline whose items can be held."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipewarden.jobs.requests import list_jobs
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
#: Seconds after which a command hangs; none is asserted to be quick.
PATIENCE = 300.0

PIPELINE = '''
"""Counts words. An item that says "hold" works until a file named "go" appears."""

import time
from pathlib import Path

import pipewarden as pw


def count(path: Path) -> dict:
    text = path.read_text()
    if not text:
        raise pw.BadInput("empty_file", "the file is empty")
    if "boom" in text:
        raise ValueError("it went boom")
    if "hold" in text:
        Path(f"held-{path.name}").touch()
        while not Path("go").exists():
            time.sleep(0.005)
    return {"words": len(text.split())}


def enough(result) -> bool:
    return result["words"] >= 2


words = pw.Pipeline(name="words", process=count, pattern="*.txt",
                    gate=pw.Gate([pw.check(enough, blocking=True)]))
'''


@dataclass
class Workplace:
    """A folder in which the command is run."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, **files: str) -> None:
        """Write inputs: ``a="text"`` becomes ``raw/a.txt``."""
        (self.folder / "raw").mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / "raw" / f"{name}.txt").write_text(text, encoding="utf-8")

    def run(
        self, *arguments: str, patience: float = PATIENCE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """Run a command for its JSON."""
        done = self.run(*arguments, "--json")
        return json.loads(done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command, as a shell would in a process group of its own."""
        process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def held_run(self) -> subprocess.Popen[str]:
        """Start a run of four items whose second is held; return when it is."""
        self.write(a="one two", b="hold on", c="one two", d="one two")
        process = self.start("run", "mine:words", "raw", "--workers", "1")
        self.until((self.folder / "held-b.txt").exists)
        return process

    def ends(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """Wait for the end of a started command; return what it had still to say."""
        return process.communicate(timeout=PATIENCE)

    def release(self) -> None:
        """Let the held item end."""
        (self.folder / "go").touch()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    def published(self) -> set[str]:
        """Return the names of the outputs."""
        return {path.name for path in (self.folder / "data/processed/words").glob("*.json")}

    def last_job(self) -> dict[str, Any]:
        """Return the newest job, as it stands in the database."""
        workspace = Workspace(Settings(home=self.folder))
        job = asdict(list_jobs(workspace, limit=1).jobs[0])
        workspace.database.close()
        return job


def workplace(folder: Path) -> Iterator[Workplace]:
    (folder / "mine.py").write_text(PIPELINE, encoding="utf-8")
    place = Workplace(folder)
    yield place
    for process in place.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """An empty workplace of the test's own."""
    yield from workplace(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A workplace where one run has ended: two published, one rejected, one errored, one bad."""
    for place in workplace(tmp_path_factory.mktemp("finished")):
        place.write(good="one two", fine="one two three", short="one", boom="boom boom", empty="")
        done = place.run("run", "mine:words", "raw", "--workers", "1")
        assert done.returncode == 1, done.stderr
        (place.folder / "first.txt").write_text(done.stdout, encoding="utf-8")
        yield place
