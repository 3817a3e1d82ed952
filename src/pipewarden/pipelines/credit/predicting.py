"""A file of rows in, the same file with the model's answers out."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.credit.data.reading import read_table
from pipewarden.pipelines.credit.data.table import numbers
from pipewarden.pipelines.credit.model import CreditModel, open_model

ADDED = ("probability", "prediction", "model_version", "flags")


def predict_table(
    document: Mapping[str, Any],
    input_path: Path,
    output_path: Path,
    *,
    model_version: str | None = None,
) -> dict[str, Any]:
    """Write a table with ``probability``, ``prediction``, ``model_version`` and ``flags`` added.

    A row that cannot be answered keeps its place with no probability; its flag says why. The output
    file appears whole or not at all.

    Parameters
    ----------
    document
        The model document.
    input_path, output_path
        CSV, plain or gzipped, or Parquet, by their names.
    model_version
        What the column says; a digest of the model by default.

    Returns
    -------
    Counts: ``rows``, ``answered``, ``refused``, ``flagged``, and ``unknown_columns``, which were
    copied and not looked at.

    Raises
    ------
    BadInput
        The file is no table, lacks a required column, or has a column that is to be added.
    MissingExtra
        The extra ``credit`` is not installed.
    """
    model = open_model(document)
    columns = read_table(input_path)
    unknown = _columns_hold(columns, model)
    rows = _rows(columns, model)
    answers = _answers(rows, model)
    version = model_version or f"{document['model']}@{digest(document)}"
    added: dict[str, list[Any]] = {
        "probability": [answer.get("probability") for answer in answers],
        "prediction": [answer.get("prediction") for answer in answers],
        "model_version": [version] * len(answers),
        "flags": [" ".join(answer["flags"]) for answer in answers],
    }
    _written(columns, added, input_path, output_path)
    refused = sum("probability" not in answer for answer in answers)
    return {
        "rows": len(rows),
        "answered": len(rows) - refused,
        "refused": refused,
        "flagged": sum(bool(answer["flags"]) for answer in answers) - refused,
        "unknown_columns": unknown,
        "model_version": version,
    }


def digest(document: Mapping[str, Any]) -> str:
    """Return a short digest of the model that answers."""
    artifact = document["artifact"]
    held = repr((artifact["booster"], artifact["calibration"], artifact["threshold"]))
    return hashlib.sha256(held.encode("utf-8")).hexdigest()[:12]


def _columns_hold(columns: Mapping[str, Any], model: CreditModel) -> list[str]:
    description = model.description
    absent = [
        name
        for name, column in description.columns.items()
        if column.required and name not in columns
    ]
    if absent:
        raise pw.BadInput("missing_columns", f"the table has no column {', '.join(absent)}")
    taken = [name for name in ADDED if name in columns]
    if taken:
        raise pw.BadInput("repeated_column", f"the table already has {', '.join(taken)}")
    known = {*description.columns, *description.ignore, description.target, description.time}
    return sorted(set(columns) - known)


def _rows(columns: Mapping[str, Any], model: CreditModel) -> list[dict[str, Any]]:
    """Return rows of features, cells read as numbers where they are; a row refuses the others."""
    held: dict[str, list[Any]] = {}
    missing = model.description.missing
    for name, column in model.description.columns.items():
        cells = columns.get(name)
        if cells is None:
            continue
        if column.type == "category":
            empty = set(missing)
            held[name] = [None if c is None or c in empty else str(c) for c in cells]
        elif isinstance(cells, np.ndarray):
            held[name] = cells.tolist()
        else:
            values, wrong = numbers(cells, missing)
            held[name] = values.tolist()
            for row in wrong:
                held[name][row] = cells[row]
    return [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]


def _answers(rows: Sequence[Mapping[str, Any]], model: CreditModel) -> list[Mapping[str, Any]]:
    try:
        return model.predict(rows)
    except pw.BadInput:
        pass  # some row cannot be answered: find out which, and answer the others together
    refused: dict[int, str] = {}
    for index, row in enumerate(rows):
        try:
            model.read([row])
        except pw.BadInput as error:
            refused[index] = f"refused:{error.reason} {error.message.removeprefix('row 0: ')}"
    fine = iter(model.predict([row for index, row in enumerate(rows) if index not in refused]))
    return [
        {"flags": [refused[index]]} if index in refused else next(fine)
        for index in range(len(rows))
    ]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def _written(
    columns: Mapping[str, Any], added: Mapping[str, list[Any]], source: Path, target: Path
) -> None:
    name = target.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise pw.BadInput("unknown_format", f"{target.name} is neither CSV nor Parquet")
    suffix = ".csv.gz" if name.endswith(".csv.gz") else Path(name).suffix
    handle, at = tempfile.mkstemp(prefix=".predict-", suffix=suffix, dir=target.parent)
    os.close(handle)
    try:
        if suffix == ".parquet":
            _parquet(columns, added, source, Path(at))
        else:
            _csv(columns, added, Path(at))
        Path(at).replace(target)
    except BaseException:
        Path(at).unlink(missing_ok=True)
        raise


def _csv(columns: Mapping[str, Any], added: Mapping[str, list[Any]], path: Path) -> None:
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wt", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow([*columns, *added])
        cells = [_texts(values) for values in (*columns.values(), *added.values())]
        writer.writerows(zip(*cells, strict=True))


def _texts(values: Iterable[Any]) -> list[Any]:
    if isinstance(values, np.ndarray):
        return ["" if v != v else f"{v:.17g}" for v in values.tolist()]  # noqa: PLR0124 - NaN
    return ["" if value is None else value for value in values]


def _parquet(
    columns: Mapping[str, Any], added: Mapping[str, list[Any]], source: Path, path: Path
) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise pw.MissingExtra("Writing Parquet", "credit") from None
    if source.name.lower().endswith(".parquet"):
        table = pq.read_table(source)
    else:
        table = pa.table({name: pa.array(values) for name, values in columns.items()})
    kinds = (pa.float64(), pa.int64(), pa.string(), pa.string())
    for (name, values), kind in zip(added.items(), kinds, strict=True):
        table = table.append_column(name, pa.array(values, type=kind))
    pq.write_table(table, path)
