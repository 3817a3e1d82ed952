"""What is printed: tables, progress, harmless names; and the demonstration's own folder."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipewarden.app.cli import asking
from pipewarden.app.cli.output import terminal, watching
from pipewarden.app.cli.output.progress import JsonLines, Lines, Pace
from pipewarden.app.demo import filings as demo_filings, folder as demo_folder
from pipewarden.core.items import Action, ItemResult, Outcome, Plan, State, Step
from pipewarden.core.jobs import Job, JobStatus, Progress
from pipewarden.engine.planner import Planned
from pipewarden.engine.source import Scan
from pipewarden.errors import SourceNotFound, UsageError


def planned(number: int) -> Planned:
    keys = [f"{n}.txt" for n in range(number)]
    steps = tuple(Step(key, State.NEW, Action.PROCESS, "not seen before") for key in keys)
    scan = Scan(found=dict.fromkeys(keys), odd_paths={}, unreadable=[], leftovers=[])
    return Planned(Plan(steps), scan, {}, ())


def done(key: str, outcome: Outcome = Outcome.PUBLISHED) -> ItemResult:
    return ItemResult(key=key, outcome=outcome)


def test_a_table_in_a_pipe_is_aligned_and_never_cut(capsys):
    terminal.say_table(("item", "n"), [("x" * 300, "1"), ("y", "10")], right=("n",))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"item{' ' * 296}   n", f"{'x' * 300}   1", f"y{' ' * 299}  10"]


def test_a_table_on_a_terminal_is_folded_to_its_width(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "is_terminal", lambda **_: True)
    monkeypatch.setenv("COLUMNS", "40")
    terminal.say_table(("item", "why"), [("a.txt", "words " * 20)])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 40
    assert printed.count("words") == 20


def test_colour_is_for_terminals_that_want_it(monkeypatch, capsys):
    terminal.say("plain", tone="bad")
    monkeypatch.setattr(terminal, "is_terminal", lambda **_: True)
    terminal.say("red", tone="bad")
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.say("plain", tone="bad")
    first, second, third = capsys.readouterr().out.splitlines()
    assert (first, third) == ("plain", "plain")
    assert "\x1b[" in second


def test_a_name_that_is_no_utf_8_is_printed_and_written_as_json(monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.prepare()
    terminal.say("naïve \udce9")
    terminal.say_json({"key": "\udce9"}, line=True)
    plain, as_json = raw.getvalue().decode("ascii").splitlines()
    assert plain == "na\\xefve \\udce9"
    assert json.loads(as_json)["key"] == "\udce9"


def test_a_pipe_that_closes_silences_the_output(monkeypatch):
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    os.close(reading)
    terminal.say("nobody reads this")
    terminal.say("nor this")
    stream.close()


def test_pace_tells_speed_and_time_left_by_the_clock():
    now = [0.0]
    pace = Pace(10, clock=lambda: now[0])
    assert pace.left is None
    now[0] = 2.0
    pace.add([done("a"), done("b", Outcome.ERRORED), done("c"), done("d")])
    assert pace.line() == "4/10 done, 2.0 items/s, 3.0 s left, 1 quarantined"
    assert pace.due(1.5)
    assert not pace.due(1.5)


def test_lines_begin_with_the_total_and_come_every_few_seconds_only(capsys):
    lines = Lines()
    lines.planned(planned(3), 3)
    for number in range(3):
        lines.committed([done(f"{number}.txt")])
    lines.note("watch \x1b[31m out")
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["3 items found, 3 to process (3 new)", "note: watch ␛[31m out"]


def test_json_lines_go_to_stderr(capsys):
    lines = JsonLines()
    lines.planned(planned(2), 2)
    lines.note("so")
    printed = capsys.readouterr()
    assert printed.out == ""
    first, second = map(json.loads, printed.err.splitlines())
    assert (first["event"], first["total"], first["plan"]["new"]) == ("planned", 2, 2)
    assert second == {"event": "note", "text": "so"}


def test_settings_are_yaml_and_metadata_is_one_of_them(tmp_path):
    table = tmp_path / "index.csv"
    table.touch()
    pairs = ["n=380", "on=yes", "name=Item 1A", "list=[1, 2]", "url=a=b"]
    held = asking.pipeline_settings(pairs, table)
    assert held == {
        "n": 380, "on": True, "name": "Item 1A", "list": [1, 2], "url": "a=b",
        "metadata": str(table),
    }  # fmt: skip
    assert asking.pipeline_settings([], None) is None
    with pytest.raises(UsageError):
        asking.pipeline_settings(["=1"], None)


def test_a_missing_source_names_the_last_folder_that_exists(tmp_path):
    with pytest.raises(SourceNotFound) as caught:
        asking.existing(str(tmp_path / "a" / "b"))
    assert caught.value.next_step.endswith(f"{tmp_path} exists")


# ── the demonstration's folder and files ─────────────────────────────────────────────────────────


def test_the_demonstration_cleans_what_it_left_and_nothing_else(tmp_path):
    folder = demo_folder.fresh_folder(tmp_path / "demo")
    demo_folder.write(folder, [("raw/a.htm", b"x"), ("data/out.json", b"{}")])
    demo_folder.mark(folder)
    assert demo_folder.fresh_folder(tmp_path / "demo") == folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("marked", [True, False])
def test_a_folder_with_somebodys_files_is_left_as_it_is(tmp_path, marked):
    folder = demo_folder.fresh_folder(tmp_path / "demo")
    if marked:
        demo_folder.mark(folder)
    (folder / "mine.txt").write_text("precious", encoding="utf-8")
    assert demo_folder.fresh_folder(folder) == tmp_path / "demo-2"
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "precious"


def test_a_file_in_the_way_is_told(tmp_path: Path):
    (tmp_path / "demo").touch()
    with pytest.raises(UsageError):
        demo_folder.fresh_folder(tmp_path / "demo")


def test_sample_filings_are_always_the_same_and_some_are_changed():
    first, second = demo_filings.samples(), demo_filings.samples()
    assert first == second
    assert len({sample.name for sample in first}) == 12
    by_name = {sample.name: sample.data for sample in first}
    revised = demo_filings.revisions()
    assert len(revised) == 2
    assert all(by_name[sample.name] != sample.data for sample in revised)


def test_the_bar_of_a_job_that_is_followed_shows_committed_of_seen_and_is_full_at_last(monkeypatch):
    from rich.console import Console

    screen = Console(file=io.StringIO(), force_terminal=True, width=100, record=True)
    made = datetime(2026, 3, 1, tzinfo=UTC)
    job = Job(id="run-1", pipeline="p", source="s", created_at=made, created_by="ada")
    looks = [job]
    for published in (1, 3, 7):
        held = Progress(seen=10, skipped=2, published=published, quarantined=1)
        looks.append(replace(job, status=JobStatus.RUNNING, progress=held))
    left = iter([*looks, replace(looks[-1], status=JobStatus.COMPLETED)])
    bars, began = [], watching._Bar

    def bar():
        bars.append(began())
        return bars[0]

    drawn = []

    def wait(_):
        (task,) = bars[0]._drawn.tasks
        drawn.append((task.completed, task.total, task.fields["words"].partition(",")[0]))

    monkeypatch.setattr(watching, "is_terminal", lambda: True)
    monkeypatch.setattr(watching, "console", lambda: screen)
    monkeypatch.setattr(watching, "_Bar", bar)
    monkeypatch.setattr(watching, "requests", SimpleNamespace(find=lambda *_: next(left)))
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=wait))
    assert watching.follow(None, "run-1", json=False).status is JobStatus.COMPLETED
    assert drawn == [
        (0, None, "QUEUED: 0 of 0 items done"),
        (2, 8, "RUNNING: 4 of 10 items done"),
        (4, 8, "2/6 done"),
        (8, 8, "6/6 done"),
    ]
    shown = screen.export_text()
    assert shown.rindex("6/6 done") > shown.rindex("2/6 done") > shown.rindex("4 of 10 items")
