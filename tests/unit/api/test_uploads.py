"""Documents that came with a request go when their job is pruned, and never while it needs them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import pipewarden as pw
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.jobs import audit
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue import uploads
from pipewarden.jobs.queue.retention import prune
from pipewarden.jobs.queue.submission import retry, submit
from pipewarden.jobs.run import resume
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.files.spooling import spool
from pipewarden.store.state import jobs

DAY = timedelta(days=1)


class Clock:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path, clock: Clock) -> Iterator[Workspace]:
    held = Workspace(Settings(home=tmp_path, researcher="ada", executor="inline"), clock)
    yield held
    held.database.close()


class Silent:
    """A listener that says nothing."""

    planned = committed = note = lambda *_: None


MINE = """
from pathlib import Path

import pipewarden as pw


def count(record):
    if record["text"] == "boom" and not Path(__file__).with_name("mended").exists():
        raise ValueError("it went boom")
    return {"id": record["id"], "words": len(record["text"].split())}


words = pw.Pipeline(name="words", process=count, records="id", lines="words.jsonl", max_attempts=1)
pages = pw.Pipeline(name="pages", process=lambda path: {"words": len(path.read_text().split())})
"""


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pw.Pipeline]:
    name = f"mine_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    from importlib import import_module

    yield import_module(name).words


@pytest.fixture
def uploaded(workspace: Workspace, words: pw.Pipeline) -> Callable[..., Job]:
    """Return what leaves documents to a job, as a request does."""

    def leave(*texts: str) -> Job:
        rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
        path = spool(rows, uploads.new(workspace, words.name))
        reference = f"{words.process.__module__}:words"
        options = RunOptions(
            pipeline=reference, source=str(path.absolute()), executor="inline", workers=1
        )
        return submit(words, options, workspace)

    return leave


@pytest.fixture
def sent(workspace: Workspace, words: pw.Pipeline) -> Callable[..., Job]:
    """Return what leaves files to a job, as a request does."""
    pages = sys.modules[words.process.__module__].pages

    def leave(*texts: str) -> Job:
        received = uploads.receiving(workspace)
        for number, text in enumerate(texts):
            (received / f"{number}.txt").write_text(text)
        kept = uploads.keep(workspace, received, pages.name)
        reference = f"{words.process.__module__}:pages"
        options = RunOptions(
            pipeline=reference, source=str(kept.absolute()), executor="inline", workers=1
        )
        return submit(pages, options, workspace)

    return leave


def status(workspace: Workspace, job: Job) -> JobStatus:
    with workspace.database.read() as conn:
        held = jobs.get(conn, job.id)
    assert held is not None
    return held.status


def test_an_upload_goes_with_the_records_of_its_job_and_the_ledger_says_so(
    workspace, clock, uploaded
):
    job = uploaded("one", "two words")
    upload = Path(job.source)
    clock.now += 10 * DAY
    assert prune(workspace, DAY).uploads == 0  # it waits
    resume(job.id, workspace, Silent())
    assert prune(workspace, DAY).uploads == 0  # it has just completed
    clock.now += 2 * DAY
    assert prune(workspace, DAY, dry_run=True).uploads == 1
    assert upload.exists()
    told = prune(workspace, DAY)
    assert (told.jobs, told.items, told.uploads, upload.exists()) == (1, 2, 1, False)
    (entry,) = audit.entries(workspace, action="job.upload_removed")
    assert (entry.subject, entry.details["file"]) == (job.id, upload.name)
    assert prune(workspace, DAY).uploads == 0


@pytest.mark.parametrize("ended", [JobStatus.PAUSED, JobStatus.CANCELLED, JobStatus.FAILED])
def test_what_can_be_resumed_keeps_its_upload(workspace, clock, uploaded, ended):
    job = uploaded("one")
    with workspace.database.write() as conn:
        if ended is JobStatus.FAILED:
            jobs.transition(conn, job.id, JobStatus.RUNNING, actor="ada", at=clock())
        jobs.transition(conn, job.id, ended, actor="ada", at=clock())
    clock.now += 10 * DAY
    assert prune(workspace, DAY).uploads == 0
    resume(job.id, workspace, Silent())
    assert status(workspace, job) is JobStatus.COMPLETED
    clock.now += 10 * DAY
    assert prune(workspace, DAY).uploads == 1


def test_what_can_be_retried_keeps_its_upload_until_nothing_is_left_to_retry(
    workspace, clock, uploaded, tmp_path
):
    job = uploaded("fine", "boom")
    resume(job.id, workspace, Silent())
    assert status(workspace, job) is JobStatus.COMPLETED
    clock.now += 10 * DAY
    assert prune(workspace, DAY).uploads == 0
    again = retry(workspace, job.id)
    clock.now += 10 * DAY
    assert prune(workspace, DAY).uploads == 0  # the retry waits
    (tmp_path / "mended").touch()
    resume(again.id, workspace, Silent())
    assert prune(workspace, DAY).uploads == 0  # it has just completed
    clock.now += 10 * DAY
    told = prune(workspace, DAY)
    assert (told.uploads, Path(job.source).exists()) == (1, False)
    (entry,) = audit.entries(workspace, action="job.upload_removed")
    assert entry.subject == job.id


def test_what_a_killed_submission_left_goes_and_a_programs_own_records_stay(
    workspace, clock, words
):
    left = spool([{"id": "a"}], uploads.new(workspace, words.name))
    own = spool([{"id": "a"}], left.with_name("nightly.jsonl"))
    assert prune(workspace, DAY).uploads == 0
    clock.now += 2 * DAY
    assert prune(workspace, DAY).uploads == 1
    assert (left.exists(), own.exists()) == (False, True)
    (entry,) = audit.entries(workspace, action="job.upload_removed")
    assert entry.subject == left.name


def test_files_go_as_a_folder_and_those_that_never_became_a_job_too(workspace, clock, sent):
    job = sent("one", "two words")
    half = uploads.receiving(workspace)
    (half / "0.txt").write_text("on its w")
    resume(job.id, workspace, Silent())
    clock.now += DAY / 2
    assert prune(workspace, DAY).uploads == 0
    clock.now += DAY
    assert prune(workspace, DAY).uploads == 2
    assert not Path(job.source).exists()
    assert not half.exists()
    subjects = {entry.subject for entry in audit.entries(workspace, action="job.upload_removed")}
    assert subjects == {job.id, half.name}


def test_files_of_which_one_lies_in_quarantine_stay(workspace, clock, sent):
    job = sent("fine")
    (Path(job.source) / "1.txt").write_bytes(b"\xff")
    resume(job.id, workspace, Silent())
    clock.now += 10 * DAY
    assert prune(workspace, DAY).uploads == 0
    assert Path(job.source).exists()
