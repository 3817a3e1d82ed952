"""The filings pipeline on real filings: beside the peers, by stage, and with two workers.

The documents are those of ``PIPEWARDEN_DATA`` (a folder with ``filings/``). MB are uncompressed
bytes. Ours is a whole run: scan, plan, decode to gated, written segments, commit, report.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measuring import ROOT, Claim, Result, answered, main, peak_mb, peer, peer_versions, scratch

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data") / "filings"
PEER_RATIOS = {"edgartools": 10.0, "sec-parser": 4.0}
WORKERS_RATIO, WORKERS_MB, QUICK_WORKERS_MB = 1.7, 400, 60
#: The stages of one filing: the module of each function, by its name there.
_STAGES = {
    "read and decode, to paragraphs": ("pipelines.filings.process", "read_document"),
    "metadata": ("pipelines.filings.process", "gather"),
    "find the section": ("pipelines.filings.process", "outline_of"),
    "paragraphs of the section": ("pipelines.filings.process", "paragraphs_of"),
    "answer": ("pipelines.filings.process", "answer_of"),
    "segments and result": ("pipelines.filings.process", "_filing"),
    "hash the input, before and after": ("engine.worker", "compute_file_hash"),
    "judge": ("core.gate", "Gate.evaluate"),
    "encode": ("engine.publication.documents", "encode"),
    "write and force to disk": ("store.files.durable", "stage"),
}


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result(
        "The filings pipeline", ("what", "per filing", "MB/s or share", "ours is faster by", "peak")
    )
    files = sorted([*DATA.glob("*.htm*"), *DATA.glob("*.html*")])
    if not files:
        result.claims.append(Claim("real filings", "no documents; set PIPEWARDEN_DATA", None))
        return result
    with scratch() as folder:
        (folder / "inbox").mkdir()
        for file in files:
            (folder / "inbox" / file.name).symlink_to(file.absolute())
        _beside_peers(result, folder, files, rounds=1 if quick else 3)
        _by_stage(result, folder, len(files))
        _two_workers(result, folder, files, QUICK_WORKERS_MB if quick else WORKERS_MB, quick)
    return result


def _plain(file: Path) -> bytes:
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data


def _beside_peers(result: Result, folder: Path, files: list[Path], rounds: int) -> None:
    megabytes = sum(len(_plain(file)) for file in files) / 1e6
    names, script = [str(file) for file in files], Path(__file__).with_name("filings_peers.py")
    cases: dict[str, Callable[[], Any]] = {
        "pipewarden, inline": partial(_ours, folder, folder / "inbox", "inline", 1),
        "naive block text and regex": partial(answered, sys.executable, script, "naive", *names),
    }
    python = peer("python")
    for tool in PEER_RATIOS if python else ():
        cases[tool] = partial(answered, str(python), script, tool, *names)
    told: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            told[name].append(case())
    ours = [t["seconds"] for t in told["pipewarden, inline"]]
    for name, answers in told.items():
        seconds = [t["seconds"] for t in answers]
        times = statistics.median(s / o for s, o in zip(seconds, ours, strict=True))
        typical, peak = statistics.median(seconds), max(t["peak_mb"] for t in answers)
        row = [name, f"{typical / len(files) * 1e3:,.0f} ms", f"{megabytes / typical:.1f}"]
        shown = "" if name.startswith("pipewarden") else f"{times:.2f} x"
        result.rows.append((*row, shown, f"{peak:,.0f} MB"))
        if name in PEER_RATIOS:
            asked = f"whole pipeline >= {PEER_RATIOS[name]:g} x faster than {name}"
            result.claims.append(Claim(asked, f"{times:.1f} x", times >= PEER_RATIOS[name]))
    for name in PEER_RATIOS.keys() - told.keys():
        result.claims.append(Claim(f"faster than {name}", "it is not set up", None))
    result.notes.append(f"{len(files)} HTML filings, {megabytes:.1f} MB uncompressed")
    result.peers |= peer_versions(*PEER_RATIOS)


def _by_stage(result: Result, folder: Path, files: int) -> None:
    asked = ("--run", folder / "inbox", folder / "staged", "inline", "1", "stages")
    told = answered(sys.executable, __file__, *asked)
    stages = told["stages"]
    rest = told["seconds"] - sum(stages.values())
    for name, seconds in {**stages, "plan, commit, report, the rest": rest}.items():
        share = f"{seconds / told['seconds'] * 100:.0f} %"
        result.rows.append((f"of it: {name}", f"{seconds / files * 1e3:.1f} ms", share, "", ""))


def _two_workers(
    result: Result, folder: Path, files: list[Path], megabytes: int, quick: bool
) -> None:
    """Run over many copies, every one with different text, with one and with two workers."""
    inbox, written, number = folder / "copies", 0, 0
    inbox.mkdir()
    while written < megabytes * 1e6:
        number += 1
        for file in files:
            data = _plain(file).replace(b"risks", b"risks%d" % number)
            written += len(data)
            (inbox / f"{number:03d}_{file.name.removesuffix('.gz')}").write_bytes(data)
    taken: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(1 if quick else 3):
        for workers, told in taken.items():
            told.append(_ours(folder, inbox, "processes", workers))
    for workers, told in taken.items():
        seconds, peak = (
            statistics.median(t["seconds"] for t in told),
            max(t["peak_mb"] for t in told),
        )
        each, speed = seconds / (number * len(files)), written / 1e6 / seconds
        name = f"pipewarden, {workers} worker{'s' * (workers > 1)}, {written / 1e6:.0f} MB"
        result.rows.append((name, f"{each * 1e3:,.0f} ms", f"{speed:.1f}", "", f"{peak:,.0f} MB"))
    pairs = zip(taken[1], taken[2], strict=True)
    times = statistics.median(one["seconds"] / two["seconds"] for one, two in pairs)
    asked = f"two workers >= {WORKERS_RATIO} x one, on {written / 1e6:.0f} MB"
    holds = times >= WORKERS_RATIO if written >= WORKERS_MB * 1e6 else None
    result.claims.append(Claim(asked, f"{times:.2f} x", holds))


def _ours(folder: Path, inbox: Path, executor: str, workers: int) -> dict[str, float]:
    home = folder / f"home-{time.monotonic_ns()}"
    told = answered(
        sys.executable, __file__, "--run", str(inbox), str(home), executor, str(workers)
    )
    return {name: float(value) for name, value in told.items() if name != "stages"}


# ── in a process of its own ──────────────────────────────────────────────────────────────────────


def _run(inbox: Path, home: Path, executor: str, workers: int, stages: bool) -> dict[str, Any]:
    """Run the pipeline once over a folder it has not seen."""
    import resource

    import pipewarden as pw
    from pipewarden.jobs.workspace import Workspace
    from pipewarden.pipelines.filings.pipeline import build
    from pipewarden.settings import Settings

    for left in inbox.glob(".manifest*"):
        left.unlink()
    pipeline, workspace = build(), Workspace(Settings(home=home))
    if pipeline.setup is not None:
        pipeline.setup()
    spent = _timed_stages() if stages else {}
    began = time.perf_counter()
    report = pw.run(pipeline, inbox, workspace=workspace, executor=executor, workers=workers)
    seconds = time.perf_counter() - began
    assert report.progress.accounted == report.progress.seen
    peak = peak_mb() if executor == "inline" else peak_mb(resource.RUSAGE_CHILDREN)
    counts = {"published": report.progress.published, "quarantined": report.progress.quarantined}
    return {"seconds": seconds, "peak_mb": peak, "stages": spent, **counts}


def _timed_stages() -> dict[str, float]:
    """Wrap every stage with a clock; return the seconds of each, filled as they run."""
    from importlib import import_module

    spent = dict.fromkeys(_STAGES, 0.0)

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] += time.perf_counter() - began

        return call

    for name, (module, path) in _STAGES.items():
        holder: Any = import_module(f"pipewarden.{module}")
        *parts, last = path.split(".")
        for part in parts:
            holder = getattr(holder, part)
        setattr(holder, last, clocked(name, getattr(holder, last)))
    return spent


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        at, into, how, number = sys.argv[2:6]
        print(json.dumps(_run(Path(at), Path(into), how, int(number), "stages" in sys.argv)))
    else:
        sys.exit(main(measure))
