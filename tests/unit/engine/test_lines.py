"""Documents as lines of a file: appended in order, never moved, and looked at before they count."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.engine.publication import lines as published
from pipewarden.engine.publication.lines import LOCK, file_name
from pipewarden.errors import Conflict, Locked, PipewardenError
from pipewarden.jobs import quarantine
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.run import Silent, plan, run
from pipewarden.jobs.workspace import Workspace
from pipewarden.settings import Settings
from pipewarden.store.files import lines
from pipewarden.store.files.folder_lock import FolderLock, Holder
from pipewarden.store.manifest import line_files

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = "notes_2026-03-01.jsonl"


def process(note: dict[str, Any]) -> dict[str, Any]:
    if note["text"] == "raise":
        raise ValueError("as ordered")
    return {"id": note["id"], "text": note["text"]}


def read(path: Path) -> dict[str, Any]:
    return {"id": path.name, "text": path.read_text()}


def good(document: dict[str, Any]) -> bool:
    return "bad" not in document["text"]


def text_of(document: dict[str, Any]) -> str:
    return str(document["text"])


GATE = pw.Gate([pw.check(good, blocking=True)])
PIPELINE = pw.Pipeline(
    name="notes", process=process, records="id", lines="notes_{date}.jsonl", gate=GATE
)


class Told(Silent):
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Place:
    """A workspace with a clock that stands still, a source and an output folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = DAY
        self.workspace = Workspace(Settings(home=folder, researcher="tester"), lambda: self.at)
        self.out = folder / "out"
        self.told = Told()

    def write(self, name: str = "in", **texts: str) -> None:
        rows = [json.dumps({"id": key, "text": text}) for key, text in texts.items()]
        (self.folder / f"{name}.jsonl").write_text("".join(f"{row}\n" for row in rows))

    def go(self, name: str = "in", pipeline: pw.Pipeline = PIPELINE, **options: Any):
        asked = {"executor": "inline", "output_dir": str(self.out), "lock_timeout": 0.0, **options}
        return run(
            pipeline,
            self.folder / f"{name}.jsonl",
            workspace=self.workspace,
            listener=self.told,
            **asked,
        )

    def planned(self, name: str = "in", pipeline: pw.Pipeline = PIPELINE, **options: Any):
        """Return key → state of what would be done."""
        options = {
            "source": str(self.folder / f"{name}.jsonl"),
            "output_dir": str(self.out),
            **options,
        }
        made = plan(pipeline, RunOptions(**options), self.workspace).plan
        return {step.key: str(step.state) for step in made.work()}

    def lines(self, name: str = FILE) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / name).read_bytes().splitlines()]

    def texts(self, name: str = FILE) -> list[tuple[str, str | None]]:
        return [(line["id"], line.get("text")) for line in self.lines(name)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.workspace.database.close()


def outcomes(report: pw.RunReport) -> dict[str, int]:
    progress = report.progress
    names = ("skipped", "published", "quarantined", "deferred")
    return {name: n for name in names if (n := getattr(progress, name))}


# ── appending ────────────────────────────────────────────────────────────────────────────────────


def test_documents_stand_in_the_order_of_their_source(place):
    place.write(c="one", a="two", b="three")
    assert place.go().exit_code == 0
    assert place.texts() == [("c", "one"), ("a", "two"), ("b", "three")]
    document = place.lines()[0]
    assert document["verdict"]["status"] == "PASS"
    assert document["source"].keys() == {"path", "key", "sha256"}
    assert document["source"]["key"] == "c"


def test_a_second_run_has_nothing_to_do_and_writes_nothing(place):
    place.write(a="one", b="two")
    place.go()
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in place.out.iterdir()}
    assert outcomes(place.go()) == {"skipped": 2}
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in place.out.iterdir()} == before


def test_what_is_published_again_has_a_later_line_and_the_last_one_counts(place):
    place.write(a="one", b="two")
    place.go()
    place.write(a="one", b="changed")
    assert outcomes(place.go()) == {"skipped": 1, "published": 1}
    assert place.texts() == [("a", "one"), ("b", "two"), ("b", "changed")]
    assert place.planned() == {}


def test_a_limit_takes_the_first_lines_of_the_source(place):
    place.write(c="1", b="2", a="3", d="4")
    assert outcomes(place.go(limit=2)) == {"published": 2, "deferred": 2}
    place.go(limit=1)
    place.go()
    assert [key for key, _ in place.texts()] == ["c", "b", "a", "d"]


def test_a_new_file_begins_at_midnight_utc(place):
    place.write(a="one")
    place.at = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    place.go()
    place.at += timedelta(seconds=1)
    place.write(a="one", b="two")
    place.go()
    assert place.texts() == [("a", "one")]
    assert place.texts("notes_2026-03-02.jsonl") == [("b", "two")]
    assert place.planned() == {}


def test_it_begins_in_the_middle_of_a_run_too(place):
    times = iter([DAY + timedelta(hours=n / 10) for n in range(2000)])
    place.workspace.clock = lambda: next(times)
    place.write(**{f"k{n:03d}": "text" for n in range(150)})
    place.go()
    files = sorted(place.out.glob("*.jsonl"))
    assert len(files) > 1
    found = [key for path in files for key, _ in place.texts(path.name)]
    assert found == [f"k{n:03d}" for n in range(150)]
    place.workspace.clock = lambda: DAY
    assert place.planned() == {}


@pytest.mark.parametrize(
    ("at", "name"),
    [("2026-03-01T00:30:00+02:00", "2026-02-28"), ("2026-03-01T23:30:00-02:00", "2026-03-02")],
)
def test_the_date_is_that_of_utc(at, name):
    assert file_name("x_{date}.jsonl", datetime.fromisoformat(at)) == f"x_{name}.jsonl"


def test_a_name_with_signs_that_mean_something_in_patterns_is_a_name(place):
    pipeline = dataclasses.replace(PIPELINE, lines="no[t]es?_{date}.jsonl")
    place.write(a="one")
    place.go(pipeline=pipeline)
    crash(place, "no[t]es?_2026-03-01.jsonl", b"half a li")
    place.write(a="one", b="two")
    place.go(pipeline=pipeline)
    assert place.texts("no[t]es?_2026-03-01.jsonl") == [("a", "one"), ("b", "two")]


# ── withdrawing, releasing ───────────────────────────────────────────────────────────────────────


def withdrawn(line: dict[str, Any]) -> str:
    assert line.keys() == {"id", "withdrawn"}
    assert line["withdrawn"].keys() == {"run_id", "at", "reason"}
    return str(line["withdrawn"]["reason"])


def test_what_is_rejected_later_is_withdrawn_by_a_line_and_kept(place):
    place.write(a="one", b="two")
    place.go()
    place.write(a="bad", b="two")
    report = place.go()
    assert outcomes(report) == {"skipped": 1, "quarantined": 1}
    assert withdrawn(place.lines()[-1]) == "good"
    assert place.lines()[-1]["id"] == "a"
    folder = place.workspace.quarantine_dir(report.run_id)
    assert json.loads((folder / "a_WITHDRAWN.json").read_bytes())["text"] == "one"
    assert outcomes(place.go()) == {"skipped": 2}
    place.write(a="mended", b="two")
    place.go()
    assert place.texts()[-1] == ("a", "mended")


def test_what_errors_later_keeps_its_line_until_it_is_rejected(place):
    place.write(a="one")
    place.go()
    place.write(a="raise")
    assert outcomes(place.go()) == {"quarantined": 1}
    assert place.texts() == [("a", "one")]
    place.write(a="bad")
    place.go()
    assert withdrawn(place.lines()[-1]) == "good"


def test_what_is_pruned_is_withdrawn_by_a_line(place):
    place.write(a="one", b="two")
    place.go()
    place.write(b="two")
    assert outcomes(place.go()) == {"skipped": 1}
    assert len(place.lines()) == 2
    place.go(prune_deleted=True)
    assert (place.lines()[-1]["id"], withdrawn(place.lines()[-1])) == ("a", "its input is gone")
    assert "1 deleted items forgotten, their outputs withdrawn" in place.told.notes
    place.go(prune_deleted=True)
    assert len(place.lines()) == 3


def test_a_release_appends_a_line(place):
    place.write(a="bad", b="two")
    report = place.go()
    path = quarantine.release(place.workspace, report.run_id, "a", reason="I read it")
    assert path == place.out / FILE
    assert place.texts() == [("b", "two"), ("a", "bad")]
    assert place.lines()[-1]["verdict"]["status"] == "RELEASED"
    assert place.planned() == {}


def test_a_twin_that_came_back_is_withdrawn_by_a_line_although_nothing_else_is_to_do(place):
    gate = dataclasses.replace(GATE, unique=pw.Unique(name="text", identity=text_of))
    pipeline = dataclasses.replace(PIPELINE, gate=gate)
    place.write(a="same", b="other")
    place.go(pipeline=pipeline)
    place.write(b="same")
    place.go(pipeline=pipeline)
    place.write(a="same", b="same")
    report = place.go(pipeline=pipeline)
    assert (place.lines()[-1]["id"], withdrawn(place.lines()[-1])) == ("b", "text")
    assert report.progress.accounted == report.progress.seen
    assert place.planned(pipeline=pipeline) == {}


# ── what somebody else did to the file ───────────────────────────────────────────────────────────


def test_a_file_that_something_else_wrote_is_appended_to(place):
    place.out.mkdir()
    (place.out / FILE).write_bytes(b'{"id": "theirs", "text": "whole"}\n')
    place.write(a="one")
    place.go()
    assert place.texts() == [("theirs", "whole"), ("a", "one")]
    assert place.planned() == {}


def test_so_is_one_whose_last_line_has_no_end(place):
    place.out.mkdir()
    (place.out / FILE).write_bytes(b'{"id": "theirs", "text": "no end"}')
    place.write(a="one", b="two")
    place.go()
    assert place.texts() == [("theirs", "no end"), ("a", "one"), ("b", "two")]
    assert place.planned() == {}


def test_a_file_that_was_deleted_is_missed_and_written_anew(place):
    place.write(a="one", b="two")
    place.go()
    (place.out / FILE).unlink()
    assert place.planned() == {"a": "output-missing", "b": "output-missing"}
    place.go()
    assert place.texts() == [("a", "one"), ("b", "two")]
    assert place.planned() == {}


def test_what_was_in_a_deleted_file_stays_missed_when_others_write_there(place):
    """Not even where the new file is as long, and nothing changed since its writer left."""
    place.write(a="one", b="two", c="three")
    place.go()
    (place.out / FILE).unlink()
    place.go(limit=1)
    place.write("other", **{f"x{n}": "a text of some length" for n in range(20)})
    place.go("other")
    assert set(place.planned()) == {"b", "c"}
    assert place.planned("other") == {}
    place.go()
    assert place.planned() == {}


def test_a_line_that_was_altered_is_seen_and_no_other(place):
    place.write(a="one", b="two", c="three")
    place.go()
    path = place.out / FILE
    path.write_bytes(path.read_bytes().replace(b'"two"', b'"TWO"'))
    assert place.planned() == {"b": "output-missing"}
    place.write("other", z="zzz")
    place.go("other")  # another run that appends does not vouch for what it did not write
    assert place.planned() == {"b": "output-missing"}
    place.go()
    assert place.texts()[-1] == ("b", "two")
    assert place.planned() == {}


def test_lines_that_were_cut_off_are_missed(place):
    place.write(a="one", b="two", c="three")
    place.go()
    path = place.out / FILE
    lines.cut(path, path.stat().st_size - 5)
    assert place.planned() == {"c": "output-missing"}
    place.go()
    rows = path.read_bytes().splitlines()
    assert len(rows) == 4  # what was left of the line stays, apart
    assert json.loads(rows[3])["text"] == "three"
    assert place.planned() == {}


def test_a_signature_that_proves_nothing_only_costs_a_look(place, monkeypatch):
    place.write(a="one", b="two")
    monkeypatch.setattr(published, "_vouching", lambda _: None)
    place.go()
    looked: list[int] = []
    whole = published._File.read

    def counted(self: Any, offset: int, length: int) -> bytes:
        looked.append(offset)
        return whole(self, offset, length)

    monkeypatch.setattr(published._File, "read", counted)
    assert place.planned() == {}
    assert len(looked) == 2
    monkeypatch.undo()
    monkeypatch.setattr(published._File, "read", counted)
    place.write(a="one", b="two", c="three")
    place.go()
    looked.clear()
    assert place.planned() == {}
    assert len(looked) == 2  # the third is vouched for


def test_what_is_vouched_for_is_not_looked_at(place, monkeypatch):
    place.write(a="one", b="two")
    place.go()
    place.write("other", z="zzz")
    place.go("other")
    monkeypatch.setattr(published._File, "read", None)
    assert place.planned() == place.planned("other") == {}


def test_another_output_folder_has_nothing_yet(place):
    place.write(a="one")
    place.go()
    assert place.planned(output_dir=str(place.folder / "elsewhere")) == {"a": "output-missing"}


def test_a_shared_manifest_tells_of_lines_that_another_machine_wrote(place, tmp_path):
    """Of a folder, that is: records have theirs in the database, which is not shared so."""
    pipeline = dataclasses.replace(PIPELINE, process=read, pattern="*.txt")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.txt").write_text("one")
    options = {"executor": "inline", "output_dir": str(place.out)}
    run(pipeline, inbox, workspace=place.workspace, **options)
    other = Workspace(Settings(home=tmp_path / "other", researcher="other"))
    for path in place.out.iterdir():
        path.unlink()
    asked = RunOptions(source=str(inbox), output_dir=str(place.out))
    assert not plan(pipeline, asked, other).plan.work()
    wanting = dataclasses.replace(asked, require_outputs=True)
    assert len(plan(pipeline, wanting, other).plan.work()) == 1
    assert len(plan(pipeline, asked, place.workspace).plan.work()) == 1
    other.database.close()


# ── from files to lines and back ─────────────────────────────────────────────────────────────────


def test_a_pipeline_may_take_up_lines_and_give_them_up(place):
    as_files = dataclasses.replace(PIPELINE, lines=None)
    place.write(a="one", b="two")
    place.go(pipeline=as_files)
    assert sorted(p.name for p in place.out.glob("*.json")) == ["a.json", "b.json"]
    assert set(place.planned()) == {"a", "b"}
    place.go()
    assert place.texts() == [("a", "one"), ("b", "two")]
    place.write(a="raise", b="bad")
    place.go(pipeline=as_files)  # the one keeps its line, and the file of lines is not removed
    assert place.texts() == [("a", "one"), ("b", "two")]
    place.write(a="bad", b="bad")
    place.go(pipeline=as_files)
    assert place.texts() == [("a", "one"), ("b", "two")]


ODD = ["a", ".hidden", "a/.b", "b/c", "../d", "..", ".", "/root", "x//y", "n" * 300, "ключ 🗼"]
ODD += ["https://x.org/?q", f"folder/{'n' * 300}/name", "two\nlines", "a\0b", "d/" * 450 + "deep"]


@pytest.mark.parametrize("as_lines", [True, False])
@pytest.mark.parametrize("text", ["text", "bad", "raise"])
def test_a_record_of_any_key_is_published_quarantined_and_known_again(place, as_lines, text):
    pipeline = PIPELINE if as_lines else dataclasses.replace(PIPELINE, lines=None)
    place.write(**dict.fromkeys(ODD, text))
    report = place.go(pipeline=pipeline)
    assert report.progress.seen == len(ODD)
    kept = {str(path.resolve()) for path in place.folder.rglob("*_FAILED.json")}
    if text == "text":
        assert report.progress.published == len(ODD)
        assert outcomes(place.go(pipeline=pipeline)) == {"skipped": len(ODD)}
    else:
        assert report.progress.quarantined == len(kept) == len(ODD)
        for row in report.facts["quarantined"]["items"]:
            assert quarantine.show(place.workspace, report.run_id, row["key"])["key"] == row["key"]


def test_records_can_be_published_as_files_and_are_never_taken_for_moved(place):
    pipeline = dataclasses.replace(PIPELINE, lines=None)
    place.write(**{"a": "one", "b/c": "two", "../d": "three", "https://x.org/?q": "four"})
    assert outcomes(place.go(pipeline=pipeline)) == {"published": 4}
    assert len(list(place.out.rglob("*.json"))) == 4
    place.write(new="one", **{"b/c": "two"})
    assert outcomes(place.go(pipeline=pipeline)) == {"skipped": 1, "published": 1}
    assert outcomes(place.go(pipeline=pipeline, prune_deleted=True)) == {"skipped": 2}
    assert len(list(place.out.rglob("*.json"))) == 2


# ── one writer ───────────────────────────────────────────────────────────────────────────────────


def crash(place: Place, name: str, rest: bytes) -> None:
    """Leave what a run leaves that died after it appended and before it committed."""
    path = place.out / name
    with place.workspace.database.write() as conn:
        line_files.take(conn, str(path), path.stat().st_size, "dead run", 0)
    with path.open("ab") as file:
        file.write(rest)


@pytest.mark.parametrize("rest", [b'{"id": "a", "te', b'{"id": "z"}\n', b"\n" * 5000])
def test_what_a_dead_run_appended_and_did_not_commit_is_cut_off(place, rest):
    place.write(a="one")
    place.go()
    crash(place, FILE, rest)
    assert place.planned() == {}
    place.write(a="one", b="two")
    place.go()
    assert place.texts() == [("a", "one"), ("b", "two")]
    told = f"{place.out / FILE}: {len(rest):,} bytes that a dead run did not commit were cut off"
    assert told in place.told.notes


def test_another_run_that_writes_there_is_waited_for_and_named(place):
    place.write(a="one")
    place.out.mkdir()
    lock = FolderLock(place.out / LOCK)
    lock.acquire(Holder("host", 17, "20260301_other", "2026-03-01T12:00:00"), 0)
    with pytest.raises(
        Locked, match=r"out is locked: held by run 20260301_other \(process 17"
    ) as e:
        place.go()
    assert e.value.exit_code == 3
    assert "pipewarden jobs pause 20260301_other" in e.value.next_step
    lock.release()
    assert outcomes(place.go()) == {"published": 1}


def test_a_run_that_has_nothing_to_write_waits_for_nobody(place):
    place.write(a="one")
    place.go()
    lock = FolderLock(place.out / LOCK)
    lock.acquire(Holder.this_process("other", "now"), 0)
    assert outcomes(place.go()) == {"skipped": 1}
    lock.release()


@pytest.mark.parametrize("meddle", ["append", "cut", "delete"])
def test_a_file_that_changes_under_its_writer_stops_the_run_and_is_left_alone(place, meddle):
    left: list[bytes] = []

    def meddling(note: dict[str, Any]) -> dict[str, Any]:
        path = place.out / FILE
        if note["id"] == "last":
            if meddle == "delete":
                path.unlink()
            else:
                data = path.read_bytes()
                path.write_bytes(data + b"theirs\n" if meddle == "append" else data[:-3])
                left.append(path.read_bytes())
        return process(note)

    place.write(**{f"k{n}": "text" for n in range(64)}, last="text")
    with pytest.raises(Conflict, match="something else changed it") as caught:
        place.go(pipeline=dataclasses.replace(PIPELINE, process=meddling))
    assert caught.value.exit_code == 3
    assert (place.out / FILE).exists() is (meddle != "delete")
    assert not left or (place.out / FILE).read_bytes() == left[0]
    place.go()
    assert place.planned() == {}
    keys = [json.loads(row)["id"] for row in (place.out / FILE).read_bytes().splitlines()[-1:]]
    assert keys


# ── a disk that is full ──────────────────────────────────────────────────────────────────────────


def test_a_write_that_fails_half_way_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "out.jsonl"
    lines.append(path, b"first\n", 0)

    def half(descriptor: int, data: bytes) -> None:
        import errno
        import os

        os.write(descriptor, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pipewarden.store.files.durable.write_all", half)
        with pytest.raises(PipewardenError, match="no space left to write") as caught:
            lines.append(path, b"second\n", 6)
    assert caught.value.exit_code == 4
    assert path.read_bytes() == b"first\n"
    lines.append(path, b"second\n", 6)
    assert path.read_bytes() == b"first\nsecond\n"


@pytest.fixture
def small_disk(tmp_path: Path, skip_loudly) -> Iterator[Path]:
    """Return a folder on a file system of its own that is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        skip_loudly("a full disk cannot be had (a small tmpfs is root's to mount)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_disk_that_is_full_leaves_whole_lines_and_the_run_goes_on_when_there_is_room(
    place, small_disk, executor
):
    place.out = small_disk / "out"
    texts = {f"k{n:03d}": "x" * 1000 for n in range(200)}
    place.write(**texts)
    with pytest.raises(PipewardenError, match="no space left to write") as caught:
        place.go(executor=executor, workers=2)
    assert caught.value.exit_code == 4
    before = place.texts()
    assert before == list(texts.items())[: len(before)]
    assert 0 < len(before) < 200
    assert len(place.planned()) == 200 - len(before)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    place.go(executor=executor, workers=2)
    assert place.texts() == list(texts.items())
    assert place.planned() == {}
