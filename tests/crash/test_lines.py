"""Documents that are lines of a file: exactly once and in order, whenever the process is killed.

The source is a file of records, whose manifest is in the database, or a folder, whose manifest is a
file with a journal.
"""

from __future__ import annotations

import os

import notes
import pytest
from harness import Home, examine, kill_records_at_random
from test_windows import (
    ELSEWHERE,
    OF_COMMIT,
    OF_FILE,
    OF_RELEASE,
    PROCESSES,
    go_on,
    in_first_run,
    killed,
    known_runs,
)

from pipewarden.store.windows import Window

KILLS = int(os.environ.get("PIPEWARDEN_KILLS", "12"))
OF_LINES = tuple(w for w in Window if w not in ELSEWHERE or w is Window.LINES_TORN)
OF_RECORDS = tuple(w for w in OF_LINES if w not in OF_FILE)
#: Kind of source → where a run over it passes for the first time.
FIRST_RUN = [
    *(("records", where) for window in OF_RECORDS for where in in_first_run(window)),
    *(("lines", where) for window in OF_LINES for where in in_first_run(window)),
]
SECOND_RUN = [
    *(("records", str(window)) for window in OF_RECORDS),
    *(("lines", str(window)) for window in OF_LINES),
]
#: Where a journal has committed the items.
COMMITTED = (Window.JOURNAL_SYNCED, Window.APPLY_OPEN)
#: The records stand in another order than that of their keys.
FIRST = dict(reversed(notes.FIRST.items()))
SECOND = dict(reversed(notes.SECOND.items()))


@pytest.mark.parametrize("how", ["again", "resume"])
@pytest.mark.parametrize(("kind", "where"), FIRST_RUN)
def test_a_first_run_killed_anywhere_leaves_each_document_once_and_in_order(
    launcher, folder, kind, where, how
):
    home = Home(folder / "home", kind=kind)
    home.fill(FIRST)
    killed(launcher, home, where)
    go_on(launcher, home, how, where, {})
    assert not examine(home, FIRST)


@pytest.mark.parametrize("how", ["again", "resume"])
@pytest.mark.parametrize(("kind", "where"), SECOND_RUN)
def test_so_does_an_incremental_run(launcher, folder, kind, where, how):
    home = Home(folder / "home", kind=kind)
    home.fill(FIRST)
    assert launcher.do(home).code == 0
    known, since = known_runs(home), len(home.lines())
    home.fill(SECOND)
    killed(launcher, home, where)
    go_on(launcher, home, how, where, {})
    assert not examine(home, SECOND, known=known, since=since)


@pytest.mark.parametrize("where", [Window.LINES_TORN, *OF_COMMIT])
def test_so_does_one_killed_at_a_later_commit(launcher, folder, where):
    """The deleted items are a commit of their own."""
    home = Home(folder / "home", kind="lines")
    home.fill(FIRST)
    launcher.do(home)
    known, since = known_runs(home), len(home.lines())
    home.fill(SECOND)
    killed(launcher, home, f"{where}:2")
    go_on(launcher, home, "again", where, {})
    assert not examine(home, SECOND, known=known, since=since)


@pytest.mark.service("postgresql")
@pytest.mark.parametrize("how", ["again", "resume"])
@pytest.mark.parametrize("kind", ["records", "lines"])
@pytest.mark.parametrize(
    "where",
    [Window.LINES_TORN, Window.OUTPUT_RENAMED, Window.APPLY_OPEN, Window.APPLY_COMMITTED,
     Window.RUN_SETTLED],
)  # fmt: skip
def test_so_does_one_whose_state_is_in_postgresql(launcher, folder, postgres_url, where, kind, how):
    home = Home(folder / "home", database_url=postgres_url, kind=kind)
    home.fill(FIRST)
    assert launcher.do(home).code == 0
    known, since = known_runs(home), len(home.lines())
    home.fill(SECOND)
    killed(launcher, home, str(where), options=PROCESSES)
    go_on(launcher, home, how, str(where), {})
    assert not examine(home, SECOND, known=known, since=since)


@pytest.mark.parametrize("kind", ["records", "lines"])
def test_killed_at_every_step_in_turn_the_lines_are_whole_in_the_end(launcher, folder, kind):
    home = Home(folder / "home", kind=kind)
    home.fill(FIRST)
    for window in OF_LINES:
        launcher.do(home, crash_at=str(window))
    assert launcher.do(home).code == 0
    assert not examine(home, FIRST)


@pytest.mark.parametrize("kind", ["records", "lines"])
def test_what_is_published_is_what_an_undisturbed_run_publishes(launcher, folder, kind):
    quiet, disturbed = (Home(folder / name, kind=kind) for name in ("quiet", "disturbed"))
    for home in (quiet, disturbed):
        home.fill(FIRST)
    launcher.do(quiet)
    for window in OF_LINES:
        launcher.do(disturbed, crash_at=str(window), options=PROCESSES)
    launcher.do(disturbed)
    assert [bare(line) for line in disturbed.lines()] == [bare(line) for line in quiet.lines()]


def bare(line):
    """Return a line without what differs from run to run: who withdrew it, and when."""
    return {**line, "withdrawn": None} if "withdrawn" in line else line


@pytest.mark.parametrize(
    ("kind", "where"),
    [*(("lines", w) for w in (Window.LINES_TORN, *OF_RELEASE)),
     *(("records", w) for w in (Window.LINES_TORN, Window.APPLY_OPEN, Window.APPLY_COMMITTED))],
)  # fmt: skip
def test_a_release_killed_anywhere_is_done_or_can_be_done_again(launcher, folder, kind, where):
    home = Home(folder / "home", kind=kind)
    home.fill(FIRST)
    run_id = launcher.do(home).said["run_id"]
    request = {"run_id": run_id, "key": "05-rejected.txt"}
    killed(launcher, home, str(where), "release", **request)
    done = launcher.do(home, "release", **request)
    assert done.code == 0 or "it is published" in done.said["error"]
    launcher.do(home)
    assert not examine(home, FIRST, known={run_id}, released="05-rejected.txt")


@pytest.mark.parametrize("kind", ["lines", "records"])
@pytest.mark.parametrize(
    "where", [Window.LINES_TORN, Window.OUTPUT_RENAMED, Window.JOURNAL_SYNCED, Window.APPLY_OPEN]
)
def test_a_run_over_another_source_cuts_off_nothing_that_was_committed(
    launcher, folder, kind, where
):
    """What a dead run committed in its journal the database may not know of, until it is told."""
    if kind == "records" and where in OF_FILE:
        where = Window.APPLY_COMMITTED
    home = Home(folder / "home", kind=kind)
    other = Home(folder / "home", kind="lines", inbox_name="other")
    home.fill(FIRST)
    other.fill(theirs := {f"other/{n}.txt": f"another note, number {n}" for n in range(4)})
    killed(launcher, home, str(where))
    committed = where is Window.APPLY_COMMITTED or (kind == "lines" and where in COMMITTED)
    before = home.lines() if committed else []
    assert launcher.do(other).said["status"] == "COMPLETED"
    assert home.lines()[: len(before)] == before
    assert launcher.do(home).said["status"] == "COMPLETED"
    keys = [line["source"].get("key") or line["source"]["path"] for line in home.lines()
            if "withdrawn" not in line]  # fmt: skip
    again = {"06-duplicate.txt"} if kind == "records" else set()  # until its lower twin came
    assert sorted(keys) == sorted({*notes.published(FIRST), *theirs, *again})
    for held in (home, other):
        assert launcher.do(held).said["progress"]["skipped"] > 0
    assert launcher.do(other).said["progress"]["published"] == 0


def test_kills_at_random_moments_leave_a_file_of_records_whole(launcher, folder):
    count = kill_records_at_random(launcher, folder, number=300, kills=KILLS, seed=1)
    assert count.details == []
    assert count.kills >= KILLS
