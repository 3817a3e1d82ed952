"""Where the time of a job's items went, on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipewarden.app.cli import main

PIPELINE = """
import pipewarden as pw


def read(path):
    with pw.stage("parse"):
        return {"text": path.read_text()}


told = pw.Pipeline(name="told", process=read)
untold = pw.Pipeline(name="untold", process=lambda path: {"text": path.read_text()})
"""


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return what runs a command where two pipelines and an input are, and gives what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "of_stages.py").write_text(PIPELINE)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "one").write_text("one")

    def carry_out(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["pipewarden", *arguments])
        assert main.carry_out(list(arguments)) == 0
        return capsys.readouterr().out

    return carry_out


@pytest.mark.parametrize(
    ("pipeline", "stages"), [("told", ["work", "parse"]), ("untold", ["work"])]
)
def test_the_status_of_a_job_tells_the_stages_of_its_items(
    said: Callable[..., str], pipeline: str, stages: list[str]
) -> None:
    said("run", f"of_stages:{pipeline}", "inbox", "--executor", "inline")
    (job,) = json.loads(said("jobs", "list", "--json"))["jobs"]
    told = json.loads(said("jobs", "status", job["id"], "--json"))["stages"]
    assert [one["stage"] for one in told] == stages
    assert [one["items"] for one in told] == [1] * len(stages)
    assert ("stages " in said("jobs", "status", job["id"])) == (pipeline == "told")
