"""Records from files, and what is told of a file of records before a run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.articles import files
from pipewarden.pipelines.articles.files import parse_line, record_of_file, validate

GOOD = b'{"document_id": "a", "text": "x"}'


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.htm"])
def test_a_page_or_text_is_named_by_its_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / name
    file.write_text("Café", encoding="utf-8")
    assert record_of_file(file, tmp_path) == {"document_id": f"in/{name}", "text": "Café"}
    assert record_of_file(file)["document_id"] == name


def test_a_json_file_holds_the_record_and_its_name(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(GOOD)
    assert record_of_file(file) == {"document_id": "a", "text": "x"}
    file.write_text('{"text": "x"}', encoding="utf-8")
    assert record_of_file(file) == {"document_id": "a.json", "text": "x"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_usual_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Café “quoted”", encoding=encoding)
    assert record_of_file(file)["text"] == "Café “quoted”"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty_file"),
        ("a.txt", b" \n", "empty_file"),
        ("a.txt", b"\xff\x00\x01\x00", "binary_file"),
        ("a.json", b"[1]", "not_an_object"),
        ("a.json", b"{", "not_json"),
        ("a.json", b"\xff{}", "not_utf8"),
        ("a.json", b"[" * 100_000, "not_json"),
    ],
)
def test_a_file_that_holds_no_record_says_why(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(pw.BadInput) as caught:
        record_of_file(tmp_path / name)
    assert caught.value.reason == reason


def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    (tmp_path / "a.txt").write_bytes(b"x" * 11)
    with pytest.raises(pw.BadInput) as caught:
        record_of_file(tmp_path / "a.txt")
    assert caught.value.reason == "too_large"


@given(st.binary(max_size=60))
def test_any_line_is_a_record_or_is_refused(line: bytes) -> None:
    try:
        assert isinstance(parse_line(line), dict)
    except pw.BadInput as error:
        assert error.reason in {"not_json", "not_utf8", "not_an_object"}


@pytest.mark.parametrize("packed", [False, True])
def test_every_bad_line_is_told_by_number_and_reason(tmp_path: Path, packed: bool) -> None:
    lines = [
        GOOD,
        b"not json",
        b"[1]",
        b"",
        b'{"document_id": "b"}',
        b'{"document_id": "b", "text": 5}',
        b'{"text": "x"}',
        b'{"document_id": "a", "text": "y"}',
        b'{"document_id": "\xff", "text": "y"}',
        b'{"document_id": "c", "text": "z"}',
    ]
    data = b"\n".join(lines)
    file = tmp_path / "a.jsonl"
    file.write_bytes(gzip.compress(data) if packed else data)
    found = validate(file)
    assert (found.lines, found.articles) == (9, 2)
    assert [(fault.line, fault.reason) for fault in found.faults] == [
        (2, "not_json"),
        (3, "not_an_object"),
        (5, "missing_text"),
        (6, "wrong_type"),
        (7, "missing_document_id"),
        (8, "repeated_document_id"),
        (9, "not_utf8"),
    ]
    assert "line 1" in found.faults[5].message


def test_a_torn_archive_tells_what_was_good_and_that_it_is_torn(tmp_path: Path) -> None:
    records = [json.dumps({"document_id": str(n), "text": f"{n**9}"}) for n in range(5_000)]
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(records).encode())[:-20_000])
    found = validate(file)
    assert 0 < found.articles < 5_000
    assert found.faults[-1].reason == "damaged_gzip"


def test_a_line_that_is_too_long_is_one_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 40)
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"text": "' + b"x" * 200 + b'"}\n' + GOOD)
    found = validate(file)
    assert [(fault.line, fault.reason) for fault in found.faults] == [(1, "too_large")]
    assert (found.lines, found.articles) == (2, 1)


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    assert validate(tmp_path / "a.jsonl") == files.Validation(0, 0, ())
