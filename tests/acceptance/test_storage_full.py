"""A disk that is full stops the run with a clear word, keeps what was committed, and no more."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.errors import StorageUnavailable
from pipewarden.jobs import audit
from pipewarden.jobs.run import run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

SMALL = "256k"


def fill(path: Path):
    return {"text": path.read_text() * 60}


PIPELINE = pw.Pipeline(name="texts", process=fill, pattern="*.txt")


def resize(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def leave_free(folder: Path, number: int) -> Path:
    """Fill the disk up but for so many bytes; return the file that does it."""
    free = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * (free.f_bavail * free.f_bsize - number))
    return ballast


@pytest.fixture
def small_disk(tmp_path: Path, skip_loudly):
    """Return a folder on a file system of its own that is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        skip_loudly("a full disk cannot be had (a small tmpfs is root's to mount)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def workspace(tmp_path: Path):
    held = Workspace(Settings(home=tmp_path / "home", researcher="tester"))
    yield held
    held.database.close()


def write(inbox: Path, number: int, size: int) -> None:
    inbox.mkdir(exist_ok=True)
    for n in range(number):
        (inbox / f"{n:03d}.txt").write_text(str(n % 10) * size)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_outputs_that_do_not_fit(small_disk, tmp_path, workspace, executor):
    inbox = tmp_path / "inbox"
    write(inbox, 100, 200)
    options = {"executor": executor, "workers": 2, "output_dir": str(small_disk / "out")}
    with pytest.raises(StorageUnavailable, match="no space left") as caught:
        run(PIPELINE, inbox, workspace=workspace, **options)
    assert caught.value.exit_code == 4
    assert "free space" in caught.value.next_step
    assert not audit.verify(workspace).faults
    whole = [p for p in (small_disk / "out").glob("*.json") if json.loads(p.read_bytes())]
    assert len(whole) < 100
    resize(small_disk, "20m")
    report = run(PIPELINE, inbox, workspace=workspace, **options)
    assert report.status == "COMPLETED"
    assert len(list((small_disk / "out").glob("*.json"))) == 100
    assert pw.StateManifest(inbox / ".manifest.json").load().get_statistics()["success"] == 100


def test_a_manifest_that_does_not_fit(small_disk, workspace):
    inbox = small_disk / "inbox"
    resize(small_disk, "2m")
    write(inbox, 20, 10)
    run(PIPELINE, inbox, workspace=workspace, executor="inline")
    before = (inbox / ".manifest.json").read_bytes()
    write(inbox, 60, 20)
    ballast = leave_free(small_disk, 8_192)
    with pytest.raises(StorageUnavailable, match="no space left"):
        run(PIPELINE, inbox, workspace=workspace, executor="inline")
    assert (inbox / ".manifest.json").read_bytes() == before
    known = pw.StateManifest(inbox / ".manifest.json").load().get_statistics()
    assert known["total"] >= 20
    ballast.unlink()
    resize(small_disk, "20m")
    report = run(PIPELINE, inbox, workspace=workspace, executor="inline")
    assert report.status == "COMPLETED"
    assert pw.StateManifest(inbox / ".manifest.json").load().get_statistics()["success"] == 60
    assert not audit.verify(workspace).faults


def test_a_state_database_that_does_not_fit(small_disk, tmp_path):
    inbox = tmp_path / "inbox"
    write(inbox, 20, 10)
    settings = Settings(
        home=tmp_path / "home",
        researcher="tester",
        database_url=f"sqlite:///{small_disk / 'state.db'}",
    )
    resize(small_disk, "2m")
    workspace = Workspace(settings)
    run(PIPELINE, inbox, workspace=workspace, executor="inline")
    write(inbox, 400, 20)
    ballast = leave_free(small_disk, 8_192)
    with pytest.raises(StorageUnavailable) as caught:
        run(PIPELINE, inbox, workspace=workspace, executor="inline")
    assert caught.value.exit_code == 4
    ballast.unlink()
    resize(small_disk, "50m")
    report = run(PIPELINE, inbox, workspace=workspace, executor="inline")
    assert report.status == "COMPLETED"
    assert report.progress.accounted == 400
    assert not audit.verify(workspace).faults
    workspace.database.close()
