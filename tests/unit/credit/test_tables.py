"""What a file holds is read as it is, and what is wrong with it is counted, or refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.credit.data.description import (
    TableDescription,
    described,
    load_description,
)
from pipewarden.pipelines.credit.data.reading import read_table
from pipewarden.pipelines.credit.data.splitting import folds, split
from pipewarden.pipelines.credit.data.table import (
    coded,
    fingerprint,
    levels_of,
    numbers,
    row_hashes,
    table_of,
    with_levels_of,
)

Rows = list[dict[str, Any]]


def columns_of(rows: Rows) -> dict[str, list[str]]:
    return {name: [str(row[name]) for row in rows] for name in rows[0]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"a,b\r\n", "no_rows"),
        (b"a,a\n1,2\n", "repeated_column"),
        (b"a,b\n1,2\n1,2,3\n", "ragged_row"),
        (b"a,b\n1\n", "ragged_row"),
        (b"a,b\n1,\xff\n", "not_utf8"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    for name, written in (("t.csv", data), ("t.csv.gz", gzip.compress(data))):
        path = tmp_path / name
        path.write_bytes(written)
        with pytest.raises(pw.BadInput) as caught:
            read_table(path)
        assert caught.value.reason == reason


@pytest.mark.parametrize("spoilt", [b"no gzip", gzip.compress(b"a,b\n" * 500)[:-20]])
def test_a_damaged_gzip_is_refused(tmp_path: Path, spoilt: bytes) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(spoilt)
    with pytest.raises(pw.BadInput, match="damaged") as caught:
        read_table(path)
    assert caught.value.reason == "damaged_gzip"


def test_every_digit_of_a_level_counts() -> None:
    cells = np.array([1234567.0, 1234568.0, 0.1234567, np.nan])
    levels = levels_of(cells, ())
    assert levels == ("0.1234567", "1234567", "1234568")
    assert coded(cells, levels).tolist()[:3] == [1.0, 2.0, 0.0]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert dict(read_table(path)) == {"a": ("1",), "b": ("2",)}


def test_parquet_holds_the_same_table_as_csv(rows: Rows, table_file: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    held = {
        name: [None if row[name] in ("NA", "") else row[name] for row in rows] for name in rows[0]
    }
    path = tmp_path / "borrowers.parquet"
    pq.write_table(pa.table(held), path)
    description = load_description()
    one, two = (table_of(read_table(at), description) for at in (path, table_file))
    assert fingerprint(one, description) == fingerprint(two, description)
    assert one.quality == two.quality
    path.write_bytes(b"no parquet")
    with pytest.raises(pw.BadInput, match="no Parquet"):
        read_table(path)


def test_faults_are_counted_by_column_and_taken_as_missing(rows: Rows) -> None:
    held = columns_of(rows)
    held["age"][:5] = ["0", "old", "40.5", "200", "inf"]
    held["NumberOfTimes90DaysLate"][:3] = ["96", "98", "97"]
    held["SeriousDlqin2yrs"][7] = "NA"
    held["surprise"] = ["1"] * len(rows)
    held[""] = ["1"] * len(rows)
    table = table_of(held, load_description())
    age, late = (table.quality["columns"][n] for n in ("age", "NumberOfTimes90DaysLate"))
    assert (age["codes"], age["wrong_type"], age["out_of_range"]) == (1, 3, 1)
    assert age["wrong_rows"] == [2, 3, 5]
    assert (late["codes"], late["out_of_range"]) == (2, 1)
    assert table.quality["unlabelled"] == 1
    assert table.quality["unknown_columns"] == ["surprise"]
    assert len(table) == len(rows) - 1
    assert int(np.isnan(table.values[:, 1]).sum()) == 5


def test_repeated_rows_are_counted_and_stay_together(rows: Rows) -> None:
    held = columns_of(rows + rows[:100])
    table = table_of(held, load_description())
    assert table.quality["duplicates"] == 100
    parts = split(table, 0.1, 0.1)
    seen = [
        set(table.hashes[part].tolist()) for part in (parts.training, parts.validation, parts.test)
    ]
    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]


def test_missing_columns_are_named(rows: Rows) -> None:
    held = columns_of(rows)
    del held["age"], held["DebtRatio"]
    with pytest.raises(pw.BadInput, match="age, DebtRatio"):
        table_of(held, load_description())


@pytest.mark.parametrize("text", ["1_000", "0x10", "1,5", "ten", "inf", "-Infinity", "1e999"])
def test_what_no_table_means_as_a_number_is_none(text: str) -> None:
    values, wrong = numbers(["1", text, "NA", None], ("NA", ""))
    assert values[0] == 1
    assert np.isnan(values[1:]).all()
    assert wrong.tolist() == [1]


@given(st.permutations(range(12)), st.integers(0, 11))
def test_hashes_belong_to_rows_and_not_to_their_places(order: list[int], edited: int) -> None:
    values = np.arange(36, dtype=np.float64).reshape(12, 3)
    values[3, 1] = np.nan
    before = row_hashes(values, ["a", "b", "c"], {})
    assert (row_hashes(values[order], ["a", "b", "c"], {}) == before[order]).all()
    assert (row_hashes(values[:, [2, 0, 1]], ["c", "a", "b"], {}) == before).all()
    changed = values.copy()
    changed[edited, 0] += 1
    assert ((row_hashes(changed, ["a", "b", "c"], {}) != before) == (np.arange(12) == edited)).all()


def test_parts_and_folds_have_the_classes_in_proportion(rows: Rows) -> None:
    table = table_of(columns_of(rows), load_description())
    parts = split(table, 0.1, 0.2)
    assert len(parts.training) + len(parts.validation) + len(parts.test) == len(table)
    rate = table.labels.mean()
    for part, share in ((parts.training, 0.7), (parts.validation, 0.1), (parts.test, 0.2)):
        assert len(part) == pytest.approx(share * len(table), abs=3)
        assert table.labels[part].sum() == pytest.approx(rate * len(part), abs=2)
    fold = folds(table, 5)
    assert [int((fold == k).sum()) for k in range(5)] == pytest.approx([300] * 5, abs=4)


def test_new_rows_move_hardly_any_old_row_to_another_part(rows: Rows) -> None:
    few, many = (table_of(columns_of(r), load_description()) for r in (rows[:1_000], rows))
    test = set(few.hashes[split(few, 0.1, 0.2).test].tolist())
    later = set(many.hashes[split(many, 0.1, 0.2).test].tolist())
    assert len(test & later) > 0.85 * len(test)


def test_too_few_rows_of_a_class_are_refused(rows: Rows) -> None:
    with pytest.raises(pw.BadInput, match="are needed") as caught:
        split(table_of(columns_of(rows[:40]), load_description()), 0.1, 0.1)
    assert caught.value.reason == "too_few_rows"


def test_a_level_that_training_has_not_is_missing() -> None:
    description = TableDescription.model_validate(
        {"target": "y", "columns": {"k": {"type": "category"}, "x": {}}}
    )
    held = {"k": ["a", "b", "c", "", "c"], "x": list("12345"), "y": list("01010")}
    table = table_of(held, description)
    place = {int(x): at for at, x in enumerate(table.values[:, 1])}
    rows = np.array([place[1], place[3], place[4]])
    known = with_levels_of(table, rows, description)
    assert table.levels == {"k": ("a", "b", "c")}
    assert known.levels == {"k": ("a", "c")}
    codes = [known.values[place[x], 0] for x in (1, 2, 3, 4, 5)]
    assert np.array_equal(codes, [0, np.nan, 1, np.nan, 1], equal_nan=True)
    assert (known.hashes == table.hashes).all()


TIMED = TableDescription.model_validate({"target": "y", "time": "t", "columns": {"x": {}}})


def test_rows_of_one_time_stand_in_the_same_part() -> None:
    times = [f"2024-01-{1 + at // 40:02d}T00:00:00Z" for at in range(800)]
    held = {
        "t": times,
        "x": [str(at) for at in range(800)],
        "y": ["01"[at % 2] for at in range(800)],
    }
    table = table_of(held, TIMED)
    parts = split(table, 0.2, 0.2)
    assert parts.by == "time"
    assert table.times is not None
    ends = [table.times[part] for part in (parts.training, parts.validation, parts.test)]
    assert ends[0].max() < ends[1].min() <= ends[1].max() < ends[2].min()


def test_a_time_that_does_not_read_is_refused() -> None:
    with pytest.raises(pw.BadInput, match="row 2 has no time"):
        table_of({"t": ["2024-01-01", "soon"], "x": ["1", "2"], "y": ["0", "1"]}, TIMED)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ([], "no mapping"),
        ({"columns": {"x": {}}}, "target"),
        ({"target": "y", "columns": {}}, "columns"),
        ({"target": "y", "columns": {"y": {}}}, "no features"),
        ({"target": "y", "columns": {"x": {"type": "text"}}}, "type"),
        ({"target": "y", "columns": {"x": {"colour": 1}}}, "colour"),
        ({"target": "y", "columns": {"x": {}}, "segments": [{"column": "z"}]}, "no column"),
        ({"target": "y", "columns": {"x": {}}, "segments": [{"column": "x"}]}, "bounds"),
        ({"target": "y", "columns": {"x": {}}, "derived": {"d": {"sum": {"z": 1}}}}, "no column"),
        ({"target": "y", "columns": {"x": {}}, "derived": {"d": {}}}, "either"),
    ],
)
def test_a_description_that_does_not_hold_is_refused(plain: Any, said: str) -> None:
    with pytest.raises(pw.InvalidSettings, match=said):
        described(plain, "table.yaml")
