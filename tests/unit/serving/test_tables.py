"""``predict`` and ``forecast``: files in, files out, each answer naming its version."""

from __future__ import annotations

import csv
import gzip
import json

import pytest

from pipewarden.errors import BadInput, SourceNotFound, UnknownName, UsageError
from pipewarden.jobs.serving import choosing, forecasts, scoring, tables
from pipewarden.models.serving.signature import Input, Signature

TABLE = "id,income,age\n7,2.5,30\n8,,40\n9,1,x\n10,1,13\n11,1,120\n"


@pytest.fixture
def risk(site):
    site.train("1")
    site.deploy("risk", 1)
    (site.home / "in.csv").write_text(TABLE)
    return site


def scored(site, source, target):
    return scoring.score(
        site.workspace, "risk", "production", site.home / source, site.home / target
    )


def test_each_row_keeps_its_place_and_says_why_it_has_no_answer(risk):
    done = scored(risk, "in.csv", "out.csv")
    assert (done.rows, done.answered, done.refused, done.flagged) == (5, 3, 2, 1)
    assert done.copied == ("id",)
    with (risk.home / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] for row in rows] == ["33.5", "41.0", "", "", "122.0"]
    assert {row["model_version"] for row in rows} == {"risk@1"}
    assert rows[2]["flags"] == "refused:invalid_row age: it is a text, not a whole number"
    assert rows[3]["flags"].startswith("refused:unlucky")
    assert rows[4]["flags"] == "out_of_range:age"


@pytest.mark.parametrize("kind", ["csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_every_kind_of_file_holds_the_same(risk, kind):
    scored(risk, "in.csv", f"out.{kind}")
    source = risk.home / f"out.{kind}"
    signature = Signature(None)
    rows = [row.values for row in tables.rows_of(source, signature)]
    assert [row["score"] for row in rows] == [33.5, 41.0, None, None, 122.0]
    assert [str(row["age"]) for row in rows] == ["30", "40", "x", "13", "120"]


def test_what_is_copied_is_not_rewritten(risk):
    (risk.home / "in.csv").write_text("account,code,note,age,income\n00123,1e5,NA,030,NA\n")
    scored(risk, "in.csv", "out.csv")
    line = (risk.home / "out.csv").read_text().splitlines()[1]
    assert line == "00123,1e5,NA,030,NA,31.0,risk@1,"
    scored(risk, "in.csv", "out.jsonl")
    told = json.loads((risk.home / "out.jsonl").read_text())
    assert (told["account"], told["code"], told["note"]) == ("00123", "1e5", "NA")
    assert (told["age"], told["income"]) == (30, None)  # JSON tells numbers from texts


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_answers_have_their_columns_also_where_the_first_rows_have_none(risk, kind, monkeypatch):
    monkeypatch.setattr(scoring, "_PORTION", 2)
    (risk.home / "in.csv").write_text("age,income\nx,1\ny,1\n30,1\n")
    scored(risk, "in.csv", f"out.{kind}")
    told = [row.values for row in tables.rows_of(risk.home / f"out.{kind}", Signature(None))]
    assert [row["score"] for row in told] == [None, None, 32.0]


def test_a_key_that_the_first_rows_have_not_is_refused_by_its_line(risk, monkeypatch):
    monkeypatch.setattr(scoring, "_PORTION", 1)
    (risk.home / "in.jsonl").write_text('{"age": 30, "income": 1}\n\n{"age": 31, "late": 1}\n')
    for kind in ("csv", "jsonl", "parquet"):
        with pytest.raises(BadInput, match=r"in\.jsonl, line 3: the row has late") as caught:
            scored(risk, "in.jsonl", f"out.{kind}")
        assert caught.value.reason == "unknown_column"
        assert not (risk.home / f"out.{kind}").exists()


def test_a_number_with_underscores_is_none(risk):
    (risk.home / "in.csv").write_text("age,income\n3_0,1\n")
    assert scored(risk, "in.csv", "out.csv").refused == 1


def test_what_means_a_missing_value_is_the_documents_own_to_say(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("a,n\nNA,?\n?,NA\n,1\n")
    inputs = [{"name": "a", "type": "category"}, {"name": "n", "type": "number"}]
    signature = Signature.of({"signature": {"inputs": inputs, "missing": ["?"]}})
    assert [tuple(row.values.values()) for row in tables.rows_of(path, signature)] == [
        ("NA", None),
        (None, "NA"),
        (None, 1),
    ]


def test_a_category_of_numbers_in_parquet_is_asked_by_its_text(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "in.parquet"
    held = {"a": [1234567, None], "b": [1234568.0, 0.5], "c": [True, False], "n": [7, 8]}
    parquet.write_table(pa.table(held), path)
    inputs = [Input(name=name, type="category") for name in "abc"]
    rows = list(tables.rows_of(path, Signature([*inputs, Input(name="n", type="integer")])))
    assert [row.values for row in rows] == [
        {"a": "1234567", "b": "1234568", "c": "1", "n": 7},
        {"a": None, "b": "0.5", "c": "0", "n": 8},
    ]
    assert rows[0].cells["a"] == 1234567


def test_json_lines_are_read(risk):
    with gzip.open(risk.home / "in.jsonl.gz", "wt") as file:
        file.write(json.dumps({"age": 30, "income": 2.5}) + "\n\n")
    assert scored(risk, "in.jsonl.gz", "out.jsonl").answered == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,income\n1,2\n", "missing_columns"),
        ("age,score\n30,2\n", "repeated_column"),
        ("age,age\n30,2\n", "repeated_column"),
        ("age,income\n30\n", "uneven_row"),
        ("age,income\n30,2,3\n", "uneven_row"),
        ("age\n", "empty_table"),
        ('age\n"30', "unreadable"),
    ],
)
def test_a_table_that_does_not_hold_is_refused_and_nothing_is_written(risk, text, reason):
    (risk.home / "in.csv").write_text(text)
    with pytest.raises(BadInput) as caught:
        scored(risk, "in.csv", "out.csv")
    assert caught.value.reason == reason
    assert not (risk.home / "out.csv").exists()
    assert not list(risk.home.glob(".pipewarden-*"))


def test_files_that_are_no_tables_are_refused(risk):
    with pytest.raises(UsageError, match="must end in"):
        scored(risk, "in.csv", "out.xlsx")
    with pytest.raises(SourceNotFound):
        scored(risk, "none.csv", "out.csv")


def test_the_deployed_version_answers_else_the_latest_deployable(risk):
    risk.train("2 2")
    chosen = choosing.choose(risk.workspace, "risk", "production")
    assert (chosen.name, chosen.why) == ("risk@1", "deployed in production")
    chosen = choosing.choose(risk.workspace, "risk", "staging")
    assert (chosen.name, chosen.why) == ("risk@2", "the latest deployable")
    with pytest.raises(UnknownName, match="did you mean 'risk'"):
        choosing.choose(risk.workspace, "rosk", "production")


def test_all_series_are_continued_and_one_that_cannot_be_names_itself(risk):
    risk.train("1 2 3", "978.series")
    risk.train("4 5 6", "b.series")
    risk.deploy("repeat/978", 1)
    made = list(forecasts.forecast_all(risk.workspace, "production", 2, 80.0))
    rows = [row for one in made for row in one.rows]
    assert [(row["unique_id"], row["step"], row["y_hat"]) for row in rows] == [
        ("978", 1, 3.0),
        ("978", 2, 3.0),
        ("b", 1, 6.0),
        ("b", 2, 6.0),
    ]
    assert list(rows[0]) == ["unique_id", "ds", "step", "y_hat", "lo_80", "hi_80", "model_version"]
    for path in risk.workspace.objects_dir.rglob("*.json"):
        if b'"repeat/b"' in path.read_bytes():
            path.unlink()
    made = list(forecasts.forecast_all(risk.workspace, "production", 2, 80.0))
    assert [(one.chosen.name, bool(one.problem)) for one in made] == [
        ("repeat/978@1", False),
        ("repeat/b@1", True),
    ]


def test_one_series_is_named_by_its_isbn_and_a_model_of_rows_has_none(risk):
    risk.train("1 2 3", "9780140449136.series")
    name = choosing.model_of_series(risk.workspace, "978-0-14-044913-6")
    assert name == "repeat/9780140449136"
    chosen = choosing.choose(risk.workspace, name, "production")
    assert len(forecasts.forecast(risk.workspace, chosen, 3, 95).rows) == 3
    with pytest.raises(UnknownName):
        choosing.model_of_series(risk.workspace, "risk")
    chosen = choosing.choose(risk.workspace, "risk", "production")
    with pytest.raises(UsageError, match="answers rows"):
        forecasts.forecast(risk.workspace, chosen, 3, 95)
