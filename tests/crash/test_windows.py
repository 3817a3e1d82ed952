"""A process killed in any named window costs nothing: not an item, not a decision, not the state.

Each test kills a run with ``SIGKILL`` exactly there, goes on in one of the two ways a person may,
and compares the folder with what an undisturbed run leaves.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import harness
import notes
import pytest
from harness import Home, Launcher, examine

import pipewarden as pw
from pipewarden.core.jobs import JobStatus
from pipewarden.jobs import requests
from pipewarden.store.state import jobs
from pipewarden.store.windows import Window

PROCESSES = {"executor": "processes", "workers": 2}
#: Passed by the worker, which with ``processes`` is not the runner: see test_processes.py.
IN_WORKER = (Window.ITEM_TAKEN, Window.OUTPUT_STAGED)
#: Passed only where documents are lines of a file, or are handed to sinks: tested elsewhere.
ELSEWHERE = (Window.LINES_TORN, Window.SINK_SPOOLED, Window.SINK_DELIVERED)
WINDOWS = tuple(window for window in Window if window not in ELSEWHERE)
#: Passed only where the manifest is a file.
OF_FILE = tuple(w for w in Window if w.startswith(("journal.", "manifest.")))
#: Passed once for each commit of a run.
OF_COMMIT = (
    *(Window.JOURNAL_TORN, Window.JOURNAL_WRITTEN, Window.JOURNAL_SYNCED),
    *(Window.OUTPUT_RENAMED, Window.APPLY_OPEN, Window.APPLY_COMMITTED),
)
#: What a release, which is no run, passes.
OF_RELEASE = (*OF_FILE, Window.APPLY_OPEN, Window.APPLY_COMMITTED)

#: Passed for the first time when a new manifest is claimed, before there is a job.
OF_SAVE = (
    *(Window.MANIFEST_STAGED, Window.MANIFEST_BACKED_UP, Window.MANIFEST_REPLACED),
    Window.JOURNAL_CLEARED,
)


def in_first_run(window: Window) -> tuple[str, ...]:
    if window in IN_WORKER:
        return f"{window}:1", f"{window}:3"
    return (f"{window}:{2 if window in OF_SAVE else 1}",)


FIRST_RUN = tuple(where for window in WINDOWS for where in in_first_run(window))
IN_RUNNER = tuple(where for w in WINDOWS if w not in IN_WORKER for where in in_first_run(w))
IN_DATABASE = tuple(str(window) for window in WINDOWS if window not in OF_FILE)


def test_every_window_is_covered():
    covered = {Window(where.partition(":")[0]) for where in FIRST_RUN}
    assert covered | set(ELSEWHERE) == set(Window)
    assert len(IN_RUNNER) + len(IN_WORKER) == len(WINDOWS)


def go_on(launcher: Launcher, home: Home, how: str, where: str, options: dict[str, Any]) -> None:
    """Run again or resume, after the kill; show what the job's history says of it."""
    dead = newest(home)
    over = where.startswith(Window.RUN_FINISHED)
    assert dead.status is (JobStatus.COMPLETED if over else JobStatus.RUNNING)
    if how == "resume" and not over:
        ended = launcher.do(home, "resume", run_id=dead.id)
        assert ended.said["run_id"] == dead.id
    else:
        ended = launcher.do(home, options=options)
    assert ended.said.get("status") == "COMPLETED", ended
    job, history = told(home, dead.id)
    if over:
        assert [line.to_status for line in history][-1] == JobStatus.COMPLETED
    elif how == "resume":
        assert job.status is JobStatus.COMPLETED
        assert "resumed" in [line.event for line in history]
    else:
        assert (job.status, job.error) == (JobStatus.FAILED, "runner lost")


def newest(home: Home):
    workspace = home.workspace()
    with workspace.database.read() as conn:
        found = jobs.page(conn, limit=1).jobs[0]
    workspace.database.close()
    return found


def told(home: Home, run_id: str):
    workspace = home.workspace()
    found = requests.find(workspace, run_id), requests.history(workspace, run_id)
    workspace.database.close()
    return found


def known_runs(home: Home) -> set[str]:
    workspace = home.workspace()
    with workspace.database.read() as conn:
        found = {job.id for job in jobs.page(conn, limit=1000).jobs}
    workspace.database.close()
    return found


def killed(launcher: Launcher, home: Home, where: str, what: str = "run", **request) -> None:
    ended = launcher.do(home, what, crash_at=where, **request)
    assert ended.killed, f"{where} was not passed: {ended}"


# ── a first run ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["again", "resume"])
@pytest.mark.parametrize("where", FIRST_RUN)
def test_a_first_run_killed_anywhere_is_continued_without_loss(launcher, home, where, how):
    home.fill(notes.FIRST)
    killed(launcher, home, where)
    go_on(launcher, home, how, where, {})
    assert not examine(home, notes.FIRST)


@pytest.mark.parametrize("where", IN_RUNNER)
def test_so_is_one_with_workers(launcher, home, where):
    home.fill(notes.FIRST)
    killed(launcher, home, where, options=PROCESSES)
    go_on(launcher, home, "again", where, PROCESSES)
    assert not examine(home, notes.FIRST)


@pytest.mark.parametrize("where", OF_SAVE)
def test_a_folder_whose_manifest_was_being_claimed_is_as_new(launcher, home, where):
    home.fill(notes.FIRST)
    killed(launcher, home, str(where))
    assert launcher.do(home).said["status"] == "COMPLETED"
    assert not examine(home, notes.FIRST)


def test_a_run_killed_at_its_very_start_can_be_repeated_once_it_is_resumed(launcher, home):
    home.fill(notes.FIRST)
    killed(launcher, home, str(Window.RUN_STARTED))
    run_id = newest(home).id
    launcher.do(home, "resume", run_id=run_id)
    assert (home.path / "data" / "runs" / run_id / "run_config.yaml").is_file()


def test_a_folder_belongs_to_its_pipeline_from_its_first_item_on(launcher, home):
    """Killed before its manifest was saved, a run is still not taken for another pipeline's."""
    home.fill(notes.FIRST)
    killed(launcher, home, str(Window.APPLY_COMMITTED))
    workspace = home.workspace()
    other = dataclasses.replace(notes.notes, name="other", gate=pw.Gate())
    report = harness.run(other, home.inbox, workspace=workspace, executor="inline")
    workspace.database.close()
    assert report.facts["run"]["output_dir"] == str(home.path / "data" / "processed" / "other")
    launcher.do(home)
    assert not examine(home, notes.FIRST, known={report.run_id})


# ── a later run: new, changed, moved, rejected, mended, duplicate and deleted items ──────────────


@pytest.mark.parametrize("how", ["again", "resume"])
@pytest.mark.parametrize("where", [str(window) for window in WINDOWS])
def test_an_incremental_run_killed_anywhere_is_continued_without_loss(launcher, home, where, how):
    home.fill(notes.FIRST)
    assert launcher.do(home).code == 0
    known = known_runs(home)
    home.fill(notes.SECOND)
    killed(launcher, home, where)
    go_on(launcher, home, how, where, {})
    assert not examine(home, notes.SECOND, known=known)


@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("where", OF_COMMIT)
def test_a_commit_after_the_first_is_as_safe(launcher, home, where, nth):
    """Moves, a displaced duplicate, the items and the deleted ones are commits of their own."""
    home.fill(notes.FIRST)
    launcher.do(home)
    known = known_runs(home)
    home.fill(notes.SECOND)
    if not launcher.do(home, crash_at=f"{where}:{nth}").killed:
        pytest.fail(f"{where} is passed less than {nth} times")
    go_on(launcher, home, "again", where, {})
    assert not examine(home, notes.SECOND, known=known)


def test_killed_at_every_step_in_turn_a_folder_is_whole_in_the_end(launcher, home):
    home.fill(notes.FIRST)
    for window in WINDOWS:
        launcher.do(home, crash_at=str(window))
    assert launcher.do(home).code == 0
    assert not examine(home, notes.FIRST)


def test_what_was_published_and_not_committed_is_withdrawn_if_it_is_then_rejected(launcher, home):
    home.fill({"b.txt": "one of two twins"})
    killed(launcher, home, str(Window.OUTPUT_RENAMED))
    assert outputs(home)
    home.fill(files := {"a.txt": "the lower twin", "b.txt": "bad"})
    launcher.do(home)
    assert not examine(home, files)


def test_what_is_published_in_the_end_is_byte_for_byte_what_an_undisturbed_run_publishes(
    launcher, folder
):
    quiet, disturbed = Home(folder / "quiet"), Home(folder / "disturbed")
    for files in (notes.FIRST, notes.SECOND):
        for home in (quiet, disturbed):
            home.fill(files)
        launcher.do(quiet)
        for window in WINDOWS:
            launcher.do(disturbed, crash_at=str(window))
        launcher.do(disturbed)
        assert outputs(disturbed) == outputs(quiet)


def outputs(home: Home) -> dict[str, bytes]:
    return {str(p.relative_to(home.outputs)): p.read_bytes() for p in home.outputs.rglob("*.json")}


# ── a release ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", OF_RELEASE)
def test_a_release_killed_anywhere_is_done_or_can_be_done_again(launcher, home, where):
    home.fill(notes.FIRST)
    run_id = launcher.do(home).said["run_id"]
    request = {"run_id": run_id, "key": "05-rejected.txt"}
    killed(launcher, home, where, "release", **request)
    done = launcher.do(home, "release", **request)
    assert done.code == 0 or "it is published" in done.said["error"]
    launcher.do(home)
    assert not examine(home, notes.FIRST, known={run_id}, released="05-rejected.txt")
    workspace = home.workspace()
    acts = [e for e in harness.audit.entries(workspace) if e.action == "item.released"]
    workspace.database.close()
    assert [(act.subject, act.reason) for act in acts] == [
        (f"{run_id}/05-rejected.txt", "a person read it")
    ]


# ── the state elsewhere ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", IN_DATABASE)
def test_a_manifest_in_the_database_is_as_safe(launcher, folder, where):
    home = Home(folder / "home", in_database=True)
    home.fill(notes.FIRST)
    assert launcher.do(home).code == 0
    known = known_runs(home)
    home.fill(notes.SECOND)
    killed(launcher, home, where)
    go_on(launcher, home, "again", where, {})
    assert not examine(home, notes.SECOND, known=known)


@pytest.mark.service("postgresql")
@pytest.mark.parametrize("in_database", [False, True])
@pytest.mark.parametrize(
    "where",
    [Window.OUTPUT_RENAMED, Window.APPLY_OPEN, Window.APPLY_COMMITTED, Window.REPORT_WRITTEN],
)
def test_so_is_the_state_in_postgresql(launcher, folder, postgres_url, where, in_database):
    home = Home(folder / "home", database_url=postgres_url, in_database=in_database)
    home.fill(notes.FIRST)
    assert launcher.do(home).code == 0
    known = known_runs(home)
    home.fill(notes.SECOND)
    killed(launcher, home, str(where), options=PROCESSES)
    go_on(launcher, home, "resume", str(where), {})
    assert not examine(home, notes.SECOND, known=known)


# ── the means themselves ─────────────────────────────────────────────────────────────────────────


def test_a_fresh_interpreter_dies_there_too(home):
    home.fill(notes.FIRST)
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import harness;"
        "harness.act(json.loads(sys.argv[2]))"
    )
    request = {
        "home": str(home.path),
        "database_url": "",
        "in_database": False,
        "kind": "files",
        "inbox_name": "inbox",
        "what": "run",
        "options": {"executor": "inline"},
    }
    ended = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), json.dumps(request)],
        env={**os.environ, "PIPEWARDEN_CRASH_AT": "journal.synced"},
        check=False,
    )
    assert ended.returncode == -9
    assert newest(home).status is JobStatus.RUNNING


def test_the_examination_sees_what_it_is_there_to_see(launcher, home):
    home.fill(notes.FIRST)
    launcher.do(home)
    assert not examine(home, notes.FIRST)
    sound = (home.outputs / "01-kept.txt.json").read_bytes()
    (home.outputs / "01-kept.txt.json").unlink()
    assert examine(home, notes.FIRST).lost
    (home.outputs / "01-kept.txt.json").write_bytes(sound)
    (home.outputs / "one-more.txt.json").write_bytes(sound)
    assert examine(home, notes.FIRST).duplicated
    (home.outputs / "one-more.txt.json").unlink()
    (home.inbox / ".pipewarden-0123.tmp").touch()
    assert examine(home, notes.FIRST).left
    (home.inbox / ".manifest.json").write_text("{")
    assert examine(home, notes.FIRST).unreadable
