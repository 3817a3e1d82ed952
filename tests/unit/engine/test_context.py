"""The run's id, its folder, and a snapshot from which it can be repeated, without its secrets."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest
import yaml

import pipewarden as pw
from pipewarden.settings import REDACTED, redact

AT = datetime(2025, 12, 28, 13, 30, tzinfo=UTC)


def context(base, **also):
    return pw.RunContext("filings", base, **{"clock": lambda: AT, **also})


def test_the_id_tells_when_what_and_which_commit(tmp_path):
    assert context(tmp_path).run_id == "20251228_133000_filings"
    sha = "0123456789abcdef"
    assert context(tmp_path, git_sha=sha).run_id == "20251228_133000_filings_0123456"


def test_an_id_that_is_taken_is_numbered(tmp_path):
    ids = [context(tmp_path).create().run_id for _ in range(3)]
    first = "20251228_133000_filings"
    assert ids == [first, f"{first}_2", f"{first}_3"]
    assert {path.name for path in tmp_path.iterdir()} == set(ids)


def test_a_name_cannot_leave_its_folder(tmp_path):
    run = pw.RunContext("../../a b", tmp_path, clock=lambda: AT).create()
    assert run.output_dir.parent == tmp_path
    assert "/" not in run.run_id


def test_the_checkout_is_named_with_its_commit_branch_and_state(tmp_path, monkeypatch):
    def git(*arguments):
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "trunk")
    (tmp_path / "a").write_text("one")
    git("add", "a")
    git("commit", "-qm", "first")
    monkeypatch.chdir(tmp_path)
    sha = git("rev-parse", "HEAD")
    clean = context(tmp_path / "runs", auto_git_sha=True)
    assert (clean.git_sha, clean.run_id) == (sha, f"20251228_133000_filings_{sha[:7]}")
    snapshot = clean.config_snapshot
    assert (snapshot["git_branch"], snapshot["git_dirty"]) == ("trunk", False)
    assert snapshot["researcher"] == "Test Researcher"
    (tmp_path / "a").write_text("two")
    assert context(tmp_path / "runs").config_snapshot["git_dirty"] is True


def test_outside_of_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    run = context(tmp_path / "runs", auto_git_sha=True)
    assert run.git_sha is None
    assert run.config_snapshot["git_dirty"] is None


def test_the_snapshot_is_saved_whole_and_without_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPEWARDEN_RESEARCHER", "Ada")
    monkeypatch.setenv("PIPEWARDEN_DATABASE_URL", "postgresql://ada:hunter2@db/state")
    run = context(tmp_path).create()
    path = run.save_config({"limit": 3, "api_key": "hunter2", "nested": {"tokens": ["hunter2"]}})
    assert path == run.output_dir / "run_config.yaml"
    text = path.read_text()
    assert "hunter2" not in text
    saved = yaml.safe_load(text)
    assert saved["run_id"] == run.run_id
    assert saved["researcher"] == "Ada"
    assert saved["timestamp"] == AT.isoformat()
    assert saved["config"] == {
        "limit": 3,
        "api_key": REDACTED,
        "nested": {"tokens": [REDACTED]},
    }
    assert "pipewarden" in saved["dependencies"]
    assert run.save_metrics({"f1": 0.5}).read_text() == '{\n  "f1": 0.5\n}\n'


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": "x"}, {"password": REDACTED}),
        ({"DB_PASSWD": "x"}, {"DB_PASSWD": REDACTED}),
        ({"client_secret": ["x", "y"]}, {"client_secret": [REDACTED, REDACTED]}),
        ({"password": ""}, {"password": ""}),
        ({"password": None}, {"password": None}),
        ({"passage": "x"}, {"passage": "x"}),
        ({"url": "redis://:x@host/0"}, {"url": f"redis://:{REDACTED}@host/0"}),
        ({"url": "amqp://me:x@host"}, {"url": f"amqp://me:{REDACTED}@host"}),
        ({"url": "https://host/me@x"}, {"url": "https://host/me@x"}),
        (["postgresql+psycopg://me:x@h/d"], [f"postgresql+psycopg://me:{REDACTED}@h/d"]),
        ({"dsn": "host=h password=x"}, {"dsn": REDACTED}),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_place_in_an_address(given, kept):
    assert redact(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"secrets": {"inner": "hunter2"}},
        {"url": "postgresql://host/state?user=me&password=hunter2"},
        {"url": "postgresql://me:hun@ter2@host/state"},
        {"url": "postgresql://me:hun/ter2@host/state"},
        {"authorization": "Bearer hunter2"},
    ],
)
def test_nothing_of_a_secret_is_left(given):
    assert "ter2" not in repr(redact(given))
