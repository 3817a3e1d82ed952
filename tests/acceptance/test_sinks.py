"""The real command with sinks: files and records, every change, and sinks that go and come."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipewarden.delivery.sinks.kinds.jsonl import documents_in

COMMAND = str(Path(sys.executable).with_name("pipewarden"))

PIPELINES = """
from pathlib import Path

import pipewarden as pw


def count(path: Path) -> dict:
    text = path.read_text()
    return {"words": len(text.split()), "text": text}


def article(record: dict) -> dict:
    return {"id": record["id"], "words": len(record["text"].split()), "text": record["text"]}


def enough(result) -> bool:
    return result["words"] >= 2


gate = pw.Gate([pw.check(enough, blocking=True)])
words = pw.Pipeline(name="words", process=count, pattern="*.txt", gate=gate)
news = pw.Pipeline(name="news", process=article, records="id", lines="news-{date}.jsonl", gate=gate)
"""


@dataclass
class Place:
    """A folder in which the command is run."""

    folder: Path

    def settings(self, **sinks: Any) -> None:
        (self.folder / "pipewarden.yaml").write_text(yaml.safe_dump({"sinks": sinks}))

    def write(self, **files: str) -> None:
        (self.folder / "raw").mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / "raw" / f"{name}.txt").write_text(text, encoding="utf-8")

    def records(self, *records: dict[str, str]) -> None:
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (self.folder / "in.jsonl").write_text(lines, encoding="utf-8")

    def do(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout

    def run(self, name: str, source: str, *more: str, code: int = 0) -> dict[str, Any]:
        """Run a pipeline; return the report's facts."""
        self.do("run", f"mine:{name}", source, "--workers", "1", *more, code=code)
        newest = max((self.folder / "data" / "runs").iterdir())
        return json.loads((newest / "validation_report.json").read_text())

    def held(self, folder: str = "archive") -> dict[str, Any]:
        """Return the documents of a sink of kind jsonl, by their ids."""
        found = documents_in(self.folder / folder)
        return {name: envelope["document"] for name, envelope in found.items()}

    def texts(self, folder: str = "archive") -> dict[str, str]:
        return {name: document["text"] for name, document in self.held(folder).items()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "mine.py").write_text(PIPELINES, encoding="utf-8")
    return Place(tmp_path)


ARCHIVE = {"kind": "jsonl", "folder": "archive"}


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_published_changed_moved_rejected_and_deleted_is_so_in_the_sink(place):
    place.settings(archive=ARCHIVE)
    place.write(
        kept="one two", edited="one two", moved="to be moved", spoiled="good one", gone="a b"
    )
    facts = place.run("words", "raw")
    assert facts["sinks"] == {"archive": {"delivered": 5, "spooled": 0, "refused": 0}}
    published = {
        f"words/{path.name.removesuffix('.json')}": json.loads(path.read_text())
        for path in (place.folder / "data/processed/words").glob("*.json")
    }
    assert place.held() == published

    place.write(edited="one two three", spoiled="bad", new="new words")
    (place.folder / "raw" / "moved.txt").rename(place.folder / "raw" / "elsewhere.txt")
    (place.folder / "raw" / "gone.txt").unlink()
    place.run("words", "raw", "--prune-deleted", code=1)
    assert place.texts() == {
        "words/kept.txt": "one two",
        "words/edited.txt": "one two three",
        "words/elsewhere.txt": "to be moved",
        "words/new.txt": "new words",
    }
    assert place.held()["words/elsewhere.txt"]["source"]["path"] == "elsewhere.txt"

    run_id = max((place.folder / "data" / "runs").iterdir()).name
    place.do("quarantine", "release", run_id, "spoiled.txt", "--reason", "it will do")
    assert place.held()["words/spoiled.txt"]["verdict"]["status"] == "RELEASED"

    lines = sum(len(p.read_text().splitlines()) for p in (place.folder / "archive").glob("*.jsonl"))
    told = json.loads(place.do("sinks", "compact", "--json"))["archive"]
    assert (told["kept"], told["dropped"]) == (5, lines - 5)
    assert len(place.texts()) == 5


def test_a_run_without_work_asks_no_sink(place):
    place.settings(archive=ARCHIVE)
    place.write(a="one two")
    place.run("words", "raw")
    facts = place.run("words", "raw")
    assert facts["sinks"] == {"archive": {"delivered": 0, "spooled": 0, "refused": 0}}


def test_force_fills_a_sink_that_was_enabled_later(place):
    place.write(a="one two", b="three four")
    assert "sinks" not in place.run("words", "raw")
    place.settings(archive=ARCHIVE)
    place.run("words", "raw", "--force")
    assert place.texts() == {"words/a.txt": "one two", "words/b.txt": "three four"}


# ── records that become lines ────────────────────────────────────────────────────────────────────


def test_records_go_there_too_and_each_pipeline_to_its_own_sinks(place):
    place.settings(
        archive={**ARCHIVE, "pipelines": ["news"]},
        others={"kind": "jsonl", "folder": "others", "pipelines": ["w*"]},
    )
    place.records({"id": "1", "text": "first news"}, {"id": "zwei/2", "text": "Zoë 東京 news"})
    place.write(a="one two")
    facts = place.run("news", "in.jsonl")
    assert facts["sinks"] == {"archive": {"delivered": 2, "spooled": 0, "refused": 0}}
    assert place.run("words", "raw")["sinks"].keys() == {"others"}
    place.records(
        {"id": "1", "text": "short"},
        {"id": "zwei/2", "text": "newer news"},
        {"id": "3", "text": "c d"},
    )
    place.run("news", "in.jsonl", code=1)
    assert place.texts() == {"news/zwei/2": "newer news", "news/3": "c d"}
    assert place.texts("others") == {"words/a.txt": "one two"}
    output = next((place.folder / "data/processed/news").glob("news-*.jsonl"))
    last = {d["id"]: d for d in map(json.loads, output.read_text().splitlines()) if "words" in d}
    assert place.held()["news/3"] == last["3"]


# ── a sink that is down ──────────────────────────────────────────────────────────────────────────


def test_one_that_is_down_stops_nobody_and_has_all_in_the_end(place):
    place.settings(archive=ARCHIVE, beside={"kind": "jsonl", "folder": "beside"})
    (place.folder / "beside").write_text("no folder")
    place.write(a="one two", b="three four")
    facts = place.run("words", "raw")
    assert facts["run"]["status"] == "COMPLETED"
    assert facts["sinks"]["archive"]["delivered"] == 2
    assert facts["sinks"]["beside"] == {"delivered": 0, "spooled": 2, "refused": 0}
    assert any("sink beside: 0 delivered, 2 wait" in notice for notice in facts["notices"])

    told = {sink["name"]: sink for sink in json.loads(place.do("sinks", "status", "--json"))}
    assert (told["archive"]["state"], told["archive"]["spooled"]) == ("up to date", 0)
    assert (told["beside"]["state"], told["beside"]["spooled"]) == ("down", 2)
    assert told["beside"]["last_error"]
    assert told["beside"]["oldest"]
    assert "pipewarden sinks replay" in place.do("sinks", "status")
    assert "2 wait" in place.do("sinks", "replay", code=4)

    (place.folder / "beside").unlink()
    assert "beside: 2 documents sent, 0 wait" in place.do("sinks", "replay", "beside")
    assert place.texts("beside") == place.texts("archive")
    told = json.loads(place.do("sinks", "status", "beside", "--probe", "--json"))
    assert (told[0]["state"], told[0]["answers"]) == ("up to date", True)


def test_a_name_that_is_none_and_settings_that_do_not_hold_are_usage_errors(place):
    place.settings(archive=ARCHIVE)
    place.do("sinks", "status", "nowhere", code=2)
    place.settings(archive={"kind": "printer"})
    place.write(a="one two")
    place.do("run", "mine:words", "raw", code=2)
    (job,) = json.loads(place.do("jobs", "list", "--json"))["jobs"]
    assert job["status"] == "FAILED"
    assert "the sink 'archive' has the kind 'printer'" in job["error"]
    place.do("sinks", "status", code=2)


def test_without_sinks_the_commands_say_so(place):
    assert "no sink is enabled" in place.do("sinks", "status")
    assert "no sink" in place.do("sinks", "replay")
    assert "no sink of kind jsonl" in place.do("sinks", "compact")


# ── real filings, as lines and as rows ───────────────────────────────────────────────────────────


@pytest.mark.real_data
@pytest.mark.service("postgresql")
def test_real_filings_are_the_same_in_files_lines_and_rows(place, real_data, postgres_url):
    import psycopg

    url = postgres_url.replace("+psycopg", "")
    place.settings(archive=ARCHIVE, rows={"kind": "postgresql", "url": url, "table": "filings"})
    (place.folder / "raw").mkdir()
    chosen = (
        "apple_10-Q_FY2026Q3.htm.gz",
        "nike_10-K_FY2006.htm.gz",
        "mcdonalds_10-K_FY2023.htm.gz",
    )
    for name in chosen:
        (place.folder / "raw" / name).symlink_to(real_data / "filings" / name)
    done = subprocess.run(
        [COMMAND, "run", "filings", "raw", "--workers", "1"],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    outputs = {
        f"filings/{path.name.removesuffix('.json')}": json.loads(path.read_text())
        for path in (place.folder / "data/processed/filings").glob("*.json")
    }
    assert outputs
    assert place.held() == outputs
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT id, document FROM filings").fetchall()
    assert dict(rows) == outputs
