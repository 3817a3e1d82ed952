"""Every command is documented, starts fast, and ends with the exit code that its end deserves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pipewarden.app.cli import main
from pipewarden.errors import StateDamaged

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


EVERY = dict(commands(get_command(main.app), "pipewarden"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def carry_out(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["pipewarden", *arguments])
    return main.carry_out(list(arguments))


@pytest.mark.parametrize("path", EVERY)
def test_every_command_and_option_says_what_it_is_for(path):
    command = EVERY[path]
    assert (command.help or "").strip(), f"{path} has no help"
    for parameter in command.params:
        documented = getattr(parameter, "help", None) or parameter.name == "help"
        assert documented, f"{path} {parameter.name} has no help"


def test_every_command_is_in_the_reference():
    text = REFERENCE.read_text(encoding="utf-8")
    assert [path for path in EVERY if f"## `{path}`" not in text] == []


@pytest.mark.parametrize("path", EVERY)
def test_every_command_prints_its_help_within_80_columns(path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    assert carry_out(monkeypatch, *path.split()[1:], "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Usage: {path}")
    assert [line for line in lines if len(line) > 80] == []


def test_help_loads_no_heavy_library():
    code = (
        "import sys; before = set(sys.modules);"
        "from pipewarden.app.cli.main import carry_out; carry_out(['--help']);"
        "heavy = 'pydantic sqlalchemy alembic jinja2 yaml lxml httpx rich multiprocessing';"
        "print('loaded:', *[name for name in heavy.split() if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_the_version_is_printed(monkeypatch, capsys):
    assert carry_out(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("pipewarden ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run absent:words .", "there is no module 'absent'"),
        ("run json:words .", "has no attribute 'words'"),
        ("run filings . --set x", "is not KEY=VALUE"),
        ("run filings . --set x=[", "is not YAML"),
        ("run filings . --metadata none.csv", "none.csv does not exist"),
        ("run filings . --workers 0", "greater than or equal to 1"),
        ("status", "Missing argument"),
        ("status a b c", "status takes one source, not a b c"),
        ("status .", "no pipeline is known"),
        ("jobs status 20250101_000000_words", "there is no job"),
        ("rerun 20250101_000000_words", "there is no job"),
        ("quarantine list --run none", "there is no job 'none'"),
        ("audit export absent/ledger.jsonl", "the folder of absent/ledger.jsonl does not exist"),
        ("quarantine release some-run some-item", "Missing option '--reason'"),
        ("rum", "Did you mean 'run'?"),
    ],
)
def test_wrong_usage_is_told_on_stderr_with_the_next_step(arguments, words, monkeypatch, capsys):
    assert carry_out(monkeypatch, *arguments.split()) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "\nNext: " in printed.err
    assert printed.out == ""


def break_jobs(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pipewarden.jobs.requests.list_jobs", fail)


def test_a_bug_is_one_sentence_and_its_traceback_is_kept(elsewhere, monkeypatch, capsys):
    break_jobs(monkeypatch, KeyError("no such \x1b[31m thing"))
    assert carry_out(monkeypatch, "jobs", "list") == 70
    printed = capsys.readouterr().err
    assert "KeyError" in printed
    assert "\x1b" not in printed
    assert "Traceback" not in printed
    (log,) = (elsewhere / ".pipewarden").glob("crash-*.log")
    assert str(log.relative_to(elsewhere)) in printed
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_foreseen_failure_ends_with_its_own_exit_code_and_words(monkeypatch, capsys):
    error = StateDamaged("it is torn", left_behind="all of it", next_step="mend it")
    break_jobs(monkeypatch, error)
    assert carry_out(monkeypatch, "jobs", "list") == 5
    assert (
        capsys.readouterr().err == "pipewarden: it is torn\nLeft behind: all of it\nNext: mend it\n"
    )
    assert carry_out(monkeypatch, "jobs", "list", "--json") == 5
    told = json.loads(capsys.readouterr().err)["error"]
    assert (told["type"], told["exit_code"]) == ("StateDamaged", 5)


def test_an_interrupt_outside_of_a_run_ends_with_130(monkeypatch, capsys):
    break_jobs(monkeypatch, KeyboardInterrupt())
    assert carry_out(monkeypatch, "jobs", "list") == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err
