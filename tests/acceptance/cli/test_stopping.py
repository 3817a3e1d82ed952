"""A run that is stopped, from its own terminal or from another, and goes on later."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest

ALL = {f"{name}.txt.json" for name in "abcd"}


def press_ctrl_c(process: subprocess.Popen[str]) -> None:
    """Interrupt the whole group, as a terminal does."""
    os.killpg(process.pid, signal.SIGINT)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} was never printed: {read}")


def test_ctrl_c_once_pauses_after_the_item_in_work_and_the_printed_command_resumes(place):
    process = place.held_run()
    press_ctrl_c(process)
    read_until(process, "pause requested")
    place.release()
    out, err = place.ends(process)
    assert process.returncode == 130, err
    assert "Paused, can be resumed" in out
    assert place.published() < ALL
    assert "b.txt.json" in place.published()  # the item in work was finished

    resume = re.search(r"pipewarden (jobs resume \S+)", out)
    assert resume
    done = place.run(*resume.group(1).split())
    assert done.returncode == 0, done.stderr
    assert place.published() == ALL
    job = place.last_job()
    assert (job["status"], job["progress"]["published"]) == ("COMPLETED", 4)


def test_ctrl_c_twice_ends_at_once_and_loses_nothing(place):
    process = place.held_run()
    press_ctrl_c(process)
    read_until(process, "Ctrl-C again stops at once")
    press_ctrl_c(process)
    place.ends(process)  # the held item was never let go
    assert process.returncode == 130
    assert place.published() == {"a.txt.json"}
    job = place.last_job()
    assert job["status"] == "PAUSED"
    assert job["progress"]["deferred"] == 3

    place.release()
    assert place.run("jobs", "resume", job["id"]).returncode == 0
    assert place.published() == ALL


@pytest.mark.parametrize(("verb", "status"), [("pause", "PAUSED"), ("cancel", "CANCELLED")])
def test_another_terminal_stops_a_run(place, verb, status):
    process = place.held_run()
    job = place.last_job()
    assert job["status"] == "RUNNING"
    asked = place.run("jobs", verb, job["id"], "--reason", "maintenance")
    assert asked.returncode == 0, asked.stderr
    assert f"was asked to {verb}" in asked.stdout
    read_until(process, "(maintenance)")
    place.release()
    out, _ = place.ends(process)
    assert process.returncode == 130
    assert "pipewarden jobs resume" in out
    assert place.last_job()["status"] == status


def test_a_run_that_was_killed_is_named_and_resumed(place):
    process = place.held_run()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (job,) = place.json("jobs", "list", "--status", "failed")["jobs"]
    shown = place.run("jobs", "status", job["id"])
    assert f"pipewarden jobs resume {job['id']}" in shown.stdout
    place.release()
    assert place.run("jobs", "resume", job["id"]).returncode == 0
    assert place.published() == ALL


def test_a_source_that_is_being_processed_is_locked_and_the_holder_is_named(place):
    process = place.held_run()
    second = place.run("run", "mine:words", "raw", "--lock-timeout", "0")
    assert second.returncode == 3
    assert f"process {process.pid}" in second.stderr
    assert place.last_job()["id"] in second.stderr
    assert "pipewarden jobs pause" in second.stderr


def test_watching_ends_as_the_run_does(place):
    process = place.held_run()
    watching = place.start("jobs", "watch", place.last_job()["id"])
    read_until(watching, "RUNNING")
    place.release()
    out, _ = place.ends(watching)
    assert watching.returncode == 0
    assert "COMPLETED" in out
    place.ends(process)
