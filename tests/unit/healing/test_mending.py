"""Pipelines: what errored is tried again, what lost its runner goes on, and not for ever."""

from __future__ import annotations

from dataclasses import replace

from pipewarden.core.jobs import JobStatus
from pipewarden.healing.mending import mend
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.submission import submit
from pipewarden.jobs.run import Silent, start
from pipewarden.settings.healing_policy import PipelineRules
from pipewarden.store.state import jobs
from tiny_healing import DEADLY, UGLY, means

#: Nothing is run by the healer; documents go to a sink.
LEFT = {"healing": {"run_jobs": False}}
SINK = {"sinks": {"lines": {"kind": "jsonl", "folder": "sent"}}}


def errored(held, number=DEADLY, folder="inbox"):
    folder = held.home / folder
    folder.mkdir(parents=True)
    (folder / "n.txt").write_text(f"{number}\n{number}", encoding="utf-8")
    options = RunOptions(pipeline="tiny_healing:means", source=str(folder), executor="inline")
    start(means, options, held.workspace, Silent())
    return folder


def test_an_input_that_errored_is_tried_again_as_often_as_it_may(made):
    held = made()
    errored(held)
    healer = held.healer()
    tries = [len(mend(healer)) for _ in range(6)]
    assert tries == [1, 1, 0, 0, 0, 0], "the first run was an attempt as well"
    assert held.acts("healing.") == ["mended", "mended"]


def test_an_input_that_works_now_is_published(made, monkeypatch):
    held = made()
    errored(held)
    monkeypatch.setattr("tiny_healing.DEADLY", None)
    (done,) = mend(held.healer())
    assert not done.failed
    assert "0 failed again" in done.words
    assert mend(held.healer()) == []


def test_what_a_gate_rejected_is_no_error(made):
    held = made()
    errored(held, UGLY)
    assert mend(held.healer()) == []


def test_the_training_of_a_candidate_is_left_to_its_healing(made):
    held = made()
    errored(held, folder=held.workspace.data_dir / "healing" / "credit" / "2")
    assert mend(held.healer()) == []


def lost(held):
    """Return a job whose runner died in the midst of it."""
    folder = held.home / "inbox"
    folder.mkdir()
    (folder / "n.txt").write_text("1\n2", encoding="utf-8")
    options = RunOptions(pipeline="tiny_healing:means", source=str(folder), executor="inline")
    job = submit(means, options, held.workspace)
    with held.workspace.database.write() as conn:
        conn.exec_driver_sql("UPDATE jobs SET queued = 0")
        jobs.claim(conn, job.id, owner="elsewhere:1:2", at=held.now, ttl_seconds=1)
    held.hours += 1
    return job.id


def test_a_job_that_lost_its_runner_goes_on(made):
    held = made()
    job_id = lost(held)
    (done,) = mend(held.healer())
    assert (done.subject, done.failed) == (job_id, False)
    with held.workspace.database.read() as conn:
        assert jobs.get(conn, job_id).status is JobStatus.COMPLETED


def test_a_runner_service_is_left_what_the_settings_leave_to_it(made):
    held = made(settings=LEFT)
    job_id = lost(held)
    (done,) = mend(held.healer())
    assert done.words == f"job {job_id} waits for a runner again"
    with held.workspace.database.read() as conn:
        assert jobs.get(conn, job_id).status is JobStatus.QUEUED
    assert mend(held.healer()) == [], "it is not lost any more"


def test_inputs_that_errored_wait_for_a_runner_service_as_well(made):
    held = made(settings=LEFT)
    errored(held)
    (done,) = mend(held.healer())
    assert "waits to try 1 inputs" in done.words
    with held.workspace.database.read() as conn:
        assert [job.status for job in jobs.page(conn, limit=1).jobs] == [JobStatus.QUEUED]


def behind(held):
    """Return where a sink keeps its files that was down when a document came."""
    folder = held.home / "sent"
    folder.rename(held.home / "sent before")
    folder.write_text("somebody put a file here", encoding="utf-8")
    (held.home / "inbox").mkdir()
    (held.home / "inbox" / "n.txt").write_text("1\n2", encoding="utf-8")
    options = RunOptions(
        pipeline="tiny_healing:means", source=str(held.home / "inbox"), executor="inline",
        output_dir=str(held.home / "out"),
    )  # fmt: skip
    start(means, options, held.workspace, Silent())
    held.hours += 24
    return folder


def test_a_sink_that_is_up_again_is_sent_what_waits(made):
    held = made(settings=SINK)
    folder = behind(held)
    folder.unlink()
    (done,) = mend(held.healer())
    assert (done.words, done.failed) == ("sink lines: 1 documents sent, 0 left", False)
    (file,) = folder.glob("*.jsonl")
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1
    assert mend(held.healer()) == []
    assert held.acts("healing.") == ["mended"]


def test_a_sink_that_is_still_down_is_told_and_keeps_what_waits(made):
    held = made(settings=SINK)
    folder = behind(held)
    (done,) = mend(held.healer())
    assert done.failed
    assert done.words.startswith("sink lines: 0 documents sent, 1 left: ")
    folder.unlink()
    held.hours += 24
    (done,) = mend(held.healer())
    assert not done.failed


def test_nothing_is_done_that_the_policy_does_not_let(made):
    held = made()
    lost(held)
    rules = PipelineRules(resume_lost=False, retry_errored=False, replay_sinks=False)
    healer = held.healer()
    healer = replace(healer, policies=healer.policies.model_copy(update={"pipelines": rules}))
    assert mend(healer) == []
