"""The real command over a file of records: from its lines to lines, and every way back."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
PATIENCE = 300.0

PIPELINE = '''
"""Counts words. A record that says "hold" works until a file named "go" appears."""

import time
from pathlib import Path

import pipewarden as pw


def count(note):
    text = note["text"]
    if "boom" in text:
        raise ValueError("it went boom")
    if "hold" in text:
        Path("held").touch()
        while not Path("go").exists():
            time.sleep(0.005)
    return {"id": note["id"], "words": len(text.split())}


def enough(result) -> bool:
    return result["words"] >= 2


words = pw.Pipeline(name="words", process=count, records="id", lines="words.jsonl",
                    gate=pw.Gate([pw.check(enough, blocking=True)]))
'''


class Place:
    """A folder in which the command is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.started: list[subprocess.Popen[str]] = []
        (folder / "mine.py").write_text(PIPELINE, encoding="utf-8")

    def write(self, *texts: tuple[Any, str], name: str = "in.jsonl") -> None:
        rows = [json.dumps({"id": key, "text": text}) + "\n" for key, text in texts]
        (self.folder / name).write_text("".join(rows), encoding="utf-8")

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def go(self, *arguments: str, name: str = "in.jsonl") -> subprocess.CompletedProcess[str]:
        return self.do("run", "mine:words", name, "--output-dir", "out", *arguments)

    def counted(self, *arguments: str, name: str = "in.jsonl") -> tuple[int, dict[str, int]]:
        """Run, and return the exit code and what became of the items."""
        done = self.go("--executor", "inline", "--json", *arguments, name=name)
        totals = json.loads(done.stdout)["totals"]
        names = ("skipped", "published", "quarantined", "deferred")
        assert sum(totals[name] for name in names) == totals["seen"]
        return done.returncode, {name: totals[name] for name in names if totals[name]}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def until(self, path: str) -> None:
        bound = time.monotonic() + PATIENCE
        while not (self.folder / path).exists():
            assert time.monotonic() < bound, f"{path} never came"
            time.sleep(0.01)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.do(*arguments, "--json").stdout)

    def lines(self) -> list[dict[str, Any]]:
        data = (self.folder / "out/words.jsonl").read_bytes()
        return [json.loads(row) for row in data.splitlines()]

    def keys(self) -> list[str]:
        return [line["id"] for line in self.lines()]

    def last_run(self) -> str:
        return str(self.json("jobs", "list")["jobs"][0]["id"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_run_tells_what_became_of_every_line(place):
    place.write(("c", "one two"), ("a/../b", "one"), ("boom", "boom boom"), ("c", "one two"))
    with (place.folder / "in.jsonl").open("a", encoding="utf-8") as file:
        file.write(
            'not json\n\n{"id": "c", "text": "other"}\n{"text": "x"}\n{"id": "ü 🗼", "text": "a b"}'
        )
    done = place.go("--workers", "2")
    assert done.returncode == 1, done.stderr
    assert "in.jsonl: 1 line repeats an earlier record exactly, left out" in done.stdout
    assert "7 seen = 0 skipped + 2 published + 5 quarantined + 0 deferred" in done.stdout
    for told in (
        r"^a/\.\./b +enough +enough: is False",
        r"^boom +ValueError +ValueError: it went boom",
        r"^c \(line 7\) +repeated_key +line 7 has the id 'c' of line 1, which stands",
        r"^line 5 +not_json +line 5 is not JSON",
        r"^line 8 +no_key +line 8 has no id",
    ):
        assert re.search(told, done.stdout, re.MULTILINE), told
    assert place.keys() == ["c", "ü 🗼"]
    status = place.do("status", "in.jsonl", "--explain")
    assert status.returncode == 0
    assert re.search(r"^c +unchanged +skip", status.stdout, re.MULTILINE)
    told = r"^boom +failed +process +errored \(ValueError\); attempt 2 of 3"
    assert re.search(told, status.stdout, re.MULTILINE)


def test_quarantined_lines_are_listed_shown_retried_and_released(place):
    place.write(("short", "one"), ("good", "one two"), ("boom", "boom boom"))
    place.go()
    run_id = place.last_run()
    held = place.json("quarantine", "list", "--source", "in.jsonl")["items"]
    assert {item["key"]: item["reason"] for item in held} == {
        "short": "enough",
        "boom": "ValueError",
    }
    shown = place.do("quarantine", "show", run_id, "short")
    assert "in.jsonl, record 'short'" in shown.stdout
    assert f"pipewarden quarantine release {run_id} short" in shown.stdout

    nothing = place.do("quarantine", "release", run_id, "boom", "--reason", "why not")
    assert nothing.returncode == 2
    assert "boom (ValueError) left no document that could be released" in nothing.stderr
    done = place.do("quarantine", "release", run_id, "short", "--reason", "I read it")
    assert done.returncode == 0, done.stderr
    assert place.keys() == ["good", "short"]
    assert place.lines()[-1]["verdict"]["status"] == "RELEASED"

    marked = place.json("quarantine", "retry", run_id, "boom")["marked"]
    assert marked == ["boom"]
    place.write(("short", "one"), ("good", "one two"), ("boom", "mended now"))
    assert place.counted("--only-failed") == (0, {"skipped": 2, "published": 1})
    assert place.keys() == ["good", "short", "boom"]
    assert place.counted() == (0, {"skipped": 3})
    assert place.do("audit", "verify").returncode == 0


def test_limits_deletions_and_runs_without_a_gate(place):
    place.write(("d", "one two"), ("b", "one"), ("a", "one two"), ("c", "one two"))
    assert place.counted("--limit", "1") == (0, {"published": 1, "deferred": 3})
    assert place.counted("--no-validate") == (0, {"skipped": 1, "published": 3})
    assert place.keys() == ["d", "b", "a", "c"]
    assert place.lines()[1]["verdict"]["status"] == "UNVALIDATED"
    assert place.counted() == (1, {"skipped": 1, "published": 2, "quarantined": 1})
    assert place.lines()[4]["withdrawn"]["reason"] == "enough"
    place.write(("d", "one two"), ("b", "one"), ("c", "one two"))
    before = len(place.lines())
    assert place.counted() == (0, {"skipped": 3})
    told = place.do("status", "in.jsonl", "--explain").stdout
    assert "its record is gone; --prune-deleted forgets it" in told
    assert place.counted("--prune-deleted") == (0, {"skipped": 3})
    assert place.lines()[before:] == [{"id": "a", "withdrawn": place.lines()[-1]["withdrawn"]}]


def test_a_rerun_writes_every_document_again(place):
    place.write(("b", "one two"), ("a", "one two"))
    place.go()
    done = place.do("rerun", place.last_run())
    assert done.returncode == 0, done.stderr
    assert place.keys() == ["b", "a", "b", "a"]
    assert place.counted() == (0, {"skipped": 2})


def test_two_sources_write_one_after_the_other_into_one_folder(place):
    place.write(("a", "one two"), ("b", "one two"))
    place.write(("a", "three words here"), ("z", "one two"), name="more.jsonl")
    assert place.counted() == (0, {"published": 2})
    assert place.counted(name="more.jsonl") == (0, {"published": 2})
    assert place.keys() == ["a", "b", "a", "z"]
    for name in ("in.jsonl", "more.jsonl"):
        assert place.counted(name=name) == (0, {"skipped": 2})


def test_a_second_source_waits_for_the_folder_and_is_told_by_whom_it_is_held(place):
    place.write(("a", "one two"), ("held", "hold on"), ("b", "one two"))
    place.write(("z", "one two"), name="more.jsonl")
    running = place.start("run", "mine:words", "in.jsonl", "--output-dir", "out", "--workers", "1")
    place.until("held")
    refused = place.go("--lock-timeout", "0", name="more.jsonl")
    assert refused.returncode == 3
    assert re.search(r"out is locked: held by run \S+ \(process \d+", refused.stderr)
    assert "pipewarden jobs pause" in refused.stderr
    same = place.go("--lock-timeout", "0")
    assert same.returncode == 3, same.stdout
    (place.folder / "go").touch()
    assert running.wait(PATIENCE) == 0
    assert place.go(name="more.jsonl").returncode == 0
    assert place.keys() == ["a", "held", "b", "z"]


def test_nothing_is_decided_about_a_record_while_a_run_works_on_its_source(place):
    """A retry in the middle would take the number of the run's next record."""
    place.write(("short", "one"), ("held", "hold on"), ("b", "one two"))
    running = place.start("run", "mine:words", "in.jsonl", "--output-dir", "out", "--workers", "1")
    place.until("held")
    refused = place.do("quarantine", "retry", place.last_run())
    assert refused.returncode == 3
    assert "is being run by" in refused.stderr
    (place.folder / "go").touch()
    assert running.wait(PATIENCE) == 1
    assert place.keys() == ["held", "b"]


@pytest.mark.parametrize("how", ["jobs pause", "signal"])
def test_a_paused_run_is_resumed_and_the_order_holds(place, how):
    keys = [f"k{n:03d}" for n in range(700, 0, -1)]
    place.write(*((key, "hold on" if key == "k690" else "one two") for key in keys))
    running = place.start("run", "mine:words", "in.jsonl", "--output-dir", "out", "--workers", "2")
    place.until("held")
    run_id = place.last_run()
    if how == "signal":
        os.killpg(running.pid, signal.SIGINT)
    else:
        assert place.do("jobs", "pause", run_id, "--reason", "lunch").returncode == 0
    assert running.stdout is not None
    for line in running.stdout:
        if "pause requested" in line:
            break
    (place.folder / "go").touch()
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    assert f"pipewarden jobs resume {run_id}" in out
    assert 10 < len(place.keys()) < 700  # no more than a few wait for the held one
    resumed = place.do("jobs", "resume", run_id)
    assert resumed.returncode == 0, resumed.stderr
    assert place.keys() == keys
    assert place.json("jobs", "status", run_id)["job"]["progress"]["published"] == 700


def test_a_damaged_file_is_processed_as_far_as_it_goes_and_the_exit_code_says_so(place):
    texts = [(f"k{n:03d}", os.urandom(40).hex() + " word") for n in range(200)]
    place.write(*texts)
    whole = gzip.compress((place.folder / "in.jsonl").read_bytes())
    path = place.folder / "in.jsonl.gz"
    path.write_bytes(whole)
    assert place.counted(name=path.name) == (0, {"published": 200})
    path.write_bytes(whole[: len(whole) // 2])
    code, counts = place.counted("--prune-deleted", name=path.name)
    assert (code, counts["quarantined"]) == (1, 1)
    assert "published" not in counts
    assert len(place.keys()) == 200  # nothing is taken for deleted
    told = place.json("quarantine", "list")["items"][0]
    shown = place.do("quarantine", "show", told["run_id"], told["key"]).stdout
    assert "damaged: the file is damaged after line" in shown
    path.write_bytes(whole)
    assert place.counted("--prune-deleted", name=path.name) == (0, {"skipped": 200})
    assert place.json("quarantine", "list")["items"] == []


def test_what_is_no_source_is_told_with_an_exit_code(place):
    missing = place.go(name="no.jsonl")
    assert missing.returncode == 2
    assert "no.jsonl does not exist" in missing.stderr
    (place.folder / "empty.jsonl").touch()
    empty = place.go(name="empty.jsonl")
    assert empty.returncode == 0
    assert "empty.jsonl holds no record" in empty.stdout
    (place.folder / "folder.jsonl").mkdir()
    assert place.go(name="folder.jsonl").returncode == 0
    (place.folder / "array.jsonl").write_text('[{"id": "a"}]')
    array = place.go(name="array.jsonl")
    assert array.returncode == 1
    assert "each record must be an object on its own line" in array.stdout


@pytest.mark.service("postgresql")
def test_the_state_may_be_in_postgresql(place, postgres_url):
    place.environment["PIPEWARDEN_DATABASE_URL"] = postgres_url
    odd = ["b", "a\0b", "x" * 1000, "ключ 🗼", "a/b", "..", 17]
    place.write(*((key, "one two") for key in odd), ("short", "o\0ne"), ("k" * 1001, "one two"))
    assert place.counted() == (1, {"published": 7, "quarantined": 2})
    assert [line["source"]["key"] for line in place.lines()] == [
        "b", "a\\x00b", "x" * 1000, "ключ 🗼", "a/b", "..", "17"]  # fmt: skip
    assert place.counted() == (0, {"skipped": 9})
    done = place.do("quarantine", "release", place.json("quarantine", "list")["items"][0]["run_id"],
                    "short", "--reason", "read")  # fmt: skip
    assert done.returncode == 0, done.stderr
    place.write(("b", "one"), ("new", "one two"))
    assert place.counted("--prune-deleted") == (1, {"published": 1, "quarantined": 1})
    assert place.do("audit", "verify").returncode == 0
