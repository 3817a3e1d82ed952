"""How the plan grows: 10,000, 100,000 and 1,000,000 manifest entries, as a file and as rows.

Inputs and outputs are real, empty files, on tmpfs where there is one, so that the disk is not what
is measured; the state database lies on the disk of the repository. Each plan is made by a process
of its own, whose peak memory is stated. Nothing has changed: every entry is read and compared,
every input and output is examined.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import Claim, Result, answered, main, ms, peak_mb, scratch

from pipewarden.core.planning import Fingerprints, Policy
from pipewarden.engine.planner import PlanRequest, make_plan
from pipewarden.engine.source import Scan, Source
from pipewarden.jobs.workspace import utc_now
from pipewarden.store.files.hashing import Signature
from pipewarden.store.manifest.contract import FileStore, ManifestStore, TableStore
from pipewarden.store.manifest.manifest_file import ManifestFile
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.manifest.table import TableManifest
from pipewarden.store.state.database import Database

PER_FOLDER = 1_000
EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PRINTS = Fingerprints("1/0123456789abcdef/0123456789abcdef", "0123456789abcdef", "0123456789abcdef")
#: Entries → the bounds asked for: seconds, and MB at the peak.
BOUNDS = {100_000: (2.0, None), 1_000_000: (20.0, 2_000)}
_SHARED_MEMORY = Path("/dev/shm")
_BATCH = 20_000


def measure(quick: bool) -> Result:
    """Return the figures."""
    on_tmpfs = _SHARED_MEMORY.is_dir()
    result = Result(
        "A plan over many entries, nothing changed",
        ("entries", "manifest", "read", "plan", "per entry", "peak memory"),
    )
    sizes = (10_000,) if quick else (10_000, 100_000, 1_000_000)
    for entries in sizes:
        with scratch(_SHARED_MEMORY if on_tmpfs else None) as files, scratch() as disk:
            _touch(files, entries)
            for kind in ("file", "table") if entries < 1_000_000 else ("table",):
                _build(files, disk, kind)
                told = answered(sys.executable, __file__, "--plan", kind, str(files), str(disk))
                _add(result, entries, kind, told)
    where = "tmpfs" if on_tmpfs else "the disk of the repository (there is no tmpfs)"
    result.notes.append(f"inputs and outputs are real empty files on {where}")
    return result


def _add(result: Result, entries: int, kind: str, told: dict[str, Any]) -> None:
    assert told["unchanged"] == entries, told
    name = {"file": "JSON file", "table": "state database"}[kind]
    seconds, memory = told["read"] + told["plan"], told["peak_mb"]
    each = f"{seconds / entries * 1e6:.1f} us"
    row = (f"{entries:,}", name, ms(told["read"]), ms(told["plan"]), each, f"{memory:,.0f} MB")
    result.rows.append(row)
    if entries not in BOUNDS:
        return
    bound, ceiling = BOUNDS[entries]
    asked, measured = f"{entries:,} entries, {name}: <= {bound:g} s", f"{seconds:.2f} s"
    if ceiling is not None:
        asked, measured = f"{asked} and {ceiling:,} MB", f"{measured} and {memory:,.0f} MB"
    holds = seconds <= bound and (ceiling is None or memory <= ceiling)
    result.claims.append(Claim(asked, measured, holds))


def _touch(folder: Path, entries: int) -> None:
    """Make empty inputs, and an empty output for each."""
    old = time.time_ns() - 10**12
    for number in range(entries):
        group = f"{number // PER_FOLDER:04d}"
        if number % PER_FOLDER == 0:
            (folder / "inbox" / group).mkdir(parents=True)
            (folder / "outputs" / group).mkdir(parents=True)
        name = f"{group}/item_{number:07d}.txt"
        for path in (f"{folder}/inbox/{name}", f"{folder}/outputs/{name}.json"):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            os.utime(path, ns=(old, old))


def _entry(key: str, number: int) -> Entry:
    return {
        "hash": EMPTY,
        "status": "success",
        "run_id": "20260101_000000_synthetic",
        "attempt_count": 0,
        "validation_report": {"status": "PASS", "misses": []},
        "fingerprint": PRINTS.pipeline,
        "measures": PRINTS.measures,
        "thresholds": PRINTS.thresholds,
        "last_processed": f"2026-01-01T00:00:00.{number:07d}+00:00",
        "output_path": f"../outputs/{key}.json",
        "output_hash": EMPTY,
    }


def _build(files: Path, disk: Path, kind: str) -> None:
    """Write the manifest of the files as they are."""
    inputs = Source.at(files / "inbox", ("*.txt",)).scan().found
    outputs = Scan.of(Source(files / "outputs", ("*",))).found
    database = Database.open(f"sqlite:///{disk}/state.db")
    path = files / "inbox" / ".manifest.json"
    keys = sorted(inputs)
    if kind == "file":
        file = ManifestFile(path, utc_now)
        file.document.files.update((key, _entry(key, n)) for n, key in enumerate(keys))
        for key in keys:
            file.stats.put(key, _signature(inputs[key]), _signature(outputs[f"{key}.json"]))
        file.save()
    else:
        table = TableManifest(database, str(path))
        for start in range(0, len(keys), _BATCH):
            some = keys[start : start + _BATCH]
            table.commit(list(_records(some, start)))
            table.save_stats((key, (inputs[key], outputs[f"{key}.json"])) for key in some)
    database.close()


def _records(keys: list[str], start: int) -> Iterator[Record]:
    for number, key in enumerate(keys, start):
        yield Record(run_id="synthetic", seq=0, at="", key=key, entry=_entry(key, number))


def _signature(row: list[int] | None) -> Signature | None:
    return (row[0], row[1], row[2], row[3]) if row else None


def _plan(kind: str, files: Path, disk: Path) -> dict[str, Any]:
    """Read the manifest and make the plan, in this process."""
    database = Database.open(f"sqlite:///{disk}/state.db")
    source = Source.at(files / "inbox", ("*.txt",))
    request = PlanRequest(wanted=PRINTS, policy=Policy(), output_dir=files / "outputs")
    began = time.perf_counter()
    path = files / "inbox" / ".manifest.json"
    store: ManifestStore
    if kind == "table":
        store = TableStore(TableManifest(database, str(path)), path.parent)
    else:
        store = FileStore(ManifestFile(path, utc_now), database)
    store.get("")
    read = time.perf_counter() - began
    planned = make_plan(source, store, request)
    seconds = time.perf_counter() - began - read
    counts = planned.plan.counts()
    return {"read": read, "plan": seconds, "peak_mb": peak_mb(), **counts}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plan"]:
        print(json.dumps(_plan(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))
        sys.exit()
    sys.exit(main(measure))
