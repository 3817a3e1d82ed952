"""The tutorial's own files and commands, run as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-pipeline.md"
_BLOCK = re.compile(
    r"^```(?P<language>\w+) (?P<about>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One fenced block that is meant to be used: a file to write, or commands to run."""

    about: dict[str, str]
    text: str


def blocks() -> Iterator[Block]:
    for match in _BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        about = dict(part.partition("=")[::2] for part in match["about"].split())
        yield Block(about, match["text"])


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eu", "-c", text],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def transcript(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The tutorial's commands with what each printed, in order."""
    folder = tmp_path_factory.mktemp("tutorial")
    printed: list[tuple[str, str]] = []
    for block in blocks():
        if "file" in block.about:
            (folder / block.about["file"]).write_text(block.text, encoding="utf-8")
            continue
        done = run(block.text, folder)
        expected = int(block.about.get("exit", "0"))
        assert done.returncode == expected, f"{block.text}\n{done.stdout}\n{done.stderr}"
        printed.append((block.text, done.stdout))
    return printed


def output_of(transcript: list[tuple[str, str]], part: str) -> str:
    return next(output for command, output in transcript if part in command)


def test_the_pipeline_takes_about_thirty_lines() -> None:
    code = next(b.text for b in blocks() if b.about.get("file") == "invoices.py")
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


def test_the_dry_run_finds_five_new_items(transcript: list[tuple[str, str]]) -> None:
    assert re.search(r"new\s+5\b|\b5 new\b", output_of(transcript, "--dry-run"))


def test_the_published_document_says_where_it_comes_from(
    transcript: list[tuple[str, str]],
) -> None:
    document = output_of(transcript, "march.csv.json")
    assert '"total": 22.0' in document
    assert '"path": "march.csv"' in document
    assert '"status": "PASS"' in document


def test_the_quarantine_names_each_item_and_its_reason(transcript: list[tuple[str, str]]) -> None:
    listed = output_of(transcript, "quarantine list")
    for word in ("credit-note.csv", "total_is_positive", "april.csv", "duplicate_number"):
        assert word in listed
    assert "april-again.csv" not in listed


def test_only_the_mended_file_is_processed_again(transcript: list[tuple[str, str]]) -> None:
    printed = output_of(transcript, "status inbox --explain")
    assert "changed" in printed
    assert "broken.csv" in printed


def test_a_release_is_in_the_ledger_with_its_reason(transcript: list[tuple[str, str]]) -> None:
    printed = output_of(transcript, "quarantine release")
    assert "item.released" in printed
    assert "credit notes are welcome" in printed


def test_the_script_finds_nothing_left_to_do(transcript: list[tuple[str, str]]) -> None:
    assert "COMPLETED" in output_of(transcript, "nightly.py")
