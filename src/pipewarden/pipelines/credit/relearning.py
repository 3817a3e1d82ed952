"""Learning from what became true of answers: a table to train on, and two versions compared."""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.credit.data.description import TableDescription
from pipewarden.pipelines.credit.data.reading import read_table
from pipewarden.pipelines.credit.data.truth import Truth
from pipewarden.pipelines.credit.evaluation.intervals import interval, resamples
from pipewarden.pipelines.credit.evaluation.scores import Scored, metrics_of
from pipewarden.pipelines.credit.model import open_model

_RESAMPLES, _SEED = 500, 20_111
_TABLE = "labelled.csv"
Row = Mapping[str, Any]


def training_table(
    champion: Mapping[str, Any],
    rows: Sequence[Row],
    older: Path | None,
    *,
    least: int,
    everything: bool,
) -> dict[str, Any]:
    """Return a table of labelled rows; see `CreditFamily.training_table`."""
    description = open_model(champion).description
    header = [*description.columns, description.target]
    if description.time is not None:
        header.append(description.time)
    cells = [_cells(row, description) for row in _decided(rows, description)]
    wanted = max(0, least - len(cells))
    added: list[list[str]] = []
    if older is not None and (everything or wanted):
        added = list(_older(older, header))
        if not everything and len(added) > wanted:
            added = random.Random(_SEED).sample(added, wanted)  # noqa: S311 - a draw, no secret
    place = header.index(description.target)
    whole = [*added, *cells]
    yes = sum(row[place] == description.positive for row in whole)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(whole)
    return {
        "name": _TABLE,
        "data": text.getvalue().encode(),
        "rows": len(whole),
        "added": len(added),
        "rare": min(yes, len(whole) - yes),
    }


def _cells(row: Row, description: TableDescription) -> list[str]:
    inputs = row["inputs"]
    cells = [_text(inputs.get(name)) for name in description.columns]
    no = "0" if description.positive != "0" else "1"
    cells.append(description.positive if Truth(description.positive)(row["label"]) else no)
    if description.time is not None:
        cells.append(row["at"].isoformat())
    return cells


def _older(path: Path, header: Sequence[str]) -> Iterator[list[str]]:
    columns = read_table(path)
    absent = [name for name in header if name not in columns]
    if absent:
        raise pw.BadInput("missing_columns", f"{path.name} has no column {', '.join(absent)}")
    held = [columns[name] for name in header]
    yield from ([_text(cell) for cell in row] for row in zip(*held, strict=True))


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():  # a whole number stays one
        return str(int(cell))
    return str(cell)


def _decided(rows: Sequence[Row], description: TableDescription) -> list[Row]:
    """Return the rows whose labels say yes or no."""
    said = Truth(description.positive)
    return [row for row in rows if said(row["label"]) is not None]


def contest(
    challenger: Mapping[str, Any],
    champion: Mapping[str, Any],
    rows: Sequence[Row],
    *,
    level: float,
) -> dict[str, Any]:
    """Compare two versions by AUC on the same rows; see `CreditFamily.contest`.

    The interval of the gain is that of the paired bootstrap: each resample draws the same rows of
    both (Efron, Tibshirani 1993).
    """
    models = [open_model(document) for document in (challenger, champion)]
    rows = _decided(rows, models[0].description)
    said = Truth(models[0].description.positive)
    labels = np.array([float(said(row["label"]) is True) for row in rows])
    if not len(rows) or labels.min() == labels.max():
        raise pw.NotComputable(f"the labels of {len(rows)} rows are all alike")
    asked = [row["inputs"] for row in rows]
    ours, theirs = (
        Scored(labels, model.probabilities(model.read(asked)[0]), model.threshold)
        for model in models
    )
    weights = resamples(len(labels), _RESAMPLES, _SEED)
    one, two = metrics_of(ours), metrics_of(theirs)
    drawn, drawn_two = metrics_of(ours, weights), metrics_of(theirs, weights)
    gains = {
        name: interval(float(one[name][0] - two[name][0]), drawn[name] - drawn_two[name], level)
        for name in ("auc", "f1", "brier")
    }
    own = interval(float(one["auc"][0]), drawn["auc"], level)
    gain, champion_auc = gains["auc"], float(two["auc"][0])
    return {
        "metric": "auc",
        "higher_is_better": True,
        "rows": len(labels),
        "positives": int(labels.sum()),
        "challenger": own["value"],
        "challenger_best": own["high"],
        "champion": round(champion_auc, 6),
        "gain": gain["value"],
        "gain_low": gain["low"],
        "gain_high": gain["high"],
        "f1_difference": gains["f1"],
        "brier_difference": gains["brier"],
        "words": f"AUC {own['value']:.4f} against {champion_auc:.4f}, a difference of "
        f"{gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f} at {level:.0%}) on "
        f"{len(labels):,} rows",
    }
