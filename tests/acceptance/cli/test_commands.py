"""The real command, as a person or a script meets it."""

from __future__ import annotations

import json
import re

import pytest


def error_of(done):
    return json.loads(done.stderr)["error"]


# ── run ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_says_what_became_of_the_items_and_what_to_type_next(finished):
    out = (finished.folder / "first.txt").read_text(encoding="utf-8")
    assert "5 items found, 5 to process" in out
    assert "5 seen = 0 skipped + 2 published + 3 quarantined + 0 deferred" in out
    assert re.search(r"^boom\.txt +ValueError +ValueError: it went boom$", out, re.MULTILINE)
    assert "data/processed/words" in out
    assert re.search(r"pipewarden quarantine show \S+ boom\.txt", out)


def test_a_run_in_json_prints_the_report_and_nothing_else(place):
    place.write(a="one two", b="one")
    done = place.run("run", "mine:words", "raw", "--json", "--executor", "inline")
    facts = json.loads(done.stdout)
    assert facts["totals"]["seen"] == 2
    assert facts["exit_code"] == done.returncode == 1
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert events[0]["event"] == "planned"
    assert events[0]["total"] == 2


def test_a_second_run_has_nothing_to_do_and_keeps_quiet_if_asked(place):
    place.write(a="one two")
    assert place.run("run", "mine:words", "raw", "-q", "--executor", "inline").stdout == ""
    done = place.run("run", "mine:words", "raw")
    assert done.returncode == 0
    assert "1 skipped" in done.stdout


def test_rerun_repeats_a_run_under_a_new_id(place):
    place.write(a="one two")
    place.run("run", "mine:words", "raw", "--executor", "inline")
    first = place.last_job()
    done = place.run("rerun", first["id"])
    assert done.returncode == 0, done.stderr
    second = place.last_job()
    assert second["parent_id"] == first["id"]
    assert second["progress"]["published"] == 1


def test_a_folder_without_matches_says_what_was_looked_for(place):
    (place.folder / "raw").mkdir()
    done = place.run("run", "mine:words", "raw")
    assert done.returncode == 0
    assert "matches *.txt; see --pattern" in done.stdout


def test_a_reader_that_goes_away_is_not_an_error(place):
    place.write(**{f"item{n}": "one two" for n in range(3)})
    done = place.run("run", "mine:words", "raw", "--executor", "inline")
    assert done.returncode == 0
    process = place.start("status", "raw", "--explain")
    assert process.stdout is not None
    process.stdout.close()
    process.wait()
    assert process.stderr is not None
    assert (process.returncode, process.stderr.read()) == (0, "")


# ── status ───────────────────────────────────────────────────────────────────────────────────────


def test_status_knows_the_pipeline_of_a_source_and_says_why(finished):
    done = finished.run("status", "raw", "--explain")
    assert done.returncode == 0
    assert re.search(
        r"^boom\.txt +failed +process +errored \(ValueError\); attempt 2", done.stdout, re.MULTILINE
    )
    assert re.search(r"^good\.txt +unchanged +skip +unchanged since", done.stdout, re.MULTILINE)


def test_status_takes_the_pipeline_first_or_as_an_option_and_gives_json(finished):
    by_option = finished.json("status", "raw", "--pipeline", "mine:words")
    by_order = finished.json("status", "mine:words", "raw")
    assert by_option == by_order
    assert by_order["counts"]["unchanged"] == 2
    assert by_order["to_process"] == 1
    assert "items" not in by_order
    assert len(finished.json("status", "raw", "--explain")["items"]) == 5


def test_a_dry_run_is_the_plan_of_status_and_changes_nothing(finished):
    before = finished.json("jobs", "list")["total"]
    dry = finished.json("run", "mine:words", "raw", "--dry-run")
    assert dry["counts"] == finished.json("status", "raw")["counts"]
    assert finished.json("jobs", "list")["total"] == before


# ── jobs, quarantine, ledger ─────────────────────────────────────────────────────────────────────


def test_jobs_are_paged_with_their_true_total(finished):
    page = finished.json("jobs", "list", "--limit", "1", "--status", "completed")
    assert (len(page["jobs"]), page["total"]) == (1, 1)
    assert finished.json("jobs", "list", "--status", "paused")["total"] == 0
    run_id = page["jobs"][0]["id"]
    held = finished.json("jobs", "status", run_id, "--items", "failed", "--limit", "2")
    assert [item["key"] for item in held["items"]["items"]] == ["boom.txt", "empty.txt"]
    assert held["items"]["total"] == 3
    rest = finished.json("jobs", "status", run_id, "--items", "failed", "--offset", "2")
    assert [item["key"] for item in rest["items"]["items"]] == ["short.txt"]


def test_quarantine_shows_each_item_with_its_way_back(finished):
    held = finished.json("quarantine", "list", "--source", "raw")
    assert {item["key"]: item["reason"] for item in held["items"]} == {
        "boom.txt": "ValueError",
        "empty.txt": "empty_file",
        "short.txt": "enough",
    }
    run_id = held["items"][0]["run_id"]
    shown = finished.run("quarantine", "show", run_id, "short.txt")
    assert re.search(r"enough \(blocking\) +FAIL +no +must hold", shown.stdout)
    assert "pipewarden quarantine release" in shown.stdout
    assert "Traceback" in finished.run("quarantine", "show", run_id, "boom.txt").stdout
    inspected = finished.run("run", "mine:words", "raw", "--inspect-quarantine")
    assert "3 items of raw in quarantine" in inspected.stdout


def test_an_item_is_retried_or_released_with_a_reason(place):
    place.write(short="one", other="one")
    place.run("run", "mine:words", "raw", "--executor", "inline")
    run_id = place.last_job()["id"]
    done = place.run("quarantine", "release", run_id, "short.txt", "--reason", "checked by hand")
    assert done.returncode == 0, done.stderr
    assert place.published() == {"short.txt.json"}
    assert place.json("quarantine", "retry", run_id, "other.txt")["marked"] == ["other.txt"]
    assert place.json("status", "raw")["to_process"] == 1
    actions = [entry["action"] for entry in place.json("audit", "log")["entries"]]
    assert {"item.released", "item.retry_requested"} <= set(actions)


def test_the_ledger_is_verified_and_exported(finished):
    assert finished.json("audit", "verify")["holds"] is True
    done = finished.run("audit", "export", "ledger.jsonl")
    assert done.returncode == 0
    lines = (finished.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    assert finished.json("audit", "log")["total"] == len(lines)
    shown = finished.run("audit", "log", "--action", "run.finished").stdout
    assert "run.finished" in shown
    assert "run.started" not in shown


def test_events_are_read_as_cloud_events(finished):
    done = finished.run("events", "tail", "--json")
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events[-1]["type"] == "io.pipewarden.job.completed"
    assert {event["specversion"] for event in events} == {"1.0"}
    assert len(finished.run("events", "tail", "-n", "2").stdout.splitlines()) == 2


# ── care ─────────────────────────────────────────────────────────────────────────────────────────


def test_config_hides_secrets_and_says_where_a_value_comes_from(place):
    url = "postgresql://someone:hunter2@db/x"
    done = place.run("config", "show", "--json", PIPEWARDEN_DATABASE_URL=url)
    held = json.loads(done.stdout)["database_url"]
    assert "hunter2" not in done.stdout
    assert held["from"] == "PIPEWARDEN_DATABASE_URL"


def test_doctor_finds_everything_or_says_what_is_missing(place):
    done = place.run("doctor", "--json")
    assert done.returncode == 0, done.stdout
    subjects = {row["subject"]: row["state"] for row in json.loads(done.stdout)["checks"]}
    assert subjects["database"] == subjects["ledger"] == subjects["data folder"] == "ok"
    broken = place.run("doctor", PIPEWARDEN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert broken.returncode == 4
    assert "Missing: database" in broken.stdout


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "mine:words", "nowhere"], "the source nowhere does not exist"),
        (["run", "filngs", "raw"], "did you mean 'filings'?"),
        (["run", "mine:words", "raw", "--wrokers", "1"], "No such option: --wrokers"),
    ],
)
def test_wrong_usage_is_one_plain_sentence_and_exit_code_2(finished, arguments, words):
    done = finished.run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_errors_are_json_where_json_was_asked_for(finished):
    done = finished.run("run", "mine:words", "nowhere", "--json")
    assert (error_of(done)["type"], error_of(done)["exit_code"]) == ("SourceNotFound", 2)
    done = finished.run("jobs", "list", "--limit", "none", "--json")
    assert (error_of(done)["type"], done.returncode) == ("UsageError", 2)


def test_a_finished_job_is_not_paused(finished):
    run_id = finished.last_job()["id"]
    done = finished.run("jobs", "pause", run_id)
    assert done.returncode == 3
    assert f"pipewarden rerun {run_id}" in done.stderr


def test_a_manifest_damaged_together_with_its_backup_is_told_and_left_alone(place):
    place.write(a="one two")
    place.run("run", "mine:words", "raw", "--executor", "inline")
    for name in (".manifest.json", ".manifest.json.bak"):
        (place.folder / "raw" / name).write_text("{ torn", encoding="utf-8")
    done = place.run("run", "mine:words", "raw")
    assert done.returncode == 5
    assert ".manifest.json" in done.stderr
    assert (place.folder / "raw" / ".manifest.json").read_text(encoding="utf-8") == "{ torn"
