"""A table as a source: its records are spooled, and known again from run to run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.app.cli.commands import status
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.requests import find
from pipewarden.jobs.run import Silent, plan, start
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings


def rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(newline="") as file:
        table = csv.DictReader(file)
        if "name" not in (table.fieldnames or ()):
            raise pw.BadInput("no_name", "it has no column 'name'")
        yield from table


def shout(record: dict[str, Any]) -> dict[str, Any]:
    return {"said": record["text"].upper()}


SHOUTS = pw.Pipeline(name="shouts", process=shout, pattern="*.csv", records="name", reader=rows)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(Settings(home=tmp_path))
    yield workspace
    workspace.database.close()


def run(place: Workspace, table: str = "in.csv", **options: Any) -> pw.RunReport:
    return pw.run(SHOUTS, table, workspace=place, executor="inline", **options)


def test_each_row_is_an_item_and_only_what_changed_is_processed_again(place):
    Path("in.csv").write_text("name,text\na,hello\nb,world\n")
    assert run(place).progress.published == 2
    assert '"HELLO"' in Path("data/processed/shouts/a.json").read_text()
    Path("in.csv").write_text("name,text\nb,moon\na,hello\nc,new\n")  # and in another order
    report = run(place)
    assert (report.progress.skipped, report.progress.published) == (1, 2)
    options = find(place, report.run_id).options
    assert options["table"] == str(Path("in.csv").absolute())
    assert options["table_hash"] == pw.compute_file_hash(Path("in.csv"))


def test_a_plan_reads_the_table_too_and_tables_of_one_name_are_apart(place):
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "in.csv").write_text(f"name,text\n{folder},x\n")
        run(place, f"{folder}/in.csv")
    asked = RunOptions(source=str(Path("one/in.csv").absolute()))
    assert plan(SHOUTS, asked, place).plan.counts()["unchanged"] == 1


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [("text\nx\n", pw.UsageError, "no column 'name'"), (None, pw.SourceNotFound, "cannot be read")],
)
def test_what_is_no_table_is_told_and_nothing_is_run(place, text, error, says):
    if text is not None:
        Path("in.csv").write_text(text)
    with pytest.raises(error, match=says):
        run(place)
    assert not Path("data/processed").exists()


def test_a_rerun_takes_the_records_as_they_were(place):
    Path("in.csv").write_text("name,text\na,hello\n")
    first = run(place)
    Path("in.csv").unlink()
    asked = RunOptions.from_dict({**find(place, first.run_id).options, "force": True})
    assert start(SHOUTS, asked, place, Silent()).progress.published == 1


def test_the_status_of_a_table_knows_who_read_it_last(place):
    Path("in.csv").write_text("name,text\na,hello\n")
    report = run(place)
    jobs = status._jobs(place, str(Path("in.csv").absolute()))
    assert [job.id for job in jobs] == [report.run_id]
    assert status._jobs(place, str(Path("other.csv").absolute())) == ()


def test_a_reader_needs_records():
    with pytest.raises(pw.InvalidSettings, match="a reader needs records"):
        pw.Pipeline(name="x", process=shout, reader=rows)
