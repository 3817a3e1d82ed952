"""Killed before any step on the disk, a download shows no half file and ends complete."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgar_stub import EdgarStub, document, row

from pipewarden.pipelines.filings.edgar import DownloadReport

SCRIPT = Path(__file__).with_name("kill_at_each_window.py")
FILINGS = [row(1, 2023)]
BODIES = {
    f"42_10-K_{filing['reportDate']}_{filing['accessionNumber']}.htm": document(
        filing["accessionNumber"]
    )
    for filing in FILINGS
}


@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_a_kill_at_any_step_leaves_whole_files_only_and_the_next_run_completes(
    stub: EdgarStub, fetch_all: Callable[..., DownloadReport], tmp_path: Path, kind: str
) -> None:
    stub.company(42, FILINGS)
    command = [sys.executable, str(SCRIPT), stub.url, str(tmp_path), kind]
    subprocess.run(command, check=True, timeout=60)
    killed = sorted(tmp_path.iterdir())
    assert len(killed) > 10
    for folder in killed:
        before = whole_filings(folder)
        report = fetch_all(folder=folder, gzip=kind == "gzip")
        assert report.exit_code == 0
        assert report.counts["known"] == len(before)
        assert whole_filings(folder) == BODIES
        assert [path.name for path in folder.glob(".*") if path.name != ".edgar.lock"] == []


def whole_filings(folder: Path) -> dict[str, bytes]:
    """Return the filings under a final name; each must be whole."""
    found = {}
    for path in folder.glob("42_*"):
        raw = path.read_bytes()
        found[path.name.removesuffix(".gz")] = gzip.decompress(raw) if path.suffix == ".gz" else raw
    assert found.items() <= BODIES.items()
    return found
