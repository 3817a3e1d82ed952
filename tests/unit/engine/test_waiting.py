"""What a job's process tells in a file, while it waits for a database that cannot be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipewarden.errors import DatabaseUnavailable
from pipewarden.jobs.queue.services import waited_for, waited_for_here
from pipewarden.jobs.runners import liveness, outages
from pipewarden.jobs.runners.outages import Dependency, Outages, Telling
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.state.service import beside
from pipewarden.store.state.service.breakers import BreakerRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GONE = DatabaseUnavailable("the state database does not answer")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(Settings(home=tmp_path), lambda: NOW)


def row(owner: str = "", told_at: datetime = NOW) -> BreakerRow:
    return BreakerRow(
        owner=owner or liveness.this_owner(),
        name="database",
        job_id="run-1",
        failures=3,
        retry_at=NOW + timedelta(seconds=2),
        since=NOW - timedelta(seconds=4),
        told_at=told_at,
    )


def test_what_is_told_is_read_as_it_was_until_it_is_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "waiting"
    assert beside.known(folder) == []
    beside.tell(folder, row())
    beside.tell(folder, row("höst/a:1:2"))
    assert {one.owner: one for one in beside.known(folder)} == {
        one.owner: one for one in (row(), row("höst/a:1:2"))
    }
    beside.forget(folder, "höst/a:1:2")
    assert beside.known(folder) == [row()]


def test_a_file_that_does_not_read_hides_no_other_and_is_removed_in_the_end(tmp_path: Path) -> None:
    beside.tell(tmp_path, row())
    (tmp_path / "half.json").write_text('{"owner": "a')
    (tmp_path / "other.json").write_text("{}")
    assert beside.known(tmp_path) == [row()]
    beside.forget_older(tmp_path, NOW)
    assert (len(list(tmp_path.iterdir())), beside.known(tmp_path)) == (1, [row()])
    beside.forget_older(tmp_path, NOW + timedelta(seconds=1))
    assert list(tmp_path.iterdir()) == []


def test_only_what_somebody_said_who_lives_and_not_long_ago_is_shown(workspace: Workspace) -> None:
    silent = NOW - timedelta(seconds=outages.SILENT + 1)
    host = liveness.this_owner().rpartition(":")[0].rpartition(":")[0]
    for told in (row(), row(f"{host}:{2**22 + 1}:1"), row("elsewhere:1:1", silent)):
        beside.tell(workspace.waiting_dir, told)
    assert waited_for_here(workspace) == [row()]
    assert waited_for(workspace) == [row()]
    workspace.database.close()


def test_a_job_tells_each_try_and_takes_it_back_when_the_database_answers(tmp_path: Path) -> None:
    seen, left = [], [None, None, 7]
    database = Dependency(lambda: NOW, random=lambda: 0.5)
    telling = Telling("host:1:1", "run-1", tmp_path)

    def again() -> int:
        seen.append([(one.job_id, one.name, one.failures) for one in beside.known(tmp_path)])
        reached = left.pop(0)
        if reached is None:
            raise GONE
        return reached

    waiting = Outages(
        database,
        1e6,
        lambda: NOW,
        lambda _: None,
        lambda _: None,
        changed=lambda: telling.tell_beside(database),
    )
    waiting.outlast(GONE, again)
    assert seen == [[("run-1", "database", number)] for number in (1, 2, 3)]
    assert beside.known(tmp_path) == []


def test_a_disk_that_takes_no_file_keeps_no_job_from_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "waiting").write_text("no folder")
    database = Dependency(lambda: NOW)
    database.failed()
    Telling("host:1:1", "run-1", tmp_path / "waiting").tell_beside(database)
    assert "health cannot be told what the job waits for" in caplog.text
