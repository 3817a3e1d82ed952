"""Settings: defaults < file < environment < flag, and no secret in what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipewarden.errors import InvalidSettings
from pipewarden.settings import REDACTED, load_settings, redact


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "pipewarden.yaml").write_text(text)


def test_each_source_wins_over_the_one_below(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().lock_timeout == 10
    write(home, "lock_timeout: 20\nworkers: 3")
    assert load_settings().lock_timeout == 20
    monkeypatch.setenv("PIPEWARDEN_LOCK_TIMEOUT", "30")
    assert load_settings().lock_timeout == 30
    assert load_settings(lock_timeout=40, workers=None).lock_timeout == 40
    assert load_settings().workers == 3


def test_pipelines_are_merged_over_the_sources(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "pipelines: {filings: {item: 1A, max_tags: 5}}")
    monkeypatch.setenv("PIPEWARDEN_PIPELINES__FILINGS__ITEM", "7")
    assert load_settings().pipelines == {"filings": {"item": "7", "max_tags": 5}}


def test_lists_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPEWARDEN_DATABASE_SOURCES", '["/a", "/b"]')
    assert load_settings().database_sources == (Path("/a"), Path("/b"))
    monkeypatch.setenv("PIPEWARDEN_DATABASE_SOURCES", "[")
    with pytest.raises(InvalidSettings, match="PIPEWARDEN_DATABASE_SOURCES"):
        load_settings()


def test_variables_that_are_no_settings_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPEWARDEN_SOMETHING", "else")
    monkeypatch.setenv("PIPEWARDEN_RESEARCHER", "")
    assert load_settings().researcher == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wrokers: 2", "wrokers"),
        ("workers: none", "workers"),
        ("executor: threads", "executor"),
        ("- 1", "mapping"),
        ("a: [", "does not read"),
    ],
)
def test_a_file_that_does_not_hold_names_the_fault(home: Path, text: str, words: str) -> None:
    write(home, text)
    with pytest.raises(InvalidSettings, match=words):
        load_settings()


def test_a_named_file_must_exist(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPEWARDEN_CONFIG", str(home / "none.yaml"))
    with pytest.raises(InvalidSettings, match=r"none\.yaml"):
        load_settings()


def test_the_state_lies_in_the_home_folder(home: Path) -> None:
    settings = load_settings(home=home / "elsewhere")
    assert settings.state_url == f"sqlite:///{home.as_posix()}/elsewhere/.pipewarden/state.db"
    assert settings.in_home(Path("data")) == home / "elsewhere" / "data"


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ({"url": "postgresql://me:secret@host/db"}, "secret"),
        ({"pipelines": {"p": {"api_key": "k-123"}}}, "k-123"),
        ({"auth": {"password": "hunter2", "token": "t"}}, "hunter2"),
        ({"list": [{"client_secret": "s-3"}]}, "s-3"),
        ({"text": "see redis://:pw-9@host"}, "pw-9"),
    ],
)
def test_no_secret_is_shown(shown: dict[str, Any], hidden: str) -> None:
    text = str(redact(shown))
    assert hidden not in text
    assert REDACTED in text


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    plain = {"workers": 2, "url": "https://host/a?b=c", "token": "", "password": None, "n": [1]}
    assert redact(plain) == plain
