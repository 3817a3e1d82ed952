"""Learning from weeks that became true: a series to train on, and two versions compared on them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.sales.artifact import SeriesModel, opened
from pipewarden.pipelines.sales.series.reading import KEY, series_records
from pipewarden.pipelines.sales.series.weekly import Floats, week_at

_RESAMPLES, _SEED = 500, 20_111
_TABLE = "series.csv"
#: Weeks of a forecast below which nothing is said.
_LEAST = 2
Row = Mapping[str, Any]


def training_table(
    champion: Mapping[str, Any],
    rows: Sequence[Row],
    older: Path | None,
    *,
    least: int,  # noqa: ARG001 - a series is nothing without its past: all of it is kept
    everything: bool,  # noqa: ARG001
) -> dict[str, Any]:
    """Return the series with the weeks that became true; see `SalesFamily.training_table`."""
    name = str(champion["unique_id"])
    known = _older(older, name) if older is not None else {}
    if not known:
        tail = champion["baseline"]["tail"]
        known = dict(zip(tail["ds"], tail["y"], strict=True))
    before = len(known)
    known |= {ds: value for ds, value in map(_week, rows) if ds is not None}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([KEY, "ds", "y"])
    for ds in sorted(known, key=week_at):
        value = known[ds]
        writer.writerow([name, ds, "" if value is None else value])
    return {
        "name": _TABLE,
        "data": text.getvalue().encode(),
        "rows": len(known),
        "added": before,
        "rare": None,
    }


def _older(path: Path, name: str) -> dict[str | int, float | None]:
    for record in series_records(path):
        if record[KEY] == name:
            return dict(zip(record["ds"], record["y"], strict=True))
    return {}


def _week(row: Row) -> tuple[str | int | None, float]:
    """Return the week that a label is of, and what was sold in it.

    It is the newest week of the forecast that had begun when the label became true.
    """
    steps = row["answer"].get("steps") or ()
    until = row["label_at"].date()
    begun = [one for one in steps if isinstance(one["ds"], str) and _day(one["ds"]) <= until]
    chosen = (begun or list(steps[:1]) or [{}])[-1]
    return chosen.get("ds"), float(row["label"])


def _day(text: str) -> date:
    return date.fromisoformat(text)


def contest(
    challenger: Mapping[str, Any],
    champion: Mapping[str, Any],
    rows: Sequence[Row],
    *,
    level: float,
) -> dict[str, Any]:
    """Compare the errors of two versions on the same weeks; see `SalesFamily.contest`.

    Only weeks that neither was fitted on count. Errors are scaled as the champion's are (MASE);
    the interval is that of the paired bootstrap over the weeks.
    """
    ours, theirs = opened(challenger), opened(champion)
    weeks = {ds: value for ds, value in map(_week, rows) if ds is not None}
    last = max(ours.last, theirs.last)
    new = sorted(week_at(ds) for ds in weeks if week_at(ds) > last)
    if len(new) < _LEAST:
        raise pw.NotComputable(f"{len(new)} weeks became true that neither was fitted on")
    actual = {week_at(ds): value for ds, value in weeks.items()}
    true = np.array([actual[at] for at in new])
    scale = float(champion["parameters"]["scale"]["absolute"] or 0) or 1.0
    one, two = (np.abs(true - _said(model, new)) / scale for model in (ours, theirs))
    drawn = np.random.default_rng(_SEED).integers(0, len(new), (_RESAMPLES, len(new)))
    gains = (two - one)[drawn].mean(axis=1)
    tail = (1 - level) / 2
    low, high = (round(float(at), 6) for at in np.quantile(gains, [tail, 1 - tail]))
    best = float(np.quantile(one[drawn].mean(axis=1), tail))
    gain = float((two - one).mean())
    return {
        "metric": "mase",
        "higher_is_better": False,
        "rows": len(new),
        "challenger": round(float(one.mean()), 6),
        "challenger_best": round(best, 6),
        "champion": round(float(two.mean()), 6),
        "gain": round(gain, 6),
        "gain_low": low,
        "gain_high": high,
        "words": f"scaled error {one.mean():.3f} against {two.mean():.3f}, better by {gain:+.3f} "
        f"({low:+.3f} to {high:+.3f} at {level:.0%}) on {len(new)} weeks",
    }


def _said(model: SeriesModel, weeks: Sequence[int]) -> Floats:
    steps = [math.ceil((at - model.last) / model.step) for at in weeks]
    return np.asarray(model.points(max(steps))[np.array(steps) - 1], dtype=np.float64)
