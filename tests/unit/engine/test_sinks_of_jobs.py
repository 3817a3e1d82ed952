"""A job that ended says where its documents are: its event, the ledger, its status, its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.app.api.views import JobStatusView
from pipewarden.core.jobs import JobStatus
from pipewarden.jobs import audit, requests
from pipewarden.jobs.queue.pace import pace
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state import outbox


def shout(path: Path) -> dict[str, str]:
    return {"said": path.read_text().upper()}


SHOUTS = pw.Pipeline(name="shouts", process=shout, pattern="*.txt")
KINDS = {name: {"kind": "jsonl", "folder": name} for name in ("archive", "beside")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    for name in "ab":
        Path("raw", f"{name}.txt").write_text(name)
    Path("beside").write_text("no folder")
    return tmp_path


def ended(folder, sinks):
    """Run a job; return its report, its last event's data, its last act's details, its status."""
    place = Workspace(Settings(home=folder, sinks=sinks))
    report = pw.run(SHOUTS, "raw", workspace=place, executor="inline")
    job = requests.find(place, report.run_id)
    with place.database.read() as conn:
        _, event = outbox.page(conn)[-1]
    assert (job.status, event.type) == (JobStatus.COMPLETED, "io.pipewarden.job.completed")
    act = audit.entries(place, action="run.finished", subject=job.id)[-1]
    view = JobStatusView.of(job, pace(place, job), requests.sinks_of(place, job))
    place.database.close()
    return report.facts, event.data, act.details, json.loads(view.model_dump_json())


def test_one_sink_is_down_and_the_job_says_which(folder):
    told = ended(folder, KINDS)
    for facts in told:
        assert facts["sinks"] == {
            "archive": {"delivered": 2, "spooled": 0, "refused": 0},
            "beside": {"delivered": 0, "spooled": 2, "refused": 0},
        }


def test_without_sinks_nothing_is_said_of_them(folder):
    facts, event, details, view = ended(folder, {})
    assert not any("sinks" in told for told in (facts, event, details))
    assert view["sinks"] == {}
