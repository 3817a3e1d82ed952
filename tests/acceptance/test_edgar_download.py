"""`pipewarden filings download`, as a person runs it, against an EDGAR that misbehaves."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from edgar_stub import EdgarStub

STUB = Path(__file__).parents[1] / "unit" / "filings_edgar" / "edgar_stub.py"
COMMAND = [str(Path(sys.executable).with_name("pipewarden")), "filings", "download"]
AGENT = "Test Research test@example.org"


def load_stub() -> Any:
    """Return the stub that the unit tests use; tests are imported by path, and so is this."""
    if "edgar_stub" not in sys.modules:
        spec = importlib.util.spec_from_file_location("edgar_stub", STUB)
        assert spec is not None and spec.loader is not None
        sys.modules["edgar_stub"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["edgar_stub"])
    return sys.modules["edgar_stub"]


EDGAR = load_stub()
FILINGS = [EDGAR.row(1, 2023), EDGAR.row(2, 2022), EDGAR.row(3, 2021), EDGAR.row(4, 2020)]
BODIES = {
    f"42_10-K_{filing['reportDate']}_{filing['accessionNumber']}.htm": EDGAR.document(
        filing["accessionNumber"]
    )
    for filing in FILINGS
}


@pytest.fixture
def stub() -> Iterator[EdgarStub]:
    with EDGAR.running() as stub:
        stub.company(42, FILINGS)
        stub.put("/files/company_tickers.json", {"0": {"cik_str": 42, "ticker": "WDGT"}})
        yield stub


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def started(url: str, folder: Path, *options: str, agent: str = AGENT) -> subprocess.Popen[str]:
    edgar = {"WWW_URL": url, "DATA_URL": url, "USER_AGENT": agent}
    given = {f"PIPEWARDEN_EDGAR_{name}": value for name, value in edgar.items()}
    return subprocess.Popen(
        [*COMMAND, "--requests-per-second", "10", "--output-dir", str(folder), *options],
        env={**os.environ, **given, "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    url: str, folder: Path, *options: str, agent: str = AGENT
) -> subprocess.CompletedProcess[str]:
    with started(url, folder, *options, agent=agent) as process:
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def stored(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("42_*")}


def index(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_a_company_is_downloaded_once(stub: EdgarStub, raw: Path) -> None:
    first = run(stub.url, raw, "--ticker", "wdgt", "--form", "10-k", "--limit", "2")
    assert first.returncode == 0, first.stderr
    assert "Filings: 2 downloaded" in first.stdout
    assert stored(raw) == dict(list(BODIES.items())[:2])
    for name, row in index(raw).items():
        assert row["sha256"] == hashlib.sha256(BODIES[name]).hexdigest()
        assert (row["cik"], row["sic"], row["fiscal_year"]) == ("42", "3571", name[8:12])
    again = run(stub.url, raw, "--cik", "0000000042", "--json")
    report = json.loads(again.stdout)
    assert report["counts"] == {
        "downloaded": 2,
        "known": 2,
        "processed": 0,
        "planned": 0,
        "failed": 0,
    }
    assert len(stub.paths("Archives")) == 4
    assert all(seen.headers["user-agent"] == AGENT for seen in stub.seen)


def test_a_dry_run_says_what_would_be_fetched(stub: EdgarStub, raw: Path) -> None:
    planned = run(stub.url, raw, "--cik", "42", "--dry-run", "--gzip", "--years", "100")
    assert planned.returncode == 0, planned.stderr
    assert all(f"planned {name}.gz" in planned.stderr for name in BODIES)
    assert not raw.exists()
    none = run(stub.url, raw, "--cik", "42", "--dry-run", "--years", "1", "--form", "8-K")
    assert (none.returncode, "none matches" in none.stdout) == (0, True)


def test_a_failed_document_is_named_and_the_others_are_stored(stub: EdgarStub, raw: Path) -> None:
    broken = stub.resources[EDGAR.document_path(42, FILINGS[1])]
    broken.mishaps.extend([EDGAR.status(503, Retry_After="0")] * 3)
    first = run(stub.url, raw, "--cik", "42", "--attempts", "3")
    assert first.returncode == 1
    assert f"failed: Widget & Sons, Inc. 10-K 2022-12-31 {FILINGS[1]['accessionNumber']}" in (
        first.stdout
    )
    assert len(stored(raw)) == 3
    assert run(stub.url, raw, "--cik", "42").returncode == 0
    assert stored(raw) == BODIES


@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_a_killed_download_shows_no_half_file_and_ends_complete(
    stub: EdgarStub, raw: Path, kind: str
) -> None:
    path = EDGAR.document_path(42, FILINGS[1])
    stub.resources[path].mishaps.append(EDGAR.stall_after(1000))
    with started(stub.url, raw, "--cik", "42", f"--{'no-' * (kind == 'plain')}gzip") as process:
        assert stub.stalled.wait(30)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert len(stored(raw)) == len(index(raw)) == 1
    again = run(stub.url, raw, "--cik", "42")
    assert again.returncode == 0, again.stderr
    assert len(stored(raw)) == len(index(raw)) == 4
    assert len(stub.paths(EDGAR.document_path(42, FILINGS[0]))) == 1
    for name, row in index(raw).items():
        assert row["sha256"] == hashlib.sha256((raw / name).read_bytes()).hexdigest()


def test_ctrl_c_says_how_to_continue(stub: EdgarStub, raw: Path) -> None:
    path = EDGAR.document_path(42, FILINGS[1])
    stub.resources[path].mishaps.append(EDGAR.stall_after(1000))
    with started(stub.url, raw, "--cik", "42") as process:
        assert stub.stalled.wait(30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Run the same command again to continue" in err
    assert run(stub.url, raw, "--cik", "42").returncode == 0
    assert stored(raw) == BODIES


@pytest.mark.parametrize("agent", ["", "a browser"])
def test_without_a_declared_user_agent_nothing_is_asked(
    stub: EdgarStub, raw: Path, agent: str
) -> None:
    refused = run(stub.url, raw, "--cik", "42", agent=agent)
    assert refused.returncode == 2
    assert "fair-access policy" in refused.stderr
    assert "10 requests per second" in refused.stderr
    assert stub.seen == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "no company is named"),
        (("--cik", "WDGT"), "is not a CIK"),
        (("--ticker", "NOPE"), "no NOPE"),
        (("--cik", "42", "--requests-per-second", "11"), "at most 10"),
    ],
)
def test_what_was_asked_wrongly_is_a_usage_error(
    stub: EdgarStub, raw: Path, options: tuple[str, ...], words: str
) -> None:
    refused = run(stub.url, raw, *options)
    assert (refused.returncode, words in refused.stderr) == (2, True), refused.stderr
    assert not stored(raw)


def test_nothing_reached_has_an_exit_code_of_its_own(raw: Path) -> None:
    nowhere = run("http://127.0.0.1:1", raw, "--ticker", "WDGT", "--cik", "42", "--attempts", "1")
    assert nowhere.returncode == 4
    assert "failed: CIK 42 (unreachable)" in nowhere.stdout
