"""Tables of weekly rows become one record a series; what is wrong is told of its series."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.sales.series.isbn import isbn13
from pipewarden.pipelines.sales.series.reading import one_record, series_records
from pipewarden.pipelines.sales.settings import sales_settings

GOOD = "9780306406157"


def test_rows_of_several_series_may_be_interleaved(tmp_path: Path) -> None:
    table = tmp_path / "weekly.csv"
    table.write_text(
        "unique_id,ds,y\nb,2024-01-14,4\na,2024-01-07,1\nb,2024-01-07,3\na,2024-01-14,\n"
    )
    assert list(series_records(table)) == [
        {"unique_id": "b", "ds": ["2024-01-07", "2024-01-14"], "y": [3.0, 4.0]},
        {"unique_id": "a", "ds": ["2024-01-07", "2024-01-14"], "y": [1.0, None]},
    ]


def test_the_order_of_rows_does_not_change_a_record(tmp_path: Path) -> None:
    rows = ["a,3,1.5", "a,1,2", "a,2,", "a,1,7"]
    made = []
    for number, order in enumerate((rows, rows[::-1])):
        table = tmp_path / f"{number}.csv"
        table.write_text("unique_id,ds,y\n" + "\n".join(order) + "\n")
        made.append(one_record(table))
    assert made[0] == made[1]


def test_isbn_columns_titles_and_thousands_are_read_from_gzip(tmp_path: Path) -> None:
    table = tmp_path / "books.csv.gz"
    with gzip.open(table, "wt", encoding="utf-8") as file:
        file.write('ISBN,Title,End Date,Volume\n978-0-306-40615-7,A Book,2024-01-06,"1,204"\n')
        file.write(f"{GOOD},A Book,2024-01-13,7\n")
    (record,) = series_records(table)
    assert record == {
        "unique_id": GOOD,
        "ds": ["2024-01-06", "2024-01-13"],
        "y": [1204.0, 7.0],
        "title": "A Book",
    }


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import datetime as dt

    import pyarrow.parquet as pq

    table = tmp_path / "weekly.parquet"
    days = [dt.date(2024, 1, 7), dt.date(2024, 1, 14)]
    pq.write_table(pa.table({"unique_id": ["a", "a"], "ds": days, "y": [1, None]}), table)
    assert list(series_records(table)) == [
        {"unique_id": "a", "ds": ["2024-01-07", "2024-01-14"], "y": [1.0, None]}
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,2024-13-01,3", "row 2: '2024-13-01' is no date"),
        ("a,2024-01-07,many", "row 2: 'many' is no number"),
        ("a,2024-01-07,inf", "row 2: 'inf' is no finite number"),
    ],
)
def test_a_wrong_row_is_told_of_its_series_and_of_no_other(
    tmp_path: Path, row: str, said: str
) -> None:
    table = tmp_path / "weekly.csv"
    table.write_text(f"unique_id,ds,y\n{row}\nb,2024-01-07,3\n")
    bad, good = series_records(table)
    assert said in bad["problems"][0]
    assert "problems" not in good


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty_file"), ("unique_id,ds\n", "missing_column")],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    table = tmp_path / "weekly.csv"
    table.write_text(text)
    with pytest.raises(pw.BadInput) as caught:
        list(series_records(table))
    assert caught.value.reason == reason


def test_columns_can_be_named(tmp_path: Path) -> None:
    table = tmp_path / "weekly.csv"
    table.write_text("sku,when,sold\nx,1,2\n")
    settings = sales_settings({"columns": {"id": "sku", "date": "when", "value": "sold"}})
    assert one_record(table, settings.columns) == {"unique_id": "x", "ds": [1], "y": [2.0]}


@given(st.integers(0, 10**9 - 1), st.sampled_from(("978", "979")))
def test_of_ten_check_digits_one_is_right(middle: int, prefix: str) -> None:
    right = 0
    for digit in range(10):
        try:
            isbn13(f"{prefix}{middle:09d}{digit}")
        except pw.BadInput:
            continue
        right += 1
    assert right == 1


@pytest.mark.parametrize("text", ["9.7803E+12", "0306406152", "978030640615X", "123"])
def test_what_is_no_isbn_is_told(text: str) -> None:
    with pytest.raises(pw.BadInput):
        isbn13(text)
