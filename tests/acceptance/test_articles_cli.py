"""``pipewarden articles`` as a person runs it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("pipewarden"))
TEXT = "Tim Cook of Apple said in London on Monday that “sales” rose   to $100."


def articles(
    folder: Path, *arguments: str, given: bytes | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, "articles", *arguments],
        cwd=folder,
        input=given if given is not None else b"",
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        timeout=120,
    )
    out, error = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, error)


def test_a_text_is_cleaned_and_every_change_is_told(tmp_path: Path) -> None:
    done = articles(tmp_path, "clean", "--text", TEXT)
    assert done.returncode == 0, done.stderr
    assert "[-“-]" in done.stdout
    assert "currency" in done.stdout
    assert "Tim Cook (PERSON)" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_gets_colours(tmp_path: Path) -> None:
    import pty

    reader, writer = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    command = [COMMAND, "articles", "clean", "--text", "It cost “$100” in London."]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=writer, stdout=writer, stderr=writer, env=environment
    ) as process:
        os.close(writer)
        shown = b""
        while True:
            try:
                part = os.read(reader, 65_536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(reader)
    assert process.returncode == 0
    assert b"\x1b[31m" in shown
    assert b"\x1b[32m" in shown


def test_a_switched_off_rule_does_nothing(tmp_path: Path) -> None:
    done = articles(tmp_path, "clean", "--json", "--text", TEXT, "--set", "rules.currency=false")
    told = json.loads(done.stdout)
    assert "$100" in told["cleaned_text"]
    assert {entity["type"] for entity in told["entities"]} >= {"PERSON", "GPE"}


@pytest.mark.parametrize("way", ["file", "stdin", "dash"])
def test_a_text_comes_from_a_file_or_a_pipe(tmp_path: Path, way: str) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    arguments = {"file": ["a.txt"], "stdin": [], "dash": ["-"]}[way]
    done = articles(tmp_path, "clean", "--json", *arguments, given=TEXT.encode())
    told = json.loads(done.stdout)
    assert told["original_text"] == TEXT
    assert told["cleaned_text"].count('"') == 2


def test_hostile_text_cannot_talk_to_the_terminal(tmp_path: Path) -> None:
    done = articles(tmp_path, "clean", given="Paris \x1b[31m red \u202e txet".encode())
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_a_good_file_is_valid(tmp_path: Path) -> None:
    lines = b'{"document_id": "a", "text": "x"}\n{"document_id": "b", "text": "y"}\n'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    done = articles(tmp_path, "validate", "a.jsonl.gz")
    assert done.returncode == 0
    assert "2 of 2 lines" in done.stdout


def test_bad_lines_are_told_by_number_and_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"document_id": "a", "text": "x"}\nno\n{"text": 1}\n')
    done = articles(tmp_path, "validate", "a.jsonl")
    assert done.returncode == 1
    assert "line 2: not_json" in done.stdout
    assert "line 3: wrong_type" in done.stdout
    told = json.loads(articles(tmp_path, "validate", "a.jsonl", "--json").stdout)
    assert [fault["line"] for fault in told["faults"]] == [2, 3]


def test_info_tells_configured_available_and_in_use(tmp_path: Path) -> None:
    done = articles(tmp_path, "info", "--json", "--set", "entities.model=en_core_web_trf")
    engine = json.loads(done.stdout)["engine"]
    assert engine["configured"]["model"] == "en_core_web_trf"
    assert "en_core_web_trf" not in engine["available"]["models"]
    assert engine["in_use"]["model"] in engine["available"]["models"]
    assert engine["in_use"]["device"] == "cpu"
    assert "rules.typos" not in done.stdout
    assert "in use" in articles(tmp_path, "info").stdout


def test_the_environment_uses_the_same_names(tmp_path: Path) -> None:
    done = articles(
        tmp_path, "info", "--json", PIPEWARDEN_PIPELINES__ARTICLES__RULES__QUOTES="false"
    )
    assert json.loads(done.stdout)["settings"]["rules"]["quotes"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["clean", "--text", "x", "--set", "rules.typo=false"], 2, "did you mean typos?"),
        (["clean", "--text", "x", "missing.txt"], 2, "give one of them"),
        (["clean", "missing.txt"], 2, "does not exist"),
        (["validate", "missing.jsonl"], 2, "does not exist"),
        (["validate", "."], 2, "is a folder"),
        (["clean", "--text", "xxxxx", "--set", "max_chars=3"], 1, "max_chars is 3"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    done = articles(tmp_path, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_command_to_install_it_is_told(tmp_path: Path) -> None:
    absent = "import sys\nsys.modules['spacy'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(absent, encoding="utf-8")
    done = articles(tmp_path, "clean", "--text", "x", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert 'pip install "pipewarden[articles]"' in done.stderr
    assert "Traceback" not in done.stderr
