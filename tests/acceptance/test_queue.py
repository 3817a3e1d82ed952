"""Queued jobs and the real runner service: nothing lost, nothing doubled, whoever is killed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType

import pytest

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.jobs import requests
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.retention import prune
from pipewarden.jobs.queue.submission import submit
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
#: Seconds after which what has not happened never will; nothing takes a tenth of it.
PATIENCE = 300.0
#: More items than are done between two looks of a runner at its job's row.
MANY = 2_000

PIPELINE = '''
"""Counts words of records. A record that says "hold" waits for a file named "go"."""

import time
from pathlib import Path

import pipewarden as pw

HERE = Path(__file__).parent


def count(record: dict) -> dict:
    text = record["text"]
    if "die" in text and not (HERE / "immune").exists():
        import os, signal
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    if "boom" in text and not (HERE / "mended").exists():
        raise ValueError("it went boom")
    if "hold" in text:
        (HERE / f"held-{record['id']}").touch()
        while not ((HERE / "go").exists() or (HERE / f"go-{record['id']}").exists()):
            time.sleep(0.005)
    return {"id": record["id"], "words": len(text.split())}


words = pw.Pipeline(name="words", process=count, records="id")
lines = pw.Pipeline(name="lines", process=count, records="id", lines="words.jsonl")
'''


@dataclass
class Place:
    """A folder with a pipeline, and the services that were started in it."""

    folder: Path
    database_url: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        held = {"PIPEWARDEN_LEASE_SECONDS": "5", "PIPEWARDEN_RESEARCHER": "ada"}
        if self.database_url:
            held["PIPEWARDEN_DATABASE_URL"] = self.database_url
        return {**os.environ, **held}

    @cached_property
    def workspace(self) -> Workspace:
        settings = Settings(
            home=self.folder, database_url=self.database_url, researcher="ada", lease_seconds=5
        )
        return Workspace(settings)

    @cached_property
    def pipelines(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("mine", self.folder / "mine.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def records(self, name: str, *texts: str) -> Path:
        path = self.folder / f"{name}.jsonl"
        rows = [{"id": f"{name}-{n}", "text": text} for n, text in enumerate(texts)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def submit(self, name: str, *texts: str, pipeline: str = "words") -> str:
        """Submit as the command does, without its start."""
        options = RunOptions(pipeline=f"mine:{pipeline}", source=str(self.records(name, *texts)))
        return submit(getattr(self.pipelines, pipeline), options, self.workspace).id

    def submit_by_command(self, name: str, *texts: str) -> str:
        path = self.records(name, *texts)
        done = self.run("jobs", "submit", "mine:words", str(path), "--workers", "1", "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def serve(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, "serve", "--no-http", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def job(self, job_id: str) -> Job:
        return requests.find(self.workspace, job_id)

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    def ends(self, job_id: str) -> Job:
        ended = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
        self.until(lambda: self.job(job_id).status in ended)
        return self.job(job_id)

    def held(self, item: str) -> bool:
        return (self.folder / f"held-{item}").exists()

    def release(self) -> None:
        (self.folder / "go").touch()

    def runner_pid(self, job_id: str) -> int:
        return int((self.job(job_id).lease_owner or "").rsplit(":", 2)[1])

    def published(self) -> list[str]:
        return sorted(p.name for p in (self.folder / "data/processed/words").glob("*.json"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "mine.py").write_text(PIPELINE, encoding="utf-8")
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    held = Place(tmp_path, url)
    yield held
    for process in held.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    held.workspace.database.close()


#: For what is the same on every database; what is not is proven on each.
on_one_database = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


def events(place: Place, job_id: str) -> list[str]:
    return [event.event for event in requests.history(place.workspace, job_id)]


def test_a_submitted_job_waits_and_a_service_runs_it_to_its_end(place):
    job_id = place.submit_by_command("a", "one two", "three")
    assert place.job(job_id).status is JobStatus.QUEUED
    place.serve()
    done = place.run("jobs", "watch", job_id)
    assert done.returncode == 0, done.stderr
    assert "COMPLETED: 2 of 2 items done" in done.stdout
    assert place.published() == ["a-0.json", "a-1.json"]
    assert events(place, job_id) == ["queued", "started", "completed"]


@on_one_database
def test_wait_follows_to_the_end_and_ends_as_the_job_does(place):
    place.serve()
    path = place.records("a", "one", "boom")
    done = place.run("jobs", "submit", "mine:words", str(path), "--workers", "1", "--wait")
    assert done.returncode == 1, done.stderr
    assert "1 quarantined" in done.stdout


@on_one_database
def test_without_a_service_the_submission_says_so(place):
    done = place.run("jobs", "submit", "mine:words", str(place.records("a", "one")))
    assert done.returncode == 0
    assert "no runner service is running" in done.stderr


def test_a_job_cancelled_before_pick_up_never_runs(place):
    job_id = place.submit("a", "one")
    assert place.run("jobs", "cancel", job_id).returncode == 0
    other = place.submit("b", "one")
    place.serve()
    assert place.ends(other).status is JobStatus.COMPLETED
    assert place.job(job_id).status is JobStatus.CANCELLED
    assert events(place, job_id) == ["queued", "cancel_requested", "cancelled"]
    assert place.published() == ["b-0.json"]


def test_pause_and_resume_reach_a_running_job(place):
    job_id = place.submit("a", "one", "hold on", *["two"] * MANY, pipeline="lines")
    place.serve()
    place.until(lambda: place.held("a-1"))
    assert place.run("jobs", "pause", job_id).returncode == 0
    place.release()
    place.until(lambda: place.job(job_id).status is JobStatus.PAUSED)
    assert place.run("jobs", "resume", job_id, "--queue").returncode == 0
    ended = place.ends(job_id)
    assert (ended.status, ended.progress.published) == (JobStatus.COMPLETED, MANY + 2)


def test_a_cancel_reaches_a_running_job_in_its_middle(place):
    job_id = place.submit("a", "one", "hold on", *["two"] * MANY, pipeline="lines")
    place.serve()
    place.until(lambda: place.held("a-1"))
    assert place.job(job_id).status is JobStatus.RUNNING
    assert place.run("jobs", "cancel", job_id).returncode == 0
    place.release()
    ended = place.ends(job_id)
    assert ended.status is JobStatus.CANCELLED
    assert ended.progress.published < MANY
    assert events(place, job_id) == ["queued", "started", "cancel_requested", "cancelled"]


@pytest.mark.parametrize("times", [1, 3])
def test_a_job_whose_runner_is_killed_goes_on_behind_its_last_committed_item(place, times):
    texts = ["one", *["hold"] * times, "two"]
    job_id = place.submit("a", *texts)
    place.serve()
    for number in range(1, times + 1):
        mark = place.folder / f"held-a-{number}"
        place.until(mark.exists)
        # What is decided between two losses is what tells a killer from bad luck.
        place.until(lambda n=number: place.job(job_id).progress.published == n)
        mark.unlink()
        os.kill(place.runner_pid(job_id), signal.SIGKILL)
        place.until(mark.exists)
        (place.folder / f"go-a-{number}").touch()
    ended = place.ends(job_id)
    assert (ended.status, ended.progress.published) == (JobStatus.COMPLETED, len(texts))
    assert len(place.published()) == len(texts)
    told = [
        event for event in events(place, job_id) if event in ("started", "resumed", "completed")
    ]
    assert told == ["started", *["resumed"] * times, "completed"]


def test_a_job_that_kills_its_runner_again_and_again_fails_and_the_service_lives(place):
    job_id = place.submit("a", "die")
    place.serve()
    ended = place.ends(job_id)
    assert ended.status is JobStatus.FAILED
    assert "runner lost 3 times in a row" in ended.error
    assert place.ends(place.submit("b", "one")).status is JobStatus.COMPLETED
    (place.folder / "immune").touch()
    assert place.run("jobs", "resume", job_id, "--queue").returncode == 0
    place.until(lambda: place.job(job_id).status is JobStatus.COMPLETED)


def test_a_killed_service_takes_its_runners_along_and_the_next_goes_on(place):
    job_id = place.submit("a", "one", "hold", "two")
    first = place.serve()
    place.until(lambda: place.held("a-1"))
    runner = place.runner_pid(job_id)
    first.kill()
    first.wait()
    place.until(lambda: not Path(f"/proc/{runner}").exists() or _zombie(runner))
    place.release()
    place.serve()
    ended = place.ends(job_id)
    assert (ended.status, ended.progress.published) == (JobStatus.COMPLETED, 3)
    assert any("runner lost" in reason for reason in reasons(place, job_id))


def reasons(place: Place, job_id: str) -> list[str]:
    return [event.reason for event in requests.history(place.workspace, job_id)]


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_service_that_is_asked_to_stop_pauses_its_jobs_and_the_next_goes_on(place):
    job_id = place.submit("a", "one", "hold", *["two"] * MANY, pipeline="lines")
    first = place.serve()
    place.until(lambda: place.held("a-1"))
    first.terminate()
    place.until(lambda: place.job(job_id).pause is not None)
    place.release()
    first.wait(PATIENCE)
    assert first.returncode == 0
    held = place.job(job_id)
    assert held.status is JobStatus.QUEUED
    assert 2 <= held.progress.published < MANY
    place.serve()
    assert place.ends(job_id).progress.published == MANY + 2


@on_one_database
def test_a_pipeline_that_is_not_there_fails_its_job_with_the_reason(place):
    job_id = place.submit("a", "one")
    (place.folder / "mine.py").write_text("raise RuntimeError('gone wrong')", encoding="utf-8")
    place.serve()
    ended = place.ends(job_id)
    assert ended.status is JobStatus.FAILED
    assert "gone wrong" in ended.error


def test_jobs_that_write_the_same_files_of_lines_run_one_after_the_other(place):
    ids = [place.submit(name, "one", "two", pipeline="lines") for name in "abc"]
    place.serve("--jobs", "3")
    assert {place.ends(job_id).status for job_id in ids} == {JobStatus.COMPLETED}
    lines = (place.folder / "data/processed/lines/words.jsonl").read_text().splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == len(lines) == 6


@on_one_database
def test_retry_makes_a_job_of_what_failed(place):
    place.serve()
    job_id = place.submit("a", "one", "boom")
    assert place.ends(job_id).progress.quarantined == 1
    (place.folder / "mended").touch()
    done = place.run("jobs", "retry", job_id, "--wait", "--json")
    again = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert (again["parent_id"], again["progress"]["published"]) == (job_id, 1)
    assert place.published() == ["a-0.json", "a-1.json"]
    refused = place.run("jobs", "retry", str(again["id"]))
    assert refused.returncode == 3
    assert "has quarantined nothing" in refused.stderr


def test_a_dozen_commands_at_once_submit_jobs_that_are_each_run_once(place):
    """A hundred at once through two replicas of the service: ``test_api_service.py``."""
    names = [f"r{n:02}" for n in range(12)]
    with ThreadPoolExecutor(len(names)) as threads:
        ids = list(threads.map(lambda name: place.submit_by_command(name, "one two"), names))
    assert len(set(ids)) == 12
    assert requests.list_jobs(place.workspace, status=JobStatus.QUEUED).total == 12
    place.serve("--jobs", "4")
    assert {place.ends(job_id).status for job_id in ids} == {JobStatus.COMPLETED}
    assert requests.list_jobs(place.workspace, status=JobStatus.COMPLETED).total == 12
    assert place.published() == [f"{name}-0.json" for name in names]
    assert all(events(place, job_id) == ["queued", "started", "completed"] for job_id in ids)


def test_two_services_share_a_queue_without_running_a_job_twice(place):
    ids = [place.submit(f"r{n}", "one", "two") for n in range(6)]
    for _ in range(2):
        place.serve("--jobs", "2")
    for job_id in ids:
        assert place.ends(job_id).status is JobStatus.COMPLETED
        assert events(place, job_id) == ["queued", "started", "completed"]


def test_status_tells_speed_and_memory_of_a_running_job(place):
    job_id = place.submit("a", "one", "two", "hold", "three")
    place.serve()
    place.until(lambda: place.held("a-2"))
    place.until(lambda: place.job(job_id).progress.published == 2)
    told = json.loads(place.run("jobs", "status", job_id, "--json").stdout)["pace"]
    assert told["items_per_second"] > 0
    assert told["eta_seconds"] == pytest.approx(2 / told["items_per_second"])
    assert told["memory_bytes"] > 1 << 20
    assert "items/s" in place.run("jobs", "status", job_id).stdout
    place.release()
    place.ends(job_id)


def test_prune_removes_item_records_of_completed_jobs_with_a_ledger_entry(place):
    from datetime import timedelta

    from pipewarden.jobs import audit

    job_id = place.submit("a", "one", "two")
    place.serve()
    place.ends(job_id)
    workspace = place.workspace
    assert prune(workspace, timedelta(days=1)).jobs == 0
    told = place.run("jobs", "prune", "--older-than", "0s", "--dry-run")
    assert told.stdout == "2 item records of 1 run would be removed\n"
    done = place.run("jobs", "prune", "--older-than", "0s")
    assert done.stdout == "2 item records of 1 run removed\n"
    assert requests.item_page(workspace, job_id).total == 0
    assert place.job(job_id).progress.published == 2
    (entry,) = audit.entries(workspace, action="job.items_pruned")
    assert (entry.subject, entry.details["items"]) == (job_id, 2)


@on_one_database
def test_lists_filter_by_time_and_count_all(place):
    for name in "abc":
        place.submit(name, "one")
    told = json.loads(place.run("jobs", "list", "--since", "1h", "--limit", "2", "--json").stdout)
    assert (len(told["jobs"]), told["total"]) == (2, 3)
    none = json.loads(place.run("jobs", "list", "--since", "2999-01-01", "--json").stdout)
    assert none["total"] == 0
    wrong = place.run("jobs", "list", "--since", "soon")
    assert wrong.returncode == 2
    assert "neither a time nor an age" in wrong.stderr
