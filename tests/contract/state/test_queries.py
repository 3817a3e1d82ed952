"""A query of somebody else's database becomes a table, and nothing there is changed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pipewarden.errors import (
    DependencyUnavailable,
    InvalidSettings,
    SourceNotFound,
    UsageError,
)
from pipewarden.store.queries import keep_answer

SALES = "SELECT isbn, week, copies, title FROM weekly ORDER BY isbn, week"


@pytest.fixture
def weekly(url: str) -> str:
    """Return the URL of a database with a table of sales."""
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE weekly (isbn text, week date, copies numeric, title text)"))
        rows = [
            {"isbn": "9780306406157", "week": "2025-01-04", "copies": 12.5, "title": 'A, "quoted"'},
            {"isbn": "9780306406157", "week": "2025-01-11", "copies": None, "title": "50% off: x"},
        ]
        conn.execute(text("INSERT INTO weekly VALUES (:isbn, :week, :copies, :title)"), rows)
    engine.dispose()
    return url


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_answer_is_kept_with_the_names_of_its_columns(weekly, tmp_path):
    path = tmp_path / "inbox" / "weekly.csv"
    assert keep_answer(weekly, SALES, path) == 2
    assert table(path) == [
        ["isbn", "week", "copies", "title"],
        ["9780306406157", "2025-01-04", "12.5", 'A, "quoted"'],
        ["9780306406157", "2025-01-11", "", "50% off: x"],
    ]


def test_a_percent_sign_and_a_colon_mean_themselves(weekly, tmp_path):
    query = "SELECT title FROM weekly WHERE title LIKE '50%' AND title <> ' :nobody'"
    assert keep_answer(weekly, query, tmp_path / "a.csv") == 1


@pytest.mark.parametrize(
    "query",
    ["SELECT nothing FROM nowhere", "DELETE FROM weekly", "INSERT INTO weekly VALUES (1)", "hello"],
)
def test_what_is_no_reading_query_is_refused_and_changes_nothing(weekly, tmp_path, query):
    path = tmp_path / "kept.csv"
    path.write_text("as it was")
    with pytest.raises(UsageError):
        keep_answer(weekly, query, path)
    assert path.read_text() == "as it was"
    assert [held.name for held in tmp_path.iterdir() if held.suffix != ".db"] == ["kept.csv"]
    assert keep_answer(weekly, SALES, path) == 2


def test_a_database_that_is_not_there_is_told_without_its_password(tmp_path):
    url = "postgresql+psycopg://ada:hunter2@127.0.0.1:9/sales"
    with pytest.raises(DependencyUnavailable) as caught:
        keep_answer(url, SALES, tmp_path / "a.csv")
    assert "hunter2" not in f"{caught.value} {caught.value.next_step}"


def test_a_file_that_does_not_exist_is_not_made(tmp_path):
    with pytest.raises(SourceNotFound):
        keep_answer(f"sqlite:///{tmp_path / 'gone.db'}", SALES, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_url_is_not_repeated(tmp_path):
    with pytest.raises(InvalidSettings) as caught:
        keep_answer("ada:hunter2 at home", SALES, tmp_path / "a.csv")
    assert "hunter2" not in str(caught.value)
