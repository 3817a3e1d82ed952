"""A file of rows gets the model's answers beside what it held."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.pipelines.credit import predict_table
from pipewarden.pipelines.credit.model import open_model

Row = dict[str, Any]
Save = Callable[[Path, list[Row]], Path]


def read_csv(path: Path) -> list[dict[str, str]]:
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_answers_stand_beside_their_rows(
    document: Row, table_file: Path, tmp_path: Path, rows: list[Row]
) -> None:
    told = predict_table(document, table_file, tmp_path / "out.csv.gz", model_version="credit:7")
    assert told["rows"] == told["answered"] == len(rows)
    assert told["refused"] == 0
    assert told["unknown_columns"] == []
    written = read_csv(tmp_path / "out.csv.gz")
    assert list(written[0]) == [*rows[0], "probability", "prediction", "model_version", "flags"]
    assert [row["age"] for row in written] == [str(row["age"]) for row in rows]
    assert {row["model_version"] for row in written} == {"credit:7"}
    model = open_model(document)
    for row, out in list(zip(rows, written, strict=True))[:20]:
        features = {
            name: None if row[name] in ("NA", "") else row[name]
            for name in document["dataset"]["columns"]
        }
        (answer,) = model.predict([features])
        assert float(out["probability"]) == answer["probability"]
        assert int(out["prediction"]) == answer["prediction"]
        assert out["flags"].split() == answer["flags"]


def test_a_row_that_cannot_be_answered_keeps_its_place_and_says_why(
    document: Row, row: Row, save_csv: Save, tmp_path: Path
) -> None:
    source = save_csv(tmp_path / "in.csv", [row, {**row, "age": "old"}, {**row, "age": ""}, row])
    told = predict_table(document, source, tmp_path / "out.csv")
    assert (told["answered"], told["refused"]) == (2, 2)
    fine, old, gone, last = read_csv(tmp_path / "out.csv")
    assert fine["probability"] == last["probability"] != ""
    assert old["probability"] == old["prediction"] == gone["probability"] == ""
    assert old["flags"] == "refused:wrong_type age is no number"
    assert gone["flags"] == "refused:missing_feature age is missing"
    assert told["model_version"] == fine["model_version"] == old["model_version"]


def test_columns_that_are_not_known_are_copied_and_told(
    document: Row, row: Row, save_csv: Save, tmp_path: Path
) -> None:
    del row["NumberOfDependents"]
    source = save_csv(tmp_path / "in.csv", [{"Id": "a-1", "note": "x", **row}])
    told = predict_table(document, source, tmp_path / "out.csv")
    assert told["unknown_columns"] == ["note"]
    assert told["flagged"] == 1
    (out,) = read_csv(tmp_path / "out.csv")
    assert (out["Id"], out["note"]) == ("a-1", "x")
    assert out["flags"] == "missing:NumberOfDependents"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"age": ...}, "missing_columns"), ({"probability": "1"}, "repeated_column")],
)
def test_a_table_that_does_not_fit_is_refused_and_nothing_is_written(
    document: Row, row: Row, save_csv: Save, tmp_path: Path, change: Row, reason: str
) -> None:
    held = {name: value for name, value in {**row, **change}.items() if value is not ...}
    source = save_csv(tmp_path / "in.csv", [held])
    with pytest.raises(pw.BadInput) as caught:
        predict_table(document, source, tmp_path / "out.csv")
    assert caught.value.reason == reason
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_format_that_is_not_known_is_refused(
    document: Row, row: Row, save_csv: Save, tmp_path: Path
) -> None:
    source = save_csv(tmp_path / "in.csv", [row])
    with pytest.raises(pw.BadInput, match="neither CSV nor Parquet"):
        predict_table(document, source, tmp_path / "out.xlsx")


def test_parquet_keeps_its_types(document: Row, row: Row, save_csv: Save, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist([row, {**row, "MonthlyIncome": None}]), source)
    predict_table(document, source, tmp_path / "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.column("age").to_pylist() == [40, 40]
    assert out.schema.field("age").type == pa.int64()
    assert out.column("flags").to_pylist() == ["", "missing:MonthlyIncome"]
    predict_table(document, source, tmp_path / "out.csv")
    predict_table(document, save_csv(tmp_path / "in.csv", [row]), tmp_path / "two.parquet")
    one = read_csv(tmp_path / "out.csv")[0]["probability"]
    two = pq.read_table(tmp_path / "two.parquet").column("probability").to_pylist()[0]
    assert float(one) == two == out.column("probability").to_pylist()[0]


def test_the_version_names_the_model_that_answers(
    document: Row, row: Row, save_csv: Save, tmp_path: Path
) -> None:
    source, out = save_csv(tmp_path / "in.csv", [row]), tmp_path / "out.csv"
    one = predict_table(document, source, out)["model_version"]
    assert one == predict_table(json.loads(json.dumps(document)), source, out)["model_version"]
    other = {**document, "artifact": {**document["artifact"], "threshold": 0.9}}
    assert one != predict_table(other, source, out)["model_version"]
