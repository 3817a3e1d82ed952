"""Files of records: every line that is not blank is an item, a repetition, or a fault."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from pipewarden.engine import records
from pipewarden.engine.records import RecordScan, RecordSource, holds_records, record_hash
from pipewarden.errors import SourceNotFound

Scanned = Callable[..., RecordScan]


@pytest.fixture
def scanned(tmp_path: Path) -> Scanned:
    """Return what writes bytes to a file and scans it."""

    def scan(data: bytes, name: str = "in.jsonl") -> RecordScan:
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return RecordSource.at(path, "id").scan()

    return scan


def line(key: Any, **fields: Any) -> bytes:
    return orjson.dumps({"id": key, **fields}) + b"\n"


def told(scan: RecordScan) -> dict[str, str]:
    """Return key → code of every line that is no record."""
    return {key: code for key, (code, _) in scan.problems.items()}


# ── the forms of a file ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.ndjson.gz", "A.JSONL"])
def test_each_line_is_an_item_found_again_by_its_place(scanned, name):
    lines = {f"key-{n}": line(f"key-{n}", text="x" * n * 100) for n in range(200)}
    scan = scanned(b"".join(lines.values()), name)
    assert list(scan.found) == list(lines)
    assert {key: scan.record(key) + b"\n" for key in lines} == lines
    backwards = random.Random(1).sample(list(lines), 20)
    assert [scan.record(key) + b"\n" for key in backwards] == [lines[key] for key in backwards]
    assert not scan.problems
    assert not scan.unreadable
    scan.close()


@pytest.mark.parametrize(
    ("name", "holds"),
    [("x.jsonl", True), ("x.NDJSON.GZ", True), ("x.json", False), ("jsonl", False), ("", False)],
)
def test_the_name_says_whether_a_file_holds_records(name, holds):
    assert holds_records(Path("folder") / name) is holds


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_byte_order_mark_line_ends_blank_lines_and_a_last_line_without_end(scanned, end):
    data = end.join(
        [b'\xef\xbb\xbf{"id": "a"}', b"", b"   ", b"\t", b' {"id": "b"} ', b'{"id": "c"}']
    )
    scan = scanned(data)
    assert list(scan.found) == ["a", "b", "c"]
    assert [scan.record(key) for key in "abc"] == [b'{"id": "a"}', b'{"id": "b"}', b'{"id": "c"}']
    assert not scan.problems
    scan.close()


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"  "])
@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_a_file_of_nothing_holds_nothing(scanned, data, name):
    scan = scanned(data, name)
    assert (scan.found, scan.problems, scan.unreadable, scan.unseen) == ({}, {}, [], [])


def test_a_gz_file_of_no_bytes_at_all_holds_nothing(tmp_path):
    (tmp_path / "in.jsonl.gz").touch()
    assert RecordSource.at(tmp_path / "in.jsonl.gz", "id").scan().found == {}


def test_a_source_that_is_not_there_or_no_regular_file_is_told(tmp_path):
    with pytest.raises(SourceNotFound, match=r"no\.jsonl cannot be read: No such file"):
        RecordSource.at(tmp_path / "no.jsonl", "id")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(SourceNotFound, match="not a regular file") as caught:
        RecordSource.at(tmp_path / "pipe.jsonl", "id")
    assert "write the records to a file" in caught.value.next_step


def test_one_file_is_one_source_however_its_path_is_written(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "in.jsonl").touch()
    paths = (tmp_path / "in.jsonl", f"{tmp_path}/sub/../in.jsonl", f"{tmp_path}/./in.jsonl")
    assert {RecordSource.at(path, "id").file for path in paths} == {tmp_path / "in.jsonl"}


# ── lines that are no records ────────────────────────────────────────────────────────────────────

FAULTS = {
    b"not json": ("not_json", "line 2 is not JSON"),
    b'{"id": "x"': ("not_json", "line 2 is not JSON"),
    b'{"id": "x"} {"id": "y"}': ("not_json", "at character 13"),
    b'{"id": "x", "n": NaN}': ("not_json", "at character 18"),
    b'{"id": "x", "text": "\\ud800"}': ("not_json", "surrogate"),
    b'{"id": "\xff"}': ("not_json", "UTF-8"),
    b'{"id": "x", "n": 1e999}': ("not_json", "infinity"),
    b"\x00\x00\x00": ("not_json", "line 2 is not JSON"),
    b'[{"id": "x"}]': ("not_an_object", "a JSON array; each record must be an object on its own"),
    b'"text"': ("not_an_object", "a JSON string"),
    b"17": ("not_an_object", "a JSON number"),
    b"true": ("not_an_object", "a JSON boolean"),
    b"null": ("not_an_object", "a JSON null"),
    b'{"title": "x"}': ("no_key", "line 2 has no id"),
    b'{"id": null}': ("no_key", "line 2 has no id"),
    b'{"id": ""}': ("no_key", "the id of line 2 is empty"),
    b'{"id": " \\n "}': ("no_key", "the id of line 2 is empty"),
    b'{"id": true}': ("no_key", "the id of line 2 is a JSON boolean"),
    b'{"id": 1.5}': ("no_key", "the id of line 2 is a JSON number"),
    b'{"id": ["x"]}': ("no_key", "the id of line 2 is a JSON array"),
    b'{"id": {"x": 1}}': ("no_key", "the id of line 2 is a JSON object"),
    b'{"id": "' + b"k" * 1001 + b'"}': ("long_key", "longer than 1000 bytes"),
    b'{"id": "x", "n": 18446744073709551616}': ("number_too_large", "18446744073709551616"),
    b'{"id": "x", "n": [{"m": -9223372036854775809}]}': ("number_too_large", "-92233720368547758"),
    b'{"id": "x", "n": ' + b"7" * 200 + b"}": ("number_too_large", "7" * 40 + "…"),
    b'{"id": "x", "n": ' + b"[" * 300 + b"]" * 300 + b"}": ("too_deep", "nested too deeply"),
    b"[" * 5000: ("not_json", "line 2 is not JSON"),
}


@pytest.mark.parametrize(("bad", "expected"), FAULTS.items(), ids=lambda v: repr(v)[:30])
def test_a_line_that_is_no_record_costs_itself_and_is_told_by_its_number(scanned, bad, expected):
    scan = scanned(line("a") + bad + b"\n" + line("b"))
    assert list(scan.found) == ["a", "b", "line 2"]
    code, sentence = scan.problems["line 2"]
    assert code == expected[0]
    assert expected[1] in sentence
    assert len(sentence) < 200
    assert scan.record("line 2") == bad
    assert scan.record("b") == line("b").strip()
    scan.close()


@pytest.mark.parametrize(
    "number",
    ["1e300", "-1e22", "9223372036854775808", "-9223372036854775808", "0.1234567890123456789"],
)
def test_numbers_that_are_kept_as_exactly_as_json_means_them_are_fine(scanned, number):
    assert not scanned(b'{"id": "x", "n": %s}' % number.encode()).problems


def test_a_json_array_file_is_one_line_that_says_what_was_wanted(scanned):
    scan = scanned(orjson.dumps([{"id": "a"}, {"id": "b"}]))
    assert told(scan) == {"line 1": "not_an_object"}
    pretty = scanned(json.dumps([{"id": "a"}], indent=1).encode())
    assert set(told(pretty).values()) == {"not_json"}


def test_a_line_that_is_too_long_is_passed_over(scanned, monkeypatch):
    monkeypatch.setattr(records, "LINE_MAX", 100)
    data = line("a") + line("long", text="x" * 3_000_000) + line("b")
    for name in ("in.jsonl", "in.jsonl.gz"):
        scan = scanned(data, name)
        assert list(scan.found) == ["a", "b", "line 2"]
        assert scan.problems["line 2"] == ("too_long", "line 2 is longer than 100 bytes")
        assert scan.record("b") == line("b").strip()
        scan.close()
    assert told(scanned(data[:-20])) == {"line 2": "too_long"}


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────

KEYS = ["a/b", "../up", "..", ".", "/root", "a//b", "two\nlines", "ключ 🗼", "x" * 1000, " padded ",
        "https://example.org/a?b=c#d", "a\\b", "con", "\u202eright to left", "*"]  # fmt: skip


def test_any_text_can_be_a_key(scanned):
    scan = scanned(b"".join(line(key) for key in KEYS))
    assert list(scan.found) == KEYS
    assert not scan.problems


def test_a_whole_number_is_a_key_and_nul_is_spelled_out(scanned):
    scan = scanned(line(17) + line(-3) + line("a\0b"))
    assert list(scan.found) == ["17", "-3", "a\\x00b"]
    assert scan.record("a\\x00b") == line("a\0b").strip()
    scan.close()


def test_a_repeated_record_is_left_out_and_told(scanned):
    scan = scanned(line("a", n=1) + b'{ "n": 1,  "id": "a" }\n' + line("b"))
    assert list(scan.found) == ["a", "b"]
    assert scan.unreadable == ["in.jsonl: 1 line repeats an earlier record exactly, left out"]
    assert "2 lines repeat" in scanned(line("a") * 3).unreadable[0]


def test_a_repeated_key_with_other_content_is_told_with_both_lines(scanned):
    scan = scanned(line("a", n=1) + line("b") + line("a", n=2) + line("a", n=1) + line("a", n=3))
    assert list(scan.found) == ["a", "b", "a (line 3)", "a (line 5)"]
    assert scan.problems["a (line 3)"] == (
        "repeated_key",
        "line 3 has the id 'a' of line 1, which stands, and other content",
    )
    assert scan.hashes["a"] == record_hash({"id": "a", "n": 1})
    assert scan.record("a") == line("a", n=1).strip()
    scan.close()


def test_the_name_of_a_faulty_line_is_never_that_of_a_record(scanned):
    """A record may well be called "line 2", before or after a line that is none."""
    data = b"bad\n" + b"bad\n" + line("line 1", n=1) + line("line 2", n=2)
    scan = scanned(data + line("a") + line("a", n=1) + line("a (line 6)"))
    faulty = {"line 1*", "line 2*", "a (line 6)*"}
    assert scan.found.keys() == {"line 1", "line 2", "a", "a (line 6)"} | faulty
    assert scan.problems.keys() == faulty


# ── damaged files ────────────────────────────────────────────────────────────────────────────────


def random_lines(number: int) -> list[bytes]:
    rng = random.Random(7)
    return [line(f"key-{n:03d}", text=rng.randbytes(300).hex()) for n in range(number)]


@pytest.mark.parametrize("where", [0.3, 0.6, 0.99])
def test_of_a_truncated_file_all_is_found_that_can_be_read_and_nothing_is_gone(tmp_path, where):
    lines = random_lines(400)
    whole = gzip.compress(b"".join(lines))
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(whole[: int(len(whole) * where)])
    scan = RecordSource.at(path, "id").scan()
    keys = [key for key in scan.found if key.startswith("key-")]
    assert 0.8 * where * 400 <= len(keys) < 400
    last = f"line {len(keys) + 1}"
    assert told(scan) == {last: "damaged"}
    assert f"damaged after line {len(keys)}" in scan.problems[last][1]
    assert scan.unseen == [""]
    assert "EOFError" in scan.unreadable[0]
    for number in (len(keys) - 1, 0, *range(len(keys))):  # however they are asked for
        assert scan.record(f"key-{number:03d}") + b"\n" == lines[number]
    assert scan.record(last) == b""
    scan.close()


def test_of_a_file_with_a_flipped_byte_too(tmp_path):
    lines = random_lines(400)
    data = bytearray(gzip.compress(b"".join(lines)))
    middle = len(data) // 2
    data[middle : middle + 20] = bytes(20)
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(data)
    scan = RecordSource.at(path, "id").scan()
    good = [key for key in scan.found if key not in scan.problems]
    assert 150 < len(good) < 400
    assert "damaged" in told(scan).values()
    for key in reversed(good):
        assert scan.record(key) + b"\n" == lines[int(key[4:])]
    scan.close()


def test_what_is_no_gzip_at_all_is_damaged_from_its_beginning(tmp_path):
    (tmp_path / "in.jsonl.gz").write_bytes(line("a"))
    scan = RecordSource.at(tmp_path / "in.jsonl.gz", "id").scan()
    assert told(scan) == {"line 1": "damaged"}
    assert "Not a gzipped file" in scan.problems["line 1"][1]
    assert scan.unseen == [""]


def test_several_gz_members_are_one_file_and_rubbish_after_them_is_told(tmp_path):
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress(line("a")) + gzip.compress(line("b")) + b"rubbish")
    scan = RecordSource.at(path, "id").scan()
    assert list(scan.found) == ["a", "b", "line 3"]
    assert told(scan) == {"line 3": "damaged"}


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_a_file_that_goes_away_or_changes_gives_nothing_or_what_is_there(scanned, tmp_path, name):
    scan = scanned(line("a") + line("b"), name)
    (tmp_path / name).write_bytes(b"?")
    assert scan.record("b") == b""
    scan.close()
    (tmp_path / name).unlink()
    assert scan.record("a") == b""
    scan.close()


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
RECORDS = st.dictionaries(TEXT, VALUES, max_size=5)


def shuffled(value: Any, rng: random.Random) -> Any:
    """Return a value with the fields of its objects in another order."""
    if isinstance(value, dict):
        names = rng.sample(list(value), len(value))
        return {name: shuffled(value[name], rng) for name in names}
    return [shuffled(held, rng) for held in value] if isinstance(value, list) else value


@given(RECORDS, st.randoms(use_true_random=False), st.sampled_from([None, 1]), st.booleans())
def test_the_hash_is_the_same_however_a_record_is_spaced_ordered_and_escaped(
    record, rng, indent, ascii_only
):
    text = json.dumps(
        shuffled(record, rng), ensure_ascii=ascii_only, separators=rng.choice([(",", ":"), None])
    )
    assert record_hash(orjson.loads(text)) == record_hash(orjson.loads(orjson.dumps(record)))
    spaced = json.dumps(record, indent=indent)
    assert record_hash(orjson.loads(spaced)) == record_hash(orjson.loads(text))


@given(RECORDS, RECORDS)
def test_the_hash_is_another_for_another_record(one, other):
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )
    assert (record_hash(one) == record_hash(other)) is same


LINES = st.lists(
    st.one_of(
        st.sampled_from([b"", b"  ", b"\r", b"{", b"[1]", b"null", b"\xff", b'{"id": ""}']),
        st.builds(
            lambda key, n: line(key, n=n).strip(),
            st.sampled_from(["a", "b", "line 1", "line 2", "a (line 2)", 3]),
            st.integers(0, 2),
        ),
        st.binary(max_size=20).filter(lambda data: b"\n" not in data),
    ),
    max_size=12,
)


@given(LINES)
def test_every_line_that_is_not_blank_is_accounted_for(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("scan") / "in.jsonl"
    path.write_bytes(b"\n".join(lines))
    scan = RecordSource.at(path, "id").scan()
    filled = [held for held in lines if held.removeprefix(b"\xef\xbb\xbf").strip()]
    places = list(scan.found.values())
    assert len(places) + scan._same == len(filled)
    assert len(set(places)) == len(places)
    assert scan.found.keys() == scan.hashes.keys()
    assert scan.problems.keys() <= scan.found.keys()
    for key in scan.found.keys() - scan.problems.keys():
        assert str(orjson.loads(scan.record(key))["id"]) == key
    scan.close()
