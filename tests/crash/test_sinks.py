"""A run killed in any window leaves each sink with each document once, when it has gone on.

One sink takes lines, one rows, and one is down until the end. This file is also the program that
starts the runs: the harness's, in homes whose settings name sinks.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness
import notes
from harness import Home, Launcher, examine
from programs import launcher_of

from pipewarden.delivery.sinks import care
from pipewarden.delivery.sinks.enabled import enabled, spools_of
from pipewarden.delivery.sinks.kinds.jsonl import documents_in, files_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.windows import Window

SINKS = "sinks.json"
BLOCKED = "blocked"
LINES = "documents-{date}.jsonl"
#: Those between which documents leave for the sinks, and are committed.
AROUND_THE_HANDOVER = (
    *(Window.LINES_TORN, Window.SINK_SPOOLED, Window.SINK_DELIVERED, Window.OUTPUT_RENAMED),
    *(Window.JOURNAL_TORN, Window.JOURNAL_WRITTEN, Window.JOURNAL_SYNCED, Window.APPLY_COMMITTED),
)


class SinkHome(Home):
    """A workspace whose sinks are named in a file."""

    def workspace(self) -> Workspace:
        held = super().workspace().settings
        file = self.path / SINKS
        sinks = json.loads(file.read_text()) if file.exists() else {}
        return Workspace(held.model_copy(update={"sinks": sinks}))

    @property
    def settings(self) -> Settings:
        return self.workspace().settings

    def enable(self, **sinks: Any) -> None:
        """Enable sinks; one is down for as long as a file lies where its folder should."""
        archive = {"kind": "jsonl", "folder": "archive"}
        blocked = {"kind": "jsonl", "folder": BLOCKED, "spool_file_bytes": 2048}
        self.path.mkdir(parents=True, exist_ok=True)
        held = {"archive": archive, "blocked": blocked, **sinks}
        (self.path / SINKS).write_text(json.dumps(held))
        (self.path / BLOCKED).write_text("not a folder yet")

    def unblock(self) -> None:
        """Let the sink that was down have what waits for it."""
        (self.path / BLOCKED).unlink()
        workspace = self.workspace()
        told = care.replay(enabled(self.settings), spools_of(self.settings), workspace.clock)
        assert [(done.left, done.error) for done in told] == [(0, "")] * len(told)


if __name__ == "__main__":
    harness.Home = SinkHome  # type: ignore[misc]
    harness.serve()


launcher = launcher_of(__file__)


@pytest.fixture
def home(folder: Path) -> SinkHome:
    made = SinkHome(folder / "home")
    made.enable()
    return made


def texts(home: SinkHome, folder: str) -> dict[str, str]:
    """Return what a sink holds: the text of each document, by its key."""
    found = documents_in(home.path / folder).values()
    return {held["key"]: held["document"]["text"] for held in found}


def wanted(files: dict[str, str]) -> dict[str, str]:
    return {key: files[key] for key in notes.published(files)}


def lines_of(home: SinkHome, folder: str) -> Counter[tuple[str, str, bool]]:
    """Return how many lines each version of each document has."""
    return Counter(
        (held["id"], held["content_hash"], "withdrawn" in held)
        for file in files_of(home.path / folder, LINES)
        for held in map(json.loads, file.read_bytes().splitlines())
    )


def killed(launcher: Launcher, home: SinkHome, where: str, **request: Any) -> str:
    ended = launcher.do(home, crash_at=where, **request)
    assert ended.killed, f"{where} was not passed: {ended}"
    workspace = home.workspace()
    with workspace.database.read() as conn:
        newest = harness.jobs.page(conn, limit=1).jobs[0].id
    workspace.database.close()
    return newest


def go_on(launcher: Launcher, home: SinkHome, how: str, run_id: str, where: str) -> None:
    over = where.startswith(Window.RUN_FINISHED)
    request = {"what": "resume", "run_id": run_id} if how == "resume" and not over else {}
    ended = launcher.do(home, request.pop("what", "run"), **request)
    assert ended.said.get("status") == "COMPLETED", ended


# ── a first run, and a later one ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["again", "resume"])
@pytest.mark.parametrize("where", [str(window) for window in Window])
def test_a_first_run_killed_anywhere_leaves_each_document_once(launcher, home, where, how):
    home.fill(notes.FIRST)
    where = f"{where}:2" if where.startswith("manifest") or "cleared" in where else where
    run_id = killed(launcher, home, where)
    go_on(launcher, home, how, run_id, where)
    assert not examine(home, notes.FIRST)
    assert texts(home, "archive") == wanted(notes.FIRST)
    assert set(lines_of(home, "archive").values()) == {1}
    home.unblock()
    assert texts(home, BLOCKED) == wanted(notes.FIRST)


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("where", [str(window) for window in AROUND_THE_HANDOVER])
def test_so_does_a_later_run_with_every_kind_of_change(launcher, home, where, nth):
    """New, changed, moved, rejected, mended, displaced and deleted items."""
    home.fill(notes.FIRST)
    assert launcher.do(home).code == 0
    home.fill(notes.SECOND)
    if not launcher.do(home, crash_at=f"{where}:{nth}").killed:
        pytest.fail(f"{where} is passed less than {nth} times")
    assert launcher.do(home).said["status"] == "COMPLETED"
    assert texts(home, "archive") == wanted(notes.SECOND)
    home.unblock()
    assert texts(home, BLOCKED) == wanted(notes.SECOND)


def test_killed_at_every_step_in_turn_the_sinks_are_whole_in_the_end(launcher, home):
    for files in (notes.FIRST, notes.SECOND):
        home.fill(files)
        for window in Window:
            launcher.do(home, crash_at=str(window))
        assert launcher.do(home).code == 0
        assert texts(home, "archive") == wanted(files)
    home.unblock()
    assert texts(home, BLOCKED) == wanted(notes.SECOND)


# ── what a dead run handed over and nobody commits ───────────────────────────────────────────────


@pytest.mark.parametrize("where", [Window.SINK_DELIVERED, Window.OUTPUT_RENAMED])
def test_an_item_that_vanishes_after_the_kill_vanishes_from_the_sinks(launcher, home, where):
    home.fill({"a.txt": "it stays here", "b.txt": "it will vanish"})
    killed(launcher, home, str(where))
    assert texts(home, "archive").keys() == {"a.txt", "b.txt"}
    home.fill(files := {"a.txt": "it stays here"})
    assert launcher.do(home).code == 0
    assert texts(home, "archive") == wanted(files)
    home.unblock()
    assert texts(home, BLOCKED) == wanted(files)


def test_an_item_that_is_bad_after_the_kill_is_withdrawn(launcher, home):
    home.fill({"a.txt": "good at first"})
    killed(launcher, home, str(Window.SINK_DELIVERED))
    home.fill({"a.txt": "bad"})
    launcher.do(home)
    assert texts(home, "archive") == {}
    home.unblock()
    assert texts(home, BLOCKED) == {}


def test_an_item_that_is_as_it_was_before_gets_its_old_document_back(launcher, home):
    home.fill({"a.txt": "the first version", "b.txt": "another note"})
    assert launcher.do(home).code == 0
    home.fill({"a.txt": "the second version", "b.txt": "another note"})
    killed(launcher, home, str(Window.SINK_DELIVERED))
    assert texts(home, "archive")["a.txt"] == "the second version"
    home.fill(files := {"a.txt": "the first version", "b.txt": "another note"})
    assert launcher.do(home).code == 0
    assert texts(home, "archive") == files
    home.unblock()
    assert texts(home, BLOCKED) == files


# ── rows, and sending what waited ────────────────────────────────────────────────────────────────


@pytest.mark.service("postgresql")
@pytest.mark.parametrize("where", ["sink.spooled", "sink.delivered", "journal.synced"])
def test_rows_are_as_safe(launcher, home, postgres_url, where):
    import psycopg

    url = postgres_url.replace("+psycopg", "")
    home.enable(rows={"kind": "postgresql", "url": url, "pool_min": 1, "pool_max": 2})
    home.fill(notes.FIRST)
    killed(launcher, home, where)
    assert launcher.do(home).said["status"] == "COMPLETED"
    home.fill(notes.SECOND)
    killed(launcher, home, where)
    assert launcher.do(home).said["status"] == "COMPLETED"
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT key, document ->> 'text' FROM pipewarden_documents").fetchall()
    assert dict(rows) == wanted(notes.SECOND)


@pytest.mark.parametrize("nth", [1, 2, 4, 6])
def test_catching_up_may_be_killed_too(launcher, home, nth):
    """The sink is back while runs go on, and each of them is killed."""
    home.fill(notes.FIRST)
    assert launcher.do(home).code == 0
    (home.path / BLOCKED).unlink()
    for number in range(3):
        home.fill({**notes.FIRST, "02-edited.txt": f"edited for the {number}th time"})
        launcher.do(home, crash_at=f"lines.torn:{nth + number}")
    files = {**notes.FIRST, "02-edited.txt": "edited for the last time"}
    home.fill(files)
    assert launcher.do(home).code == 0
    told = care.replay(enabled(home.settings), spools_of(home.settings), home.workspace().clock)
    assert [(done.left, done.error) for done in told] == [(0, ""), (0, "")]
    assert texts(home, BLOCKED) == texts(home, "archive") == wanted(files)
