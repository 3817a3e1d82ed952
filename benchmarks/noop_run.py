"""Nothing changed: 10,000 files of 20 KB, the whole command beside ``dvc status`` on the same tree.

Both look at every input. pipewarden also looks at every output and writes a job, a report and two
entries of the ledger; the row "with outputs" has ``dvc status`` look at the outputs as well.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measuring import (
    PEERS,
    Claim,
    Result,
    command,
    in_turn,
    main,
    ms,
    peer,
    peer_versions,
    ratio,
    scratch,
)

FILES, FILE_BYTES, PER_FOLDER = 10_000, 20_000, 100
NOOP_SECONDS, NOOP_RATIO, PLAN_SECONDS, SCAN_SECONDS = 0.5, 2.5, 0.080, 0.019

PIPELINE = """\
from pathlib import Path

import pipewarden as pw


def measured(path: Path) -> dict[str, int]:
    return {"bytes": path.stat().st_size}


pipeline = pw.Pipeline(name="sizes", pattern="*.txt", process=measured)
"""

STAGE = """\
stages:
  sizes:
    cmd: pipewarden run sizes:pipeline inbox
    deps: [inbox]
    outs: [data/processed/sizes]
"""


def measure(quick: bool) -> Result:
    """Return the figures."""
    with scratch() as folder:
        files = 1_000 if quick else FILES
        fill(folder / "inbox", files, FILE_BYTES)
        (folder / "sizes.py").write_text(PIPELINE, encoding="utf-8")
        ours = partial(_pipewarden, folder)
        began = time.perf_counter()
        ours()
        first = time.perf_counter() - began
        cases: dict[str, Callable[[], object]] = {"pipewarden run": ours}
        if _tracked(folder):
            cases["dvc status"] = _dvc(folder, "status", "inbox.dvc")
            cases["dvc status, with outputs"] = _dvc(folder, "status", "sizes")
        cases["python -c pass"] = command(sys.executable, "-c", "pass", folder=folder)
        taken = in_turn(cases, rounds=3 if quick else 7)
        result = _result(files, first, taken)
        _add_plan(result, folder, quick)
    return result.without_verdicts() if quick else result


def fill(folder: Path, files: int, size: int) -> None:
    """Write files of distinct content, in folders of a hundred, older than the racy window."""
    old = time.time_ns() - 10**12
    for number in range(files):
        path = folder / f"{number // PER_FOLDER:04d}" / f"item {number:06d}.txt"
        if number % PER_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes((b"%06d " % number * (size // 7 + 1))[:size])
        os.utime(path, ns=(old, old))


def _pipewarden(folder: Path) -> str:
    program = Path(sys.executable).with_name("pipewarden")
    return command(program, "run", "sizes:pipeline", "inbox", "--quiet", folder=folder)()


def _tracked(folder: Path) -> bool:
    """Let dvc track the inputs, and inputs and outputs as a stage; return whether dvc is there."""
    if not peer("dvc"):
        return False
    command("git", "init", "--quiet", folder=folder)()
    _dvc(folder, "init", "--quiet")()
    (folder / ".dvcignore").write_text(".manifest*\n", encoding="utf-8")
    (folder / "dvc.yaml").write_text(STAGE, encoding="utf-8")
    _dvc(folder, "add", "--quiet", "inbox")()
    _dvc(folder, "commit", "--quiet", "--force", "sizes")()
    return True


def _dvc(folder: Path, *arguments: str) -> Callable[[], str]:
    """Return a call of dvc without the background process that reports its use."""
    quiet = {"DVC_NO_ANALYTICS": "1"}
    return command(PEERS / "bin" / "dvc", *arguments, folder=folder, environment=quiet)


def _result(files: int, first: float, taken: dict[str, list[float]]) -> Result:
    result = Result(
        f"No-op run over {files:,} files of {FILE_BYTES // 1000} KB, nothing changed",
        ("what", "median", "lowest", "pipewarden is faster by"),
    )
    result.rows.append((f"first run, {files:,} items", ms(first), "", ""))
    ours = taken["pipewarden run"]
    for name, seconds in taken.items():
        faster = f"{ratio(seconds, ours):.2f} x" if name.startswith("dvc") else ""
        result.rows.append((name, ms(statistics.median(seconds)), ms(min(seconds)), faster))
    median = statistics.median(ours)
    result.claims.append(
        Claim(f"no-op run <= {ms(NOOP_SECONDS)}", ms(median), median <= NOOP_SECONDS)
    )
    asked = f">= {NOOP_RATIO} x faster than dvc status on the same tree"
    if "dvc status" in taken:
        times = ratio(taken["dvc status"], ours)
        result.claims.append(Claim(asked, f"{times:.2f} x", times >= NOOP_RATIO))
        result.peers |= peer_versions("dvc")
    else:
        result.claims.append(Claim(asked, "dvc is not set up", None))
    return result


def _add_plan(result: Result, folder: Path, quick: bool) -> None:
    """Measure the plan in this process, beside scan and stat alone."""
    from pipewarden.engine.planner import make_plan
    from pipewarden.jobs.options import RunOptions
    from pipewarden.jobs.runners.planning import plan_request
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.settings import Settings

    sys.path.insert(0, str(folder))
    from importlib import import_module

    pipeline = import_module("sizes").pipeline
    workspace = Workspace(Settings(home=folder))
    inbox = folder / "inbox"
    source = workspace.source(inbox, pipeline.patterns)
    store = workspace.store(source, pipeline.name)
    options = RunOptions(source=str(inbox))
    output_dir = workspace.output_dir("", store, pipeline.name)
    request = plan_request(pipeline, options, output_dir, workspace.clock())
    cases: dict[str, Callable[[], object]] = {
        "read the manifest": partial(workspace.store, source, pipeline.name),
        "plan": partial(make_plan, source, store, request),
        "scan and stat the inputs alone": partial(_scan, inbox),
        "scan and stat the outputs alone": partial(_scan, output_dir),
    }
    for name, seconds in (taken := in_turn(cases, rounds=5 if quick else 15)).items():
        row = (f"in process: {name}", ms(statistics.median(seconds)), ms(min(seconds)), "")
        result.rows.append(row)
    median = statistics.median(taken["plan"])
    times = ratio(taken["plan"], taken["scan and stat the inputs alone"])
    asked = f"plan <= {ms(PLAN_SECONDS)}, where scan and stat alone are {ms(SCAN_SECONDS)}"
    measured = f"{ms(median)}, {times:.1f} x scan and stat alone"
    result.claims.append(Claim(asked, measured, median <= PLAN_SECONDS))
    result.notes.append(
        f"the {ms(PLAN_SECONDS)} were asked of a machine that needs {ms(SCAN_SECONDS)} for scan "
        f"and stat alone, {PLAN_SECONDS / SCAN_SECONDS:.1f} x as much; here it is {times:.1f} x"
    )


def _scan(folder: Path) -> int:
    """Stat every file below a folder, and do nothing with what is found."""
    number, folders = 0, [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    number += entry.stat().st_size > 0
    return number


if __name__ == "__main__":
    sys.exit(main(measure))
