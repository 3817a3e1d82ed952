"""No secret reaches a file: whatever a run leaves is searched for it, byte by byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "hunter2hunter2"
PIPELINE = f"""
import pipewarden as pw

def read(path):
    if path.name == "bad.txt":
        raise ConnectionError("cannot reach postgresql://bob:{SECRET}@db/x?password={SECRET}")
    return {{"name": path.name}}

def build(settings):
    return pw.Pipeline(name="k", pattern="*.txt", process=read, settings=dict(settings))
"""
SETTINGS = """
pipelines:
  build:
    api_key: {secret}
    url: https://me:{secret}@host/path
    nested: {{auth: {{password: {secret}}}, header: "Bearer {secret}"}}
    max_tokens: 100
"""


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipewarden", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "k.py").write_text(PIPELINE)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.txt").write_text("good")
    (tmp_path / "in" / "bad.txt").write_text("bad")
    return tmp_path


def leaks(folder: Path) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix not in (".py", ".pyc")
        and path.name != "pipewarden.yaml"
        and SECRET.encode() in path.read_bytes()
    ]


def test_settings_and_errors_leave_no_secret_behind(folder: Path) -> None:
    (folder / "pipewarden.yaml").write_text(SETTINGS.format(secret=SECRET))
    done = command(folder, "run", "k:build", "in", "--set", f"token={SECRET}")
    assert done.returncode == 1, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert leaks(folder) == []
    shown = command(folder, "config", "show", "--json")
    assert SECRET not in shown.stdout
    assert '"max_tokens": 100' in shown.stdout


def test_a_rerun_takes_its_secret_from_today_or_refuses(folder: Path) -> None:
    command(folder, "run", "k:build", "in", "--set", f"token={SECRET}")
    (run,) = (path.name for path in (folder / "data" / "runs").iterdir())
    refused = command(folder, "rerun", run)
    assert refused.returncode == 2
    assert "token" in refused.stderr
    (folder / "pipewarden.yaml").write_text(f"pipelines: {{build: {{token: {SECRET}}}}}")
    again = command(folder, "rerun", run)
    assert again.returncode == 1, again.stderr
    assert "2 forced" in again.stdout
    assert leaks(folder) == []
